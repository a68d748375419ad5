"""Which rank is slow, as its waits say: known ones, of known ratios."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.analysis.remarks import case_remarks
from harness.cases.parts.ranks import RanksSummary, ranks_of
from harness.cases.summaries import summaries
from harness.journal.lines import Run
from harness.schema.records import Rank, Ranks, Trial
from tests.journals import header, planned, trial


def launch(*waits: tuple[float, ...]) -> Trial:
    """A trial of ranks that waited so long in each epoch, and had 10 samples in it."""
    ranks = tuple(Rank(0.1, 0.2 + index, own, own, 10) for index, own in enumerate(waits))
    return replace(trial(0, 1), ranks=Ranks("torchrun", "gloo", 1.0, ranks, 40, 0, 0))


def found(*waits: tuple[float, ...]) -> RanksSummary:
    summary = ranks_of([launch(*waits)])
    assert summary is not None
    return summary


EVEN = (1.0, 1.1, 0.9, 1.05, 0.95, 1.0, 1.0, 1.1, 0.9)


def test_the_slowest_rank_is_held_against_the_median_of_all_epoch_by_epoch() -> None:
    slow = found(EVEN, tuple(2 * one for one in EVEN), EVEN)
    assert (slow.slowest, slow.is_slow) == (1, True)
    assert (slow.skew.low, slow.skew.median, slow.skew.high) == (2.0, 2.0, 2.0)
    assert slow.samples_per_s == (10.0, 5.0, 10.0)
    assert slow.first_batch_s == 2.2


def test_of_two_ranks_the_median_is_their_mean() -> None:
    assert found(EVEN, tuple(2 * one for one in EVEN)).skew.median == pytest.approx(4 / 3)


@pytest.mark.parametrize("spike", [0, 4, 8])
def test_a_single_epoch_makes_no_rank_slow(spike: int) -> None:
    waits = list(EVEN)
    waits[spike] *= 9
    assert found(EVEN, tuple(waits), EVEN).is_slow is False


def test_one_epoch_in_which_it_is_not_slow_acquits_a_rank() -> None:
    waits = [2 * one for one in EVEN]
    waits[3] = EVEN[3]
    assert found(EVEN, tuple(waits), EVEN, EVEN).is_slow is False


def test_too_few_epochs_leave_it_open_and_so_does_one_rank() -> None:
    assert found(EVEN[:5], tuple(2 * one for one in EVEN[:5])).is_slow is None
    assert found(EVEN).is_slow is None
    assert ranks_of([trial(0, 1)]) is None


@pytest.mark.parametrize(("factor", "told"), [(2.0, ["slow rank"]), (1.0, [])])
def test_a_slow_rank_is_a_remark(tmp_path: object, factor: float, told: list[str]) -> None:
    run = Run(None, header([planned("base", baseline=True)]))  # type: ignore[arg-type]
    run.trials = [launch(EVEN, EVEN, tuple(factor * one for one in EVEN))]
    remarks = case_remarks(summaries(run), run.header.scenarios)
    assert [one.kind for one in remarks] == told
    for one in remarks:
        assert one.text == "rank 2 of 3 waits 2.00× to 2.00× the median of all"
