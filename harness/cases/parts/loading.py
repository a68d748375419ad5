"""What driving a loader took, and what it did to the memory of its process tree."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from harness.schema.records import TIMED, Epoch, Tree, Trial
from harness.stats.intervals import Interval, known_median


@dataclass(frozen=True)
class LoadingSummary:
    """What driving a loader took.

    Phases are medians over processes; each process is counted by its median epoch.
    """

    samples: int  # of an epoch, as the following are
    batches: int
    data_bytes: int
    sample: Interval  # steady state: an epoch's time, divided by its samples
    build_s: float
    first: Epoch
    steady: Epoch

    @property
    def phases(self) -> tuple[tuple[str, float, float], ...]:
        """The phases of a fresh process: name, time, and time in steady state.

        In their order, but for the training steps, which come between batches.
        """
        pairs = [
            (field.name.removesuffix("_s"), getattr(self.first, field.name), field.name)
            for field in fields(Epoch)
        ]
        return (
            ("build", self.build_s, math.nan),
            *((name, first, getattr(self.steady, key)) for name, first, key in pairs),
        )


def loading_of(trials: Iterable[Trial], steady: Interval) -> LoadingSummary | None:
    """What driving a loader took; None where none was driven.

    Args:
        trials: of a case.
        steady: the time of its epochs.
    """
    driven = [(trial, trial.loading) for trial in trials if trial.loading]
    if not driven:
        return None
    timed = [loading for trial, loading in driven if trial.kind in TIMED and trial.outcome.ok]
    known = timed[0] if timed else driven[0][1]
    return LoadingSummary(
        samples=known.samples,
        batches=known.batches,
        data_bytes=known.data_bytes,
        sample=steady.divided(known.samples),
        build_s=known_median(loading.build_s for loading in timed),
        first=_middle([loading.first for loading in timed]),
        steady=_middle([_middle(loading.steady) for loading in timed if loading.steady]),
    )


def _middle(epochs: Sequence[Epoch]) -> Epoch:
    """The median of each phase, by itself."""
    return Epoch(
        *(known_median(getattr(epoch, field.name) for epoch in epochs) for field in fields(Epoch))
    )


def watched_tree(trials: Iterable[Trial]) -> Tree | None:
    """The process tree of a case, where one was watched."""
    return next((trial.tree for trial in trials if trial.tree), None)
