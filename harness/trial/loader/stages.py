"""What the stamps of a pass say: each process's time by stage, and what samples cost."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.schema.loader import LoaderStages, SampleCosts, StageTimes
from harness.trial.loader import hooks, stamps

_SLOWEST = 0.01


def told(folder: str, receiving: hooks.Receiving) -> LoaderStages:
    """Sum up all stamps in a folder."""
    times: dict[str, StageTimes] = {}
    costs: list[Any] = []
    for who, path in stamps.files(folder, stamps.FETCHED):
        notes, dropped = stamps.read(path)
        times[who] = _added(times.get(who), _fetched(who, notes, dropped))
        costs += [np.diff(note[[0, *range(3, len(note))]]) for note in notes if len(note) > 3]
    for who, path in stamps.files(folder, stamps.PICKLED):
        notes, dropped = stamps.read(path)
        pickled = sum(int(note[1] - note[0]) for note in notes) / 1e9
        size = sum(int(note[2]) for note in notes)
        one = StageTimes(who, 0, 0.0, 0.0, pickled, size, 0.0, dropped)
        times[who] = _added(times.get(who), one)
    return LoaderStages(
        processes=tuple(times.values()),
        samples=_costs(np.concatenate(costs) / 1e9 if costs else np.empty(0)),
        receive_s=receiving.receive_ns / 1e9,
        behind_s=receiving.behind_ns / 1e9,
    )


def _fetched(who: str, notes: list[stamps.Numbers], dropped: int) -> StageTimes:
    fetch = sum(int(note[1] - note[0]) for note in notes) / 1e9
    collate = sum(int(note[2] - note[1]) for note in notes) / 1e9
    span = int(notes[-1][2] - notes[0][0]) / 1e9 if notes else 0.0
    return StageTimes(who, len(notes), fetch, collate, 0.0, 0, span, dropped)


def _added(one: StageTimes | None, other: StageTimes) -> StageTimes:
    """Of processes that had the same part: the workers of one epoch, and of the next."""
    if one is None:
        return other
    return StageTimes(
        one.process,
        one.batches + other.batches,
        one.fetch_s + other.fetch_s,
        one.collate_s + other.collate_s,
        one.pickle_s + other.pickle_s,
        one.pickled_bytes + other.pickled_bytes,
        one.span_s + other.span_s,
        one.dropped + other.dropped,
    )


def _costs(seconds: Any) -> SampleCosts:
    if not len(seconds):
        return SampleCosts()
    ordered = np.sort(seconds)
    slowest = ordered[-max(1, round(_SLOWEST * len(ordered))) :]
    median, p90, p99 = (float(one) for one in np.quantile(ordered, (0.5, 0.9, 0.99)))
    total = float(ordered.sum())
    return SampleCosts(
        len(ordered),
        median,
        p90,
        p99,
        float(ordered[-1]),
        float(slowest.sum()) / total if total else 0.0,
    )
