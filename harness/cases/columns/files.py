"""The columns of a case frame that training on batches, and files in the page cache, fill."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.schema.records import Epoch, Loading, PageCache, Trial
from harness.stats.intervals import median_interval

TRAINING_COLUMNS: Mapping[str, str] = {
    "stall_fraction": "steady state: share of an epoch that the training step stood still",
    "stall_low": "the lower end of its interval over processes",
    "stall_high": "the upper end",
    "first_stall_fraction": "the same of the first epoch of a fresh process",
    "samples_per_s": "steady state: an epoch's samples, divided by its time",
    "rebuild_s": "steady state, cold: making the loader anew; a part of an epoch's time",
    "first_loss": "mean loss of the first steps",
    "last_loss": "mean loss of as many of the last steps",
}
"""Each process is counted by its median epoch. Where no step is taken, nothing can stand still."""

CACHE_COLUMNS: Mapping[str, str] = {
    "cache_state": "cold or warm, as asked for",
    "cache_file_bytes": "bytes of the files that the strategy reads",
    "cache_before_bytes": "of them in memory before an epoch: the most if cold, the least if warm",
    "cache_before_fraction": "their share, in the trial that was furthest from what was asked for",
    "cache_after_fraction": "share in memory after the first epoch, in the trial that had most",
}


def training_columns(trials: Iterable[Trial], times: Mapping[str, Any]) -> dict[str, Any]:
    """What training on a loader's batches took, from a case's trials and steady-state times."""
    timed = [trial for trial in trials if trial.kind == "time" and trial.outcome.ok]
    driven = [trial.loading for trial in timed if trial.loading]
    if not driven:
        return {}
    steady = [_stall(loading) for loading in driven]
    interval = median_interval([stall for stall in steady if not math.isnan(stall)])
    time_s = times["steady_median_s"]
    trained = [trial.training for trial in timed if trial.training]
    return {
        "stall_fraction": interval.median,
        "stall_low": interval.low,
        "stall_high": interval.high,
        "first_stall_fraction": _median([_stalled([loading.first]) for loading in driven]),
        "samples_per_s": driven[0].samples / time_s if time_s > 0 else math.nan,
        "rebuild_s": _median([_median(loading.rebuilds_s) for loading in driven]),
        "first_loss": _median([training.first_loss for training in trained]),
        "last_loss": _median([training.last_loss for training in trained]),
    }


def _stall(loading: Loading) -> float:
    return _stalled(loading.steady)


def _stalled(epochs: Sequence[Epoch]) -> float:
    """The stall of the median epoch; NaN where no step was taken."""
    return _median([epoch.stall_fraction for epoch in epochs if epoch.step_s > 0])


def _median(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return statistics.median(known) if known else math.nan


def cache_columns(trials: Iterable[Trial]) -> dict[str, Any]:
    """What of a case's files lay in the page cache, in the worst of its trials."""
    found = [trial.page_cache for trial in trials if trial.page_cache]
    if not found:
        return {}
    furthest = max if found[0].state == "cold" else min
    worst = furthest(found, key=_before)
    return {
        "cache_state": worst.state,
        "cache_file_bytes": worst.file_bytes,
        "cache_before_bytes": worst.before_bytes,
        "cache_before_fraction": _before(worst),
        "cache_after_fraction": max(_share(one.after_bytes, one) for one in found),
    }


def _before(found: PageCache) -> float:
    return _share(found.before_bytes, found)


def _share(resident_bytes: int, found: PageCache) -> float:
    return resident_bytes / found.file_bytes if found.file_bytes else 0.0
