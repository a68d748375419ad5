"""Drift, false alarms and the smallest change found, against runs whose drift was drawn."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from harness.cli import run as ferrybench
from harness.comparison.calibration.alarms import false_alarms
from harness.comparison.calibration.calibration import Calibration, latest_for
from harness.comparison.calibration.detectable import POWER, smallest_found
from harness.comparison.calibration.drift import CaseRuns, runs_of
from harness.comparison.sides import match, side
from harness.errors import UsageError
from harness.host.environment import Environment
from harness.journal.read import read_journal
from harness.schema.records import Outcome, Trial
from harness.stats.two_level import called, compare_times
from tests.journals import ENVIRONMENT, planned, trial, write_run

RUNS, PROCESSES, KEY = 6, 4, "moving/a size=1048576"
CREATED = "2026-01-01T00:00:00+00:00"


def drawn(draw: random.Random, drift: float, scatter: float, count: int = RUNS) -> CaseRuns:
    """Runs of a millisecond's work, that lie apart by so much, of processes that do too."""
    runs = []
    for number in range(count):
        centre = math.log(1e-3) + draw.gauss(0, drift)
        runs.append(
            {
                1 + number * PROCESSES + index: math.exp(centre + draw.gauss(0, scatter))
                for index in range(PROCESSES)
            }
        )
    return CaseRuns(KEY, tuple(runs))


def written(
    path: Path,
    case: CaseRuns,
    *,
    change: Callable[[Trial], Trial] = lambda one: one,
    calibration_runs: int = RUNS,
    created: str = CREATED,
    environment: Environment = ENVIRONMENT,
    end: str = "complete",
) -> Path:
    """A journal of that case, and of one that fails."""
    times = {number: value for run in case.runs for number, value in run.items()}
    trials = [trial(0, 0), trial(1, 0, outcome=Outcome("error", "it does not"))]
    trials += [change(trial(0, number, seconds)) for number, seconds in sorted(times.items())]
    write_run(path, [planned("a"), planned("b")], trials, end=end)
    header = read_journal(path).header
    plan = replace(
        header.plan,
        calibration_runs=calibration_runs,
        effort=replace(header.plan.effort, trials=len(times)),
    )
    lines = path.read_bytes().splitlines(keepends=True)
    header = replace(header, plan=plan, created=created, environment=environment)
    path.write_bytes(b"".join([msgspec.json.encode(header) + b"\n", *lines[1:]]))
    return path


def test_the_drift_that_was_drawn_is_found_and_not_taken_for_scatter() -> None:
    draw = random.Random(1)
    for drift, scatter in ((0.05, 0.01), (0.05, 0.05), (0.0, 0.05)):
        found = [drawn(draw, drift, scatter, 12) for _ in range(60)]
        middle = statistics.median(case.drift().deviation for case in found)
        assert middle == pytest.approx(drift, abs=0.012)
        assert statistics.median(case.scatter for case in found) == pytest.approx(scatter, rel=0.1)


def test_runs_may_be_left_out() -> None:
    quiet = drawn(random.Random(2), 0.0, 0.001)
    wild = CaseRuns(KEY, (*quiet.runs, {99: 1.0, 100: 1.0}))
    assert wild.drift().deviation > 1
    assert wild.drift((RUNS,)).deviation < 0.01
    assert wild.drift((RUNS,)).runs == RUNS


def test_a_journal_is_cut_into_its_runs(tmp_path: Path) -> None:
    case = drawn(random.Random(3), 0.05, 0.02)
    (found,) = runs_of(read_journal(written(tmp_path / "c.jsonl", case)))
    assert found.key.startswith("moving/a ")
    assert [dict(run) for run in found.runs] == [pytest.approx(dict(run)) for run in case.runs]
    assert {len(run) for run in found.runs} == {PROCESSES}


def suites(drift: float, count: int, *, told: bool = True) -> int:
    """Of so many comparisons of two runs of identical code, those that call a case slower."""
    draw = random.Random(4)
    false = 0
    for _ in range(count):
        cases = [drawn(draw, drift, 0.02, 10) for _ in range(5)]
        ratios = [
            compare_times(case.runs[0], case.runs[1], 0.02, case.drift((0, 1)) if told else None)
            for case in cases
        ]
        false += any(called([ratio.p_slower for ratio in ratios if ratio is not None]))
    return false


def test_drift_that_is_known_raises_no_alarm_and_unknown_drift_does() -> None:
    assert suites(0.08, 150) <= 6
    assert suites(0.08, 150, told=False) > 30


def test_alarms_are_counted_over_all_pairs_of_runs() -> None:
    steady = [drawn(random.Random(seed), 0.03, 0.02) for seed in range(4)]
    assert false_alarms(steady, 0.02).comparisons == RUNS * (RUNS - 1)
    assert false_alarms(steady, 0.02).false <= 1
    # One run is far off, which the others cannot know.
    odd = CaseRuns(KEY, (*steady[0].runs, dict.fromkeys(range(90, 94), 0.005)))
    assert false_alarms([odd], 0.02).false >= RUNS // 2
    assert false_alarms([], 0.02).comparisons == 0


@pytest.mark.parametrize(("drift", "scatter"), [(0.0, 0.05), (0.04, 0.02)])
def test_the_smallest_change_is_found_about_as_often_as_said(drift: float, scatter: float) -> None:
    draw = random.Random(5)
    found = 0
    trials = 300
    for _ in range(trials):
        case = drawn(draw, drift, scatter, 24)
        slower = 1 + smallest_found(case, 1, PROCESSES, 0.02)
        base, other = case.runs[:2]
        ratio = compare_times(
            base, {n: value * slower for n, value in other.items()}, 0.02, case.drift((0, 1))
        )
        assert ratio is not None
        found += called([ratio.p_slower])[0]
    assert found / trials == pytest.approx(POWER, abs=0.1)


def test_more_processes_find_less_and_never_less_than_the_tolerance() -> None:
    case = drawn(random.Random(6), 0.0, 0.05)
    found = [smallest_found(case, 20, processes, 0.02) for processes in (3, 10, 100, 10_000)]
    assert found == sorted(found, reverse=True)
    assert found[-1] > 0.02


def paths(folder: Path, slower: float, **changed: object) -> list[str]:
    """A calibration, and two runs of which one is slower."""
    draw = random.Random(7)
    written(folder / "calibration-1.jsonl", drawn(draw, 0.01, 0.01), **changed)  # type: ignore[arg-type]
    runs = []
    for name, factor in (("base", 1.0), ("candidate", slower)):
        case = drawn(draw, 0.0, 0.005, 1)
        scaled = CaseRuns(KEY, tuple({n: v * factor for n, v in run.items()} for run in case.runs))
        runs.append(str(written(folder / f"{name}.jsonl", scaled, calibration_runs=0)))
    return runs


@pytest.mark.parametrize("slower", [1.3, 13.0])
def test_a_calibration_informs_and_lets_no_time_fail(
    slower: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    junit = tmp_path / "junit.xml"
    assert ferrybench(["compare", *paths(tmp_path, slower), "--junit", str(junit)]) == 0
    said = capsys.readouterr()
    assert "for information: intervals of times contain the drift" in said.err
    assert "slower (advisory): moving/a" in said.out
    assert "time is advisory" in said.out
    assert 'failures="0"' in junit.read_text()


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"created": "2026-01-01T05:00:00+00:00"}, "it was made 5 hours from"),
        ({"created": "2026-01-03T01:00:00+00:00"}, "it was made 49 hours from"),
        ({"created": "2025-12-31T00:00:00+00:00"}, "it was made 24 hours from"),
        (
            {"environment": replace(ENVIRONMENT, cpu_model="another")},
            "made under other conditions (cpu_model",
        ),
        ({"end": "interrupted"}, "is incomplete"),
        ({"calibration_runs": 0}, "is not a calibration"),
    ],
)
def test_one_that_does_not_apply_says_why(
    changed: dict[str, object], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = paths(tmp_path, 1.3, **changed)
    assert ferrybench(["compare", *runs]) == 0
    told = capsys.readouterr()
    assert "time is advisory" in told.out
    assert why in told.err
    named = str(tmp_path / "calibration-1.jsonl")
    assert ferrybench(["compare", *runs, "--calibration", named]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert why in error[0]


def test_the_drift_of_a_calibration_makes_intervals_wider(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (wide := tmp_path / "wide").mkdir()
    runs = paths(wide, 1.3)
    wild = drawn(random.Random(8), 0.3, 0.001)
    written(wide / "calibration-1.jsonl", wild)
    assert ferrybench(["compare", *runs]) == 0
    assert "slower" not in capsys.readouterr().out
    (wide / "calibration-1.jsonl").unlink()
    assert ferrybench(["compare", *runs]) == 0
    assert "slower (advisory)" in capsys.readouterr().out


def test_where_there_is_none_nothing_is_said(tmp_path: Path) -> None:
    runs = [side(read_journal(Path(path))) for path in paths(tmp_path, 1.3)]
    assert latest_for(match(*runs), [tmp_path / "nowhere"], 0.02) == (None, "")


def test_a_run_without_the_cases_is_no_calibration(tmp_path: Path) -> None:
    fails = written(
        tmp_path / "c.jsonl",
        drawn(random.Random(9), 0.0, 0.01),
        change=lambda one: replace(one, outcome=Outcome("error", "it does not")),
    )
    with pytest.raises(UsageError, match="no case was timed in every run"):
        Calibration.of(read_journal(fails), 0.02)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--calibrate", "--runs", "3"], "--runs 3: at least 4"),
        (["--calibrate", "--trials", "1"], "--trials 1: at least 2"),
        (["--calibrate", "--budget", "soon"], "--budget: "),
        (["tensor_from_array"], "only with --calibrate"),
        (["--runs", "9"], "only with --calibrate"),
    ],
)
def test_wrong_options_are_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ferrybench(["doctor", *arguments]) == 2
    error = capsys.readouterr().err.strip()
    assert said in error
    assert "\n" not in error


def test_a_real_one_is_measured_told_and_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ["tensor_from_array/torch_tensor", "--size", "64KiB", "--set", "layout=C"]
    asked += ["--set", "dtype=float32"]
    assert ferrybench(["doctor", "--calibrate", *asked, "--runs", "4", "--trials", "2"]) == 0
    said = capsys.readouterr().out
    assert "of 12 comparisons" in said
    (path,) = Path("results").glob("calibration-*.jsonl")
    assert len(Calibration.of(read_journal(path), 0.02).cases[0].runs) == 4


def test_it_does_not_speak_for_a_run_of_an_unknown_date(tmp_path: Path) -> None:
    base, candidate = (side(read_journal(Path(path))) for path in paths(tmp_path, 1.3))
    found = Calibration.of(read_journal(tmp_path / "calibration-1.jsonl"), 0.02)
    assert found.why_not(match(base, candidate)) == ""
    said = found.why_not(match(base, replace(candidate, created="")))
    assert said == f"it is not known when {candidate.name} was measured"
