"""The quantities of several training processes that torchrun starts on one machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.cases.parts.ranks import RanksSummary
from harness.cases.quantities.quantity import Quantity, Unit, where


def _ranks(name: str, unit: Unit, doc: str, read: Callable[[RanksSummary], Any]) -> Quantity:
    return Quantity(name, unit, doc, where(lambda case: case.ranks, read))


RANKS = (
    _ranks(
        "launch_s", "s", "from starting torchrun until every rank could begin to load",
        lambda found: found.launched.launch_s,
    ),
    _ranks(
        "last_first_batch_s", "s", "from there until the last rank had its first batch",
        lambda found: found.first_batch_s,
    ),
    _ranks(
        "rank_samples_per_s", "text", "samples a second of each rank, in their order",
        lambda found: ", ".join(f"{rate:.0f}" for rate in found.samples_per_s),
    ),
    _ranks(
        "slowest_rank", "", "the rank that waits longest for batches",
        lambda found: found.slowest if found.count > 1 else None,
    ),
    _ranks(
        "rank_skew", "×", "what it waits, divided by the median of all ranks in the same epoch",
        lambda found: found.skew.median,
    ),
    _ranks("rank_skew_low", "×", "lower end of its interval", lambda found: found.skew.low),
    _ranks("rank_skew_high", "×", "upper end of its interval", lambda found: found.skew.high),
    _ranks(
        "rank_is_slow", "yes/no", "whether all of that interval is above 1.1",
        lambda found: found.is_slow,
    ),
    _ranks(
        "samples_repeated", "",
        "samples that ranks were given once more in an epoch, so that all have as many",
        lambda found: found.launched.repeated,
    ),
)  # fmt: skip
