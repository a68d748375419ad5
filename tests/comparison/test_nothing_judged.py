"""Where nothing that decides is known, nothing is the same: in text, Markdown, JUnit, exit code."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import run
from harness.comparison.as_junit import junit
from harness.comparison.as_markdown import markdown
from harness.comparison.as_text import headline
from harness.comparison.sides import match, sides_within
from harness.comparison.suite import Rules, compare
from harness.comparison.verdicts import RunComparison
from harness.errors import EXIT_NOT_JUDGED, EXIT_OK, EXIT_WORSE
from harness.journal.lines import EndLine, Sides
from harness.journal.read import read_journal
from harness.journal.write import Journal
from harness.schema.records import MISSED, Case, HostSpec, Outcome, PlannedCase, Rss, Trial
from tests.comparison.sides_made import Change, matched, same, steady, suite, trials_of, usual
from tests.journals import ENVIRONMENT, header, planned, trial


def times_alone(one: Trial) -> Trial:
    """As a file of another tool has them, or a journal whose every reading was missed."""
    return replace(one, ledger=None, faults_first=None, faults_steady=None, shares_memory=None)


def slower(one: Trial) -> Trial:
    return times_alone(steady(13e-3)(one))


def fails(one: Trial) -> Trial:
    return replace(one, outcome=Outcome("error", "it does not"))


def everywhere(change: Change) -> list[Trial]:
    return [one for index in range(3) for one in trials_of(index, change=change)]


ELSEWHERE = replace(ENVIRONMENT, cpu_model="Another")


def both(folder: Path, base: Sequence[Trial], candidate: Sequence[Trial]) -> tuple[Path, Path]:
    return suite(folder, "base", base), suite(folder, "candidate", candidate)


def only_times(folder: Path) -> tuple[Path, Path]:
    return both(folder, everywhere(times_alone), everywhere(slower))


def times_of_other_machines(folder: Path) -> tuple[Path, Path]:
    base = suite(folder, "base", everywhere(times_alone))
    return base, suite(folder, "other", everywhere(slower), environment=ELSEWHERE)


def one_time_each(folder: Path) -> tuple[Path, Path]:
    sides = ([change(trial(index, 1)) for index in range(3)] for change in (times_alone, slower))
    return both(folder, *sides)


def no_common_case(folder: Path) -> tuple[Path, Path]:
    other = suite(folder, "other", [trial(0, 0)], cases=[planned("elsewhere")])
    return suite(folder, "base", usual()), other


def all_failed(folder: Path) -> tuple[Path, Path]:
    return both(folder, everywhere(fails), everywhere(fails))


def all_skipped(folder: Path) -> tuple[Path, Path]:
    cases = [planned(name, skip="needs a package") for name in "abc"]
    base, other = (suite(folder, name, [], cases=cases) for name in ("base", "other"))
    return base, other


def neither_times_nor_memory(folder: Path) -> tuple[Path, Path]:
    def empty(one: Trial) -> Trial:
        return replace(times_alone(one), timing=None)

    return both(folder, everywhere(empty), everywhere(empty))


def memory_on_one_side(folder: Path) -> tuple[Path, Path]:
    return both(folder, everywhere(same), everywhere(times_alone))


def memory_unknown_and_faults_the_same(folder: Path) -> tuple[Path, Path]:
    def unknown(one: Trial) -> Trial:
        assert one.ledger is not None
        return replace(one, ledger=replace(one.ledger, at_least="it holds holes"))

    return both(folder, everywhere(same), everywhere(unknown))


def peak_missed_on_both_sides(folder: Path) -> tuple[Path, Path]:
    def missed(one: Trial) -> Trial:
        assert one.ledger is not None
        return replace(one, ledger=replace(one.ledger, split_source=MISSED))

    def heavier(one: Trial) -> Trial:
        ledger = missed(one).ledger
        assert ledger is not None
        peak = Rss(anon_bytes=2 * ledger.peak.anon_bytes)
        return replace(one, ledger=replace(ledger, peak=peak))

    return both(folder, everywhere(missed), everywhere(heavier))


def nothing_measured(folder: Path) -> tuple[Path, Path]:
    base, other = (suite(folder, name, [], end="interrupted") for name in ("base", "other"))
    return base, other


MEMBERS: dict[Callable[[Path], tuple[Path, Path]], str] = {
    only_times: "3 advisory",
    times_of_other_machines: "3 advisory",
    one_time_each: "3 advisory",
    no_common_case: "1 not comparable, 3 not measured",
    all_failed: "3 not judged",
    all_skipped: "3 skipped",
    neither_times_nor_memory: "3 not judged",
    memory_on_one_side: "3 not measured",
    memory_unknown_and_faults_the_same: "3 not measured",
    peak_missed_on_both_sides: "3 not measured",
    nothing_measured: "3 skipped",
}


def compared(paths: tuple[Path, Path], *, strict: bool = False) -> RunComparison:
    return compare(matched(*paths), Rules(strict=strict))


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.__name__)
def test_nothing_was_judged(
    member: Callable[[Path], tuple[Path, Path]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    paths = member(tmp_path)
    assert run(["compare", *map(str, paths)]) == EXIT_NOT_JUDGED
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith("nothing was judged: ")
    assert MEMBERS[member] in said
    assert "same" not in said
    assert run(["compare", "--strict", *map(str, paths)]) == EXIT_WORSE
    found = compared(paths)
    assert markdown(found).startswith("## ferrybench: nothing was judged")
    (tests,) = ET.fromstring(junit(found))
    assert tests.get("tests") == tests.get("skipped") == str(len(found.cases))
    strict = compared(paths, strict=True)
    assert [case.find("failure") is None for case in ET.fromstring(junit(strict)).iter("testcase")
            ] == [case.word == "skipped" for case in strict.cases]  # fmt: skip


def test_what_is_known_of_some_cases_alone_is_counted(tmp_path: Path) -> None:
    base, candidate = memory_unknown_and_faults_the_same(tmp_path)
    known = [one for one in read_journal(base).trials if one.case == 0]
    unknown = [one for one in read_journal(candidate).trials if one.case != 0]
    some = suite(tmp_path, "some", [*known, *unknown])
    found = compared((base, some))
    assert (headline(found), found.exit_code) == ("nothing worse: 2 not measured, 1 same", EXIT_OK)
    assert compared((base, some), strict=True).exit_code == EXIT_WORSE


def test_what_was_judged_is_counted_apart_from_what_was_not(tmp_path: Path) -> None:
    trials = [*trials_of(0), *trials_of(1, change=slower), *trials_of(2, change=fails)]
    found = compared(both(tmp_path, trials, trials))
    assert headline(found) == "nothing worse: 1 not judged, 1 advisory, 1 same"
    assert found.exit_code == EXIT_OK
    assert compared(both(tmp_path, trials, trials), strict=True).exit_code == EXIT_WORSE


def test_thirteen_times_slower_is_shown_where_time_is_all_there_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["compare", *map(str, only_times(tmp_path))])
    assert capsys.readouterr().out.count("slower (advisory): moving/") == 3


def test_a_matrix_asks_for_outcomes_alone_and_a_declared_refusal_is_one(tmp_path: Path) -> None:
    def cell(one: Trial) -> Trial:
        return replace(times_alone(one), kind="probe", timing=None)

    cells = [cell(trial(0, 0)), cell(fails(trial(1, 0))), cell(trial(2, 0))]
    found = compared(both(tmp_path, cells, cells))
    assert (headline(found), found.exit_code) == ("nothing worse: 3 same", EXIT_OK)
    refusing = [replace(planned(name), refuses=("does not",)) for name in "abc"]
    paths = [suite(tmp_path, name, everywhere(fails), cases=refusing) for name in ("a", "b")]
    assert headline(compared((paths[0], paths[1]))) == "nothing worse: 3 same"


def sides_of(folder: Path, change: Change, end: str) -> RunComparison:
    """An A/B run of one case."""
    hosts = ("base", "candidate")
    cases = [PlannedCase(Case("moving", "a", {"size": 1}, host)) for host in hosts]
    head = header(cases)
    plan = replace(
        head.plan,
        hosts=tuple(HostSpec(name) for name in hosts),
        sides=Sides("base", "candidate", "main", "HEAD"),
    )
    environment = replace(ENVIRONMENT, hosts=dict.fromkeys(hosts, ENVIRONMENT.hosts["default"]))
    path = folder / "ab.jsonl"
    with Journal.create(path, replace(head, plan=plan, environment=environment)) as journal:
        for index in range(2):
            for number in range(3):
                journal.append(change(trial(index, number, kind="memory")))
        journal.append(EndLine(end))
    return compare(match(*sides_within(read_journal(path))), Rules(interleaved=True))


@pytest.mark.parametrize("change", [fails, lambda one: replace(times_alone(one), timing=None)])
def test_an_ab_run_in_which_nothing_decided_is_no_pass(change: Change, tmp_path: Path) -> None:
    found = sides_of(tmp_path, change, "budget")
    assert (found.word, found.exit_code) == ("nothing was judged", EXIT_NOT_JUDGED)
    (tmp_path / "ab.jsonl").unlink()
    assert sides_of(tmp_path, same, "budget").word == "nothing worse"
