"""Which files hold runs: what is left out is named, copies count once, time gives the order."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.history.discover import FILES_NAMED, discover
from tests.history.made_runs import created, run_id, write, write_runs


def test_runs_are_in_the_order_in_which_they_were_measured(tmp_path: Path) -> None:
    for number, name in ((2, "a"), (0, "b"), (1, "c")):
        write(tmp_path, number, name=name)
    assert [run.run_id for run in discover([tmp_path]).runs] == [run_id(n) for n in range(3)]


def test_the_order_is_that_of_the_moments_not_of_the_clocks_on_the_wall(tmp_path: Path) -> None:
    """A laptop has come home from overseas."""
    write(tmp_path, 0, at="2026-03-01T09:00:00+01:00")
    write(tmp_path, 1, at="2026-03-01T04:00:00-05:00")
    write(tmp_path, 2, at="2026-03-01T10:30:00+01:00")
    assert [run.run_id for run in discover([tmp_path]).runs] == [run_id(n) for n in (0, 1, 2)]


def test_files_that_hold_no_run_are_named_in_one_line(tmp_path: Path) -> None:
    folder = write_runs(tmp_path, 2)
    (folder / "notes.json").write_text('{"a": 1}\n')
    (folder / "torn.jsonl").write_bytes((folder / f"{run_id(0)}.jsonl").read_bytes()[:100])
    (folder / "read.txt").write_text("nobody's")
    gathered = discover([folder])
    assert len(gathered.runs) == 2
    [line] = gathered.remarks
    assert line.startswith("ignored: ")
    assert "notes.json (not a ferrybench journal)" in line
    assert "torn.jsonl (" in line
    assert "read.txt" not in line


@pytest.mark.parametrize(
    "damaged", ['{"a": 1}\n', "", "no json\n", "half a line", '{"format": "ferrybench-journal"}\n']
)
def test_a_file_that_is_named_is_not_left_out(damaged: str, tmp_path: Path) -> None:
    """Whoever names it wants it in the history; in a folder there may be anything."""
    folder = write_runs(tmp_path, 2)
    bad = folder / "bad.jsonl"
    bad.write_text(damaged)
    with pytest.raises(UsageError, match=r"bad\.jsonl, line 1: "):
        discover([folder, bad])
    with pytest.raises(UsageError, match=r"bad\.jsonl, line 1: "):
        discover([bad, folder / f"{run_id(0)}.jsonl"])
    assert len(discover([folder]).runs) == 2


def test_of_many_such_files_the_rest_are_counted(tmp_path: Path) -> None:
    folder = write_runs(tmp_path, 1)
    for number in range(FILES_NAMED + 3):
        (folder / f"{number}.json").write_text("{}\n")
    [line] = discover([folder]).remarks
    assert line.endswith(", and 3 more")


def test_copies_of_a_run_count_once_and_the_longer_one_counts(tmp_path: Path) -> None:
    folder = write_runs(tmp_path, 2)
    path = folder / f"{run_id(0)}.jsonl"
    shutil.copy(path, folder / "z-copy.jsonl")
    shorter = path.read_bytes().splitlines(keepends=True)[:-4]
    path.write_bytes(b"".join(shorter))
    gathered = discover([folder, folder])
    assert [run.path.name for run in gathered.runs] == ["z-copy.jsonl", f"{run_id(1)}.jsonl"]
    [line] = gathered.remarks
    assert line.startswith("counted once: ")
    assert "z-copy.jsonl" in line


def test_a_folder_without_any_run_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no journal in"):
        discover([tmp_path])
    (tmp_path / "x.json").write_text("{}\n")
    with pytest.raises(UsageError, match=r"no run in .*x\.json"):
        discover([tmp_path])
    with pytest.raises(UsageError, match="does not exist"):
        discover([tmp_path / "nowhere"])


def test_cases_that_are_not_wanted_are_forgotten(tmp_path: Path) -> None:
    [run] = discover([write_runs(tmp_path, 1)], lambda key: "/other " in key).runs
    assert [key.split()[0] for key in run.cases] == ["moving/other"]
    # The baseline is forgotten too, but not what was told by it.
    assert all(reading.values["ratio"] for reading in run.cases.values())


def test_a_file_of_pytest_benchmark_is_a_run(tmp_path: Path) -> None:
    for number in range(2):
        stats = {"data": [1e-3, 1.1e-3, 1e-3], "median": 1e-3, "iterations": 1, "rounds": 3}
        benchmark = {
            "group": None,
            "name": "test_a",
            "fullname": "tests/test_x.py::test_a",
            "params": None,
            "extra_info": {},
            "options": {},
            "stats": stats,
        }
        file = {
            "machine_info": {"system": "Linux", "python_version": "3.11.7"},
            "commit_info": {"id": f"abc{number}"},
            "datetime": created(number),
            "version": "5.1.0",
            "benchmarks": [benchmark],
        }
        folder = tmp_path / str(number)
        folder.mkdir()
        # Files of different runs are often named alike.
        (folder / "0001_base.json").write_text(json.dumps(file))
    runs = discover([tmp_path / "0", tmp_path / "1"]).runs
    assert [run.date[:10] for run in runs] == [created(0)[:10], created(1)[:10]]
    [reading] = runs[0].cases.values()
    assert reading.values["time"] == (1e-3,)
