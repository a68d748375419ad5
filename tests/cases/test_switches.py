"""Context switches: known from sleeping, shown everywhere, judged nowhere."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from harness.cases.frame import case_frame
from harness.comparison.as_text import lines
from harness.comparison.suite import Rules, compare
from harness.comparison.verdicts import RunComparison
from harness.errors import EXIT_OK
from harness.history.as_text import INFORMATION, case_lines
from harness.host.host import Host
from harness.journal.read import read_journal
from harness.schema.records import Switches, Trial
from harness.trial.timing.steps import switches_between
from tests.comparison.sides_made import Change, matched, of, same, steady, suite, usual
from tests.history.made_runs import Shape, Shapes, case_of, history_of, series_of, write_runs
from tests.journals import planned, trial, write_run
from tests.lab import Lab

NAPS = 30
SCENARIO = f"""
import time

from harness import Scenario

scenario = Scenario("napping", question="Does it nap?", baseline="awake")


@scenario.inputs
def array(size, rng):
    return rng.random(size // 8)


@scenario.strategy(copies=0, shares_memory=True)
def awake(array):
    return array


@scenario.strategy(copies=0, shares_memory=True)
def asleep(array):
    for _ in range({NAPS}):
        time.sleep(0.0005)
    return array


@scenario.check
def same(array, result):
    assert (array == result).all()
"""
COLUMNS = tuple(
    f"{kind}_switches_{phase}"
    for kind in ("voluntary", "involuntary")
    for phase in ("first", "steady")
)


def test_a_process_that_sleeps_lets_go_of_its_processor_each_time(
    host: Host, tmp_path: Path
) -> None:
    file = tmp_path / "napping.py"
    file.write_text(SCENARIO)
    lab = Lab(host, tmp_path, file, "napping")
    asleep, awake = (lab.record(name, kind="time", size=4096) for name in ("asleep", "awake"))
    for phase in ("first", "steady"):
        # To wake up for a moment in between takes no more than a few.
        assert NAPS <= asleep[f"switches_{phase}"]["voluntary"] < NAPS + 5, phase
        assert awake[f"switches_{phase}"]["voluntary"] < 5, phase


def test_of_two_readings_the_difference_counts_by_call() -> None:
    before, after = (SimpleNamespace(ru_nvcsw=n, ru_nivcsw=3 * n) for n in (10, 30))
    assert switches_between(before, after, calls=4) == Switches(voluntary=5.0, involuntary=15.0)


def switching(voluntary: float, involuntary: float = 0.0) -> Change:
    found = Switches(voluntary, involuntary)
    return lambda one: replace(one, switches_first=found, switches_steady=found)


def row_of(folder: Path, *trials: Trial) -> dict[str, float]:
    path = write_run(folder / "run.jsonl", [planned("base")], trials)
    row = case_frame(read_journal(path)).iloc[0]
    return {name: row[name] for name in COLUMNS}


def test_a_case_has_the_median_of_the_processes_that_were_timed(tmp_path: Path) -> None:
    counts = ((1, 2.0), (2, 3.0), (3, 10.0))
    trials = [switching(count, 7.0)(trial(0, number)) for number, count in counts]
    trials.append(switching(99.0, 99.0)(trial(0, 0)))  # watched for its memory
    row = row_of(tmp_path, *trials)
    assert [row[name] for name in COLUMNS] == [3.0, 3.0, 7.0, 7.0]


def test_in_a_duet_waiting_for_the_turn_is_not_the_strategys(tmp_path: Path) -> None:
    row = row_of(tmp_path, switching(50.0)(trial(0, 1, kind="duet")))
    assert all(math.isnan(value) for value in row.values())


def test_a_journal_from_before_does_not_know_and_does_not_say_zero(tmp_path: Path) -> None:
    fields = msgspec.to_builtins(trial(0, 1))
    del fields["switches_first"], fields["switches_steady"]
    one = msgspec.convert(fields, Trial)
    assert one.switches_first is None
    assert one.switches_steady is None
    assert all(math.isnan(value) for value in row_of(tmp_path, one).values())


def against(folder: Path, base: Change, candidate: Change) -> RunComparison:
    """The usual suite, whose ``b`` is another on each side."""
    sides = {"base": base, "candidate": candidate}
    return compare(
        matched(*(suite(folder, name, usual(change)) for name, change in sides.items())), Rules()
    )


STEADY = "voluntary switches, steady"


def test_compare_shows_them_beside_what_it_judges_and_does_not_judge_them(tmp_path: Path) -> None:
    def waits(one: Trial) -> Trial:
        return switching(40.0)(steady(2e-3)(one))

    found = against(tmp_path, switching(2.0), waits)
    finding = of(found, "b", STEADY)
    assert (finding.word, finding.gates) == ("same", False)
    assert (finding.base, finding.candidate) == (2.0, 40.0)
    assert found.exit_code == EXIT_OK
    assert [case.word for case in found.cases] == ["same"] * 3
    said = [text.strip() for text, _ in lines(found)]
    assert f"for information: {STEADY}: 2 → 40" in said


@pytest.mark.parametrize("change", [same, switching(2.0), switching(2.5), switching(3.0)])
def test_counts_that_lie_together_or_that_one_side_lacks_are_not_shown(
    change: Change, tmp_path: Path
) -> None:
    found = against(tmp_path, switching(2.0), change)
    assert not [one for case in found.cases for one in case.findings if one.informs]


def test_history_follows_them_and_finds_no_change(tmp_path: Path) -> None:
    def counted(number: int) -> Shapes:
        return {"other": Shape(switches=1.0 if number < 6 else 1000.0)}

    found = history_of(write_runs(tmp_path / "runs", 12, counted))
    case = case_of(found, "other")
    series = series_of(case, "voluntary-switches-steady")
    assert series.values == (1.0,) * 6 + (1000.0,) * 6
    assert series.changes == ()
    assert not found.changed
    (said,) = (
        text for text, _ in case_lines(case, everything=True) if text.startswith(f"  {STEADY}")
    )
    assert INFORMATION in said
