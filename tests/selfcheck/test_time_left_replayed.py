"""The time left, replayed: what two recorded runs would have shown, against how they went on.

``recorded/`` holds the header of each run and when its trials began and ended, and nothing else: a
quick sweep of two scenarios on a loaded machine with two processors, and one of transfers on a GPU,
which was cut off in its last round.
"""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.journal.lines import Run
from harness.journal.read import read_journal
from harness.selfcheck.time_left import FROM, UNTIL, Said, judged, replay, worst

RECORDED = Path(__file__).parent / "recorded"
WITHIN = 0.25


def recorded(name: str, folder: Path) -> Run:
    path = folder / f"{name}.jsonl"
    path.write_bytes(gzip.decompress((RECORDED / f"{name}.jsonl.gz").read_bytes()))
    return read_journal(path)


@pytest.mark.parametrize(("name", "trials"), [("quick", 912), ("device", 553)])
def test_from_a_third_of_a_recorded_run_on_it_is_right_within_a_quarter(
    name: str, trials: int, tmp_path: Path
) -> None:
    run = recorded(name, tmp_path)
    said = replay(run)
    assert len(said) == len(run.trials) == trials
    assert said[0].true_s > said[-1].true_s > 0
    assert len(judged(said)) > trials / 3
    assert abs(worst(said).error) <= WITHIN, worst(said)


def test_a_run_that_slows_down_unforeseen_is_told_as_wrong_as_it_is(tmp_path: Path) -> None:
    run = recorded("device", tmp_path)
    middle = run.trials[len(run.trials) // 2].started_s
    run.trials = [
        replace(one, started_s=middle + 3 * max(0.0, one.started_s - middle))
        if one.started_s > middle
        else one
        for one in run.trials
    ]
    assert worst(replay(run)).error < -0.4


def test_the_moments_that_count_are_in_the_middle() -> None:
    moments = [Said(at, 2.0, 1.0) for at in (0.1, FROM, 0.5, UNTIL, 0.99)]
    assert [one.at for one in judged(moments)] == [FROM, 0.5, UNTIL]
    assert moments[0].error == 1.0


def test_too_little_says_nothing(tmp_path: Path) -> None:
    run = recorded("device", tmp_path)
    run.trials = run.trials[:1]
    with pytest.raises(UsageError, match="too few trials"):
        replay(run)
