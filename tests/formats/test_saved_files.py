"""Saved files of other projects: every statistic as it is there, every test out as it went in."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import pytest

from harness.cases.frame import case_frame
from harness.cases.summaries import summaries
from harness.cli import run as ferrybench
from harness.errors import UsageError
from harness.formats.open_results import read_run
from harness.history.discover import discover
from harness.history.readings import past_run
from harness.journal.lines import Run
from harness.report.content.content import content
from harness.report.content.machine import UNKNOWN, machine_pairs, run_pairs
from harness.report.content.method import method, not_measured, notices
from harness.report.pages.as_html import page
from harness.report.pages.as_markdown import summary
from tests.formats.in_and_out import exported, faults, unmatched
from tests.formats.saved_files import VERSIONS, benchmark, document, put, saved
from tests.some import some


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Path]]:
    """A file of every version, with and without single rounds, and what comes out of each."""
    folder = tmp_path_factory.mktemp("saved")
    found: list[tuple[Path, Path]] = []
    for version in VERSIONS:
        for with_data in (False, True):
            path = folder / f"{version}-{with_data}.json"
            saved(path, version, with_data=with_data, times=1 + len(found))
            found.append((path, exported(path, folder)))
    return found


def test_every_statistic_is_the_files_and_nothing_else_is_said(
    files: list[tuple[Path, Path]],
) -> None:
    assert len(files) == 2 * len(VERSIONS)
    assert [fault for path, again in files for fault in faults(path, again)] == []


def test_their_own_compare_matches_every_test_with_what_came_out(
    files: list[tuple[Path, Path]], tmp_path: Path
) -> None:
    lonely, _ = files[-1]  # of which it sees a third one
    third = Path(shutil.copy(lonely, tmp_path / "third.json"))
    found = unmatched([*(path for pair in files for path in pair), third], tmp_path)
    tests = json.loads(lonely.read_text())["benchmarks"]
    assert sorted(found) == sorted(one["fullname"] for one in tests)


def rows(path: Path) -> dict[str, dict[Hashable, Any]]:
    return {row["case"]: row for row in case_frame(read_run(path)).to_dict("records")}


def keys(path: Path) -> list[str]:
    return [planned.case.key for planned in read_run(path).header.plan.cases]


def test_a_summary_alone_has_its_spread_and_its_counts(tmp_path: Path) -> None:
    row = rows(saved(tmp_path / "a.json"))["tests.test_fft/test_plain"]
    assert (row["steady_min_s"], row["max"]) == (2.1e-5, 9.7e-5)
    assert (row["samples"], row["rounds"], row["iterations"]) == (6, 6, 3)
    assert row["two_modes"] is None  # which a summary does not tell


@pytest.mark.parametrize(
    "value", [None, float("inf"), float("nan"), True, "fast", 10**400], ids=str
)
def test_a_statistic_that_is_no_number_is_not_known(value: Any, tmp_path: Path) -> None:
    for with_data in (False, True):
        test = benchmark("t.py::test", with_data=with_data)
        test["stats"] |= {"min": value, "mean": value, "iterations": value}
        if not with_data:
            test["stats"]["rounds"] = value
        run = read_run(put(tmp_path / "a.json", document([test])))
        (timing,) = (one.timing for one in run.trials)
        assert timing is not None
        known = (2.1e-5, 6) if with_data else (pytest.approx(float("nan"), nan_ok=True), None)
        assert (timing.fastest_s, timing.samples) == known
        assert timing.calls_per_sample == 1
        line = next(one for one in summary(content(run)).splitlines() if "`test`" in one)
        assert not re.search("inf|nan|True|fast|000000", line)


@pytest.mark.parametrize("data", [5, {"a": 1}, "1", [True] * 6], ids=str)
def test_data_that_are_no_list_of_times_are_no_rounds(data: Any, tmp_path: Path) -> None:
    content = document([benchmark("t.py::test")])
    content["benchmarks"][0]["stats"]["data"] = data
    content["machine_info"]["cpu"] = {"count": 10**400}
    run = read_run(put(tmp_path / "a.json", content))
    assert [one.timing.samples_s for one in run.trials if one.timing] == [()]
    assert run.header.environment.processors_installed == 0


def test_a_size_of_theirs_is_no_number_of_bytes(tmp_path: Path) -> None:
    row = rows(saved(tmp_path / "a.json"))["omp/test_omp size=2"]
    assert (row["size_bytes"], row["size"]) == (None, 2)


def test_parameters_called_like_columns_keep_their_values(tmp_path: Path) -> None:
    params = {"group": "a", "threads": 4, "rounds": 9, "host": "far"}
    path = put(tmp_path / "a.json", document([benchmark("t.py::test", None, params)]))
    (row,) = rows(path).values()
    assert {name: row[f"param:{name}"] for name in ("group", "rounds", "host")} == {
        "group": "a", "rounds": 9, "host": "far",
    }  # fmt: skip
    assert row["rounds"] == 6
    assert 4 in (row["threads"], row["param:threads"])


def test_their_extra_info_is_not_taken_for_ours(tmp_path: Path) -> None:
    tests = [benchmark(f"t.py::test_{name}") for name in "ab"]
    for one in tests:
        one["extra_info"] = {
            "scenario": "s",
            "strategy": "t",
            "peak_extra_bytes": 1,
            "outcome": "x",
        }
    path = put(tmp_path / "a.json", document(tests))
    assert keys(path) == ["t/test_a", "t/test_b"]
    assert {row["peak_extra_bytes"] for row in rows(path).values()} == {None}


def names_in(format_: str, text: str) -> list[str]:
    if format_ == "csv":
        return [row["case"] for row in csv.DictReader(text.splitlines())]
    content = json.loads(text)
    if format_ == "bencher":
        return list(content)
    name = "case" if format_ == "json" else "name"
    return [one[name].removesuffix(" (time)") for one in content]


@pytest.mark.parametrize(
    "tests",
    [
        [benchmark("t.py::test", None, {"n": 1}), benchmark("t.py::test", None, {"n": "1"})],
        [benchmark("a/t.py::test", "g"), benchmark("b/t.py::test", "g")],
        [benchmark("t.py::test", "a b"), benchmark("t.py::test", "a_b")],
        [benchmark("t.py::test")] * 3,
        [benchmark("t.py::test", None, {"n": "a b"}), benchmark("t.py::test", None, {"n": "a\nb"})],
        [benchmark("t.py::test", None, {"n": ""}), benchmark("t.py::test", None, {"n": " "})],
        [benchmark("t.py::test~2"), benchmark("t.py::test"), benchmark("t.py::test")],
        [benchmark("t.py::test", None, {"n": float("nan")}), benchmark("t.py::test", "\ud800")],
        [benchmark("t.py::test_µs", "größe"), benchmark("t.py::test_s", "größe")],
    ],
    ids=["types", "files", "groups", "thrice", "newline", "blank", "numbered", "nan", "unicode"],
)
@pytest.mark.parametrize("format_", ["bencher", "github-action-benchmark", "csv", "json"])
def test_names_are_clean_and_none_is_lost(
    tests: list[dict[str, Any]], format_: str, tmp_path: Path
) -> None:
    path = put(tmp_path / "a.json", document(tests))
    output = tmp_path / "out"
    assert ferrybench(["export", str(path), "--format", format_, "-o", str(output)]) == 0
    text = output.read_text()
    names = names_in(format_, text)
    assert len(set(names)) == len(names) == len(tests)
    assert all(name == name.strip() and name.isprintable() for name in names)
    assert not any(re.search(r"\[\]|^scenarios/", name) for name in names)
    assert list(faults(path, exported(path, tmp_path))) == []


def test_what_hooks_and_hands_made_of_a_file_does_not_stop_it(tmp_path: Path) -> None:
    content = document([benchmark("t.py::test", with_data=True)])
    content["machine_info"] = content["commit_info"] = None
    content["benchmarks"][0]["stats"]["data"][2:] = ["… left out"]
    content["benchmarks"][0] |= {"extra_info": None, "options": None}
    path = put(tmp_path / "a.json", content)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())  # as PowerShell begins a file
    run = read_run(path)
    assert run.trials[0].timing is not None
    assert run.trials[0].timing.samples_s == ()
    environment = run.header.environment
    assert (environment.cpu_model, environment.processors, environment.hypervisor) == ("", 0, None)


def test_a_machine_of_which_nothing_is_known_is_shown_so(tmp_path: Path) -> None:
    run = read_run(saved(tmp_path / "old.json", "2.5.0"))
    pairs = dict(machine_pairs(run.header.environment))
    unknown = {name for name, text in pairs.items() if text.startswith(UNKNOWN)}
    assert unknown == pairs.keys() - {"Processor", "System"}
    assert not re.search(r"\b0 processor|1 processes|\b0 of", summary(content(run)))


@pytest.mark.parametrize("date", [None, "", "yesterday", 5, {"a": 1}], ids=str)
def test_a_date_that_is_not_stated_is_not_made_up(date: Any, tmp_path: Path) -> None:
    path = put(tmp_path / "a.json", document([benchmark("t.py::test")]) | {"datetime": date})
    run = read_run(path)
    assert run.header.created == ""
    assert dict(run_pairs(run))["Measured"] == UNKNOWN
    assert "1970-01-01" not in summary(content(run)) + page(content(run))
    with pytest.raises(UsageError, match="does not say when it was measured"):
        discover([path])
    dated = saved(tmp_path / "b.json")
    found = discover([tmp_path])
    assert [one.path for one in found.runs] == [dated]
    assert f"{path} (it does not say when it was measured)" in found.remarks[0]


@pytest.mark.parametrize(
    ("date", "created"),
    [
        ("2015-08-14T16:04:13.515460", "2015-08-14T16:04:13+00:00"),
        ("2015-08-14T16:04:13Z", "2015-08-14T16:04:13+00:00"),
        ("2015-08-14T16:04:13+05:00", "2015-08-14T16:04:13+05:00"),
    ],
)
def test_a_date_without_an_offset_is_one_of_utc(date: str, created: str, tmp_path: Path) -> None:
    content = document([benchmark("t.py::test")]) | {"datetime": date}
    assert read_run(put(tmp_path / "a.json", content)).header.created == created


@pytest.mark.parametrize(
    ("options", "collector"),
    [
        ([{"disable_gc": True}] * 2, "off while timing"),
        ([{"disable_gc": False}] * 2, "on"),
        ([{"disable_gc": True}, {"disable_gc": False}], UNKNOWN),
        ([{"disable_gc": True}, {}], UNKNOWN),
        ([None, None], UNKNOWN),
        ([{"disable_gc": "no"}] * 2, UNKNOWN),
        ([{"disable_gc": 0}] * 2, UNKNOWN),
    ],
    ids=str,
)
def test_the_collector_is_as_every_test_says_or_not_known(
    options: list[Any], collector: str, tmp_path: Path
) -> None:
    tests = [benchmark(f"t.py::test_{number}") | {"options": one}
             for number, one in enumerate(options)]  # fmt: skip
    run = read_run(put(tmp_path / "a.json", document(tests)))
    assert dict(run_pairs(run))["Cyclic collector"] == collector
    assert ("collector not known" in past_run(run).sweep) == (collector == UNKNOWN)
    said = " ".join(not_measured(run))
    assert ("collector, which is off while timing" in said) == (collector == "off while timing")
    assert ("collector, if it was off while timing: that is not known" in said) == (
        collector == UNKNOWN
    )


@pytest.mark.parametrize(
    ("dirty", "said"),
    [
        (True, ", with uncommitted changes"),
        (False, ""),
        (None, " (uncommitted changes: not known)"),
        ("yes", " (uncommitted changes: not known)"),
    ],
)
def test_whether_a_revision_was_changed_is_as_stated(dirty: Any, said: str, tmp_path: Path) -> None:
    content = document([benchmark("t.py::test")])
    content["commit_info"]["dirty"] = dirty
    run = read_run(put(tmp_path / "a.json", content))
    assert dict(run_pairs(run))["Revision"] == f"5b78858eb718{said}"


def test_rounds_are_counted_only_where_all_are_known(tmp_path: Path) -> None:
    tests = [benchmark(f"t.py::test_{name}") for name in "ab"]
    run = read_run(put(tmp_path / "a.json", document(tests)))
    assert "2 tests, 12 rounds in all." in " ".join(method(run, summaries(run)))
    del tests[1]["stats"]["rounds"]
    run = read_run(put(tmp_path / "a.json", document(tests)))
    said = " ".join(method(run, summaries(run)))
    assert "2 tests." in said
    assert "rounds in all" not in said


def test_tests_whose_rounds_are_not_known_do_not_count_as_steady(tmp_path: Path) -> None:
    two_speeds = (1e-5,) * 6 + (3e-5,) * 6
    tests = [benchmark("t.py::test_a", samples_s=two_speeds, with_data=True)]
    tests += [benchmark("t.py::test_b", samples_s=(1e-5,) * 12, with_data=True)]
    tests += [benchmark(f"t.py::test_{number}") for number in range(8)]
    run = read_run(put(tmp_path / "a.json", document(tests)))
    assert "1 of 2 timed cases ran at two speeds" in " ".join(notices(run, summaries(run)))


def fields_of(run: Run) -> list[tuple[str, Any]]:
    return [(trial.kind, trial.timing) for trial in run.trials]


def test_in_and_out_and_in_is_what_it_was(files: list[tuple[Path, Path]]) -> None:
    for path, again in some(files):
        assert fields_of(read_run(path)) == fields_of(read_run(again)) != []
