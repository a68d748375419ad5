"""Another program's tests in a report: each is shown, and compared with its like alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.analysis.contests import in_contests
from harness.cases.summaries import summaries
from harness.cli.verdicts import verdicts_of
from harness.formats.open_results import read_run
from harness.journal.read import read_journal
from harness.report.content.content import content
from harness.report.pages.as_markdown import summary
from tests.formats.saved_files import benchmark, document, put
from tests.journals import MIB, planned, trial, write_run

MEMORY = {"outcome": "ok", "peak_anon_bytes": 0, "peak_file_bytes": 0, "peak_shmem_bytes": 0}
MEMORY |= {"retained_bytes": 0, "left_bytes": 0, "payload_bytes": 0}


def noted(one: dict[str, object], peak: int) -> dict[str, object]:
    facts = {**MEMORY, "peak_extra_bytes": peak, "peak_anon_bytes": peak}
    return one | {"extra_info": {"ferrybench": facts}}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A product of parameters, of which only the last takes memory; two groups; and the rest."""
    sizes = [(side, kind) for side in (64, 4096) for kind in ("f4", "f8")]
    fft = [benchmark("t.py::test_fft", None, {"n": n, "dtype": kind}) for n, kind in sizes]
    tests = [noted(one, 64 * MIB if one is fft[-1] else 0) for one in fft]
    tests += [benchmark(f"t.py::test_{name}") for name in ("alone", "other")]
    tests += [benchmark(f"t.py::test_{name}", "sums", {"c": c}) for name in "ab" for c in (1, 2)]
    tests += [benchmark(f"t.py::test_{name}", "plain") for name in "cd"]
    return put(tmp_path / "a.json", document(tests))


def test_contests_are_groups_and_the_parameters_of_one_test(saved: Path) -> None:
    rows = summaries(in_contests(read_run(saved)))
    contests: dict[str, list[str]] = {}
    for row in rows:
        contests.setdefault(row.scenario, []).append(row.strategy)
    assert contests == {
        "t": ["test_alone", "test_other"],
        "t.test_fft": [f"test_fft[{n}-{kind}]" for n in (64, 4096) for kind in ("f4", "f8")],
        "sums.1": ["test_a[1]", "test_b[1]"],
        "sums.2": ["test_a[2]", "test_b[2]"],
        "plain": ["test_c", "test_d"],
    }
    ratios = {row.strategy: row.ratio.count for row in rows}
    assert {name for name, count in ratios.items() if not count} == {"test_alone", "test_other"}


def test_every_test_has_a_line_and_its_own_memory(saved: Path) -> None:
    text = summary(content(read_run(saved)))
    lines = re.findall(r"^\| `(test_\S+)` \|(.*)\|$", text, re.MULTILINE)
    assert len(lines) == 12
    assert [name for name, cells in lines if "64 MiB" in cells] == ["test_fft[4096-f8]"]
    assert "2 tests without a group: shown one by one, not compared" in text
    assert "fastest" not in text


def test_the_terminal_ranks_nothing_that_is_not_compared(saved: Path) -> None:
    said = {line.partition(":")[0]: line for line in verdicts_of(read_run(saved))}
    assert len(said) == 5
    assert "not compared" in said["t"]
    assert "test_other" not in said["t"]


@pytest.mark.parametrize("count", [1, 3])
def test_one_file_of_single_tests_is_one_section(count: int, tmp_path: Path) -> None:
    tests = [benchmark(f"t.py::test_{number}") for number in range(count)]
    run = in_contests(read_run(put(tmp_path / "a.json", document(tests))))
    (info,) = run.header.scenarios
    assert (info.baseline, len(info.strategies)) == ("", count)


def test_a_group_of_different_parameters_is_one_contest(tmp_path: Path) -> None:
    tests = [benchmark("t.py::test_a", "g", {"x": 1}), benchmark("t.py::test_b", "g", {"y": 1})]
    run = in_contests(read_run(put(tmp_path / "a.json", document(tests))))
    assert [info.name for info in run.header.scenarios] == ["g"]
    assert [one.case.strategy for one in run.header.plan.cases] == ["test_a[1]", "test_b[1]"]


def test_a_journal_of_ours_stays_as_it_is(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run.jsonl", [planned("base", baseline=True)], [trial(0, 1)])
    run = read_journal(path)
    assert in_contests(run) is run


def test_no_test_hides_behind_the_name_of_another(tmp_path: Path) -> None:
    tests = [benchmark("t.py::test_a", None, {"x": x, "y": y}) for x, y in (("1-2", 3), (1, "2-3"))]
    tests += [benchmark(f"u.py::test_{name}", "t.test_a") for name in "bc"]
    found = content(read_run(put(tmp_path / "a.json", document(tests))))
    shown = {one.info.name: [row.strategy for row in one.sweep.main] for one in found.scenarios}
    assert shown == {
        "t.test_a": ["test_a[1-2-3]", "test_a[1-2-3]~2"],
        "t.test_a~2": ["test_b", "test_c"],
    }
    assert summary(found).count("| `test_") == 4


@pytest.mark.parametrize("group_first", [True, False])
def test_a_group_and_a_file_of_one_name_stay_apart(group_first: bool, tmp_path: Path) -> None:
    grouped = [benchmark(f"other.py::test_{name}", "sums") for name in "ab"]
    single = [benchmark(f"sums.py::test_{name}") for name in "cd"]
    tests = grouped + single if group_first else single + grouped
    run = in_contests(read_run(put(tmp_path / "a.json", document(tests))))
    compared = {info.baseline: len(info.strategies) for info in run.header.scenarios}
    assert compared == {"test_a": 2, "": 2}


def test_groups_that_are_written_alike_are_two_contests(tmp_path: Path) -> None:
    tests = [benchmark(f"t.py::test_{name}", group) for group in ("a b", "a_b") for name in "xy"]
    run = in_contests(read_run(put(tmp_path / "a.json", document(tests))))
    shown = [(info.question, len(info.strategies)) for info in run.header.scenarios]
    assert shown == [(f"How do the tests of {name} compare?", 2) for name in ("a b", "a_b")]
    assert len({info.name for info in run.header.scenarios}) == 2


def test_tests_of_one_name_in_several_contests_keep_it(tmp_path: Path) -> None:
    tests = [benchmark(f"t.py::Test{n}::copy", n, {"n": 1}) for n in "AB"]
    tests += [benchmark("a.py::copy", group) for group in ("one", "two", "three")]
    run = in_contests(read_run(put(tmp_path / "a.json", document(tests))))
    labels = [one.case.strategy for one in run.header.plan.cases]
    assert labels == ["TestA.copy[1]", "TestB.copy[1]", "copy", "copy", "copy"]
