"""What a case has to do at least, from what one of its trials found out: what its ceiling is of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.schema.description import ScenarioInfo
from harness.schema.records import (
    BY_DIRECTION,
    DISK_RANDOM,
    DISK_SEQUENTIAL,
    PlannedCase,
    Trial,
    Value,
    Work,
)

COPY, CAST, READ, GATHER, HANDOVER = "copy", "cast", "read", "gather", "handover"
UNKNOWN_KIND = ""  # of which no ceiling is known
PAGE_BYTES = 4096
NO_COPYING = 10
"""So many times its ceiling is reached by no copy: it hands out views of what was made before."""
SCATTERED_UP_TO_BYTES = 64 * 1024
"""Larger samples are read about as fast here and there as in order."""


def work_of(planned: PlannedCase, info: ScenarioInfo, trials: Iterable[Trial]) -> tuple[Work, ...]:
    """What a case does in each call or epoch, by the first of its trials that tells.

    Where there are several, the first that the case does not beat is the one that it did. There is
    none where nothing is moved, as by sharing, or where nothing is known of it.
    """
    for trial in trials:
        if trial.outcome.ok and trial.payload_bytes and trial.kind != "limit":
            works = _told_by(planned, info, trial)
            if works is not None:
                return works
    return ()


def _told_by(planned: PlannedCase, info: ScenarioInfo, trial: Trial) -> tuple[Work, ...] | None:
    """None where another trial of the case may tell more."""
    case = planned.case
    if trial.device_timing or trial.device_memory:
        return _transfer(info, case.strategy, trial)
    if trial.page_cache and trial.page_cache.state == "cold":
        return _reading(case.parameters, trial)
    if trial.loading is not None:
        return _loading(planned, info, trial)
    if info.epochs:
        return None
    return () if trial.shares_memory else (_call(planned, info, trial),)


def _transfer(info: ScenarioInfo, strategy: str, trial: Trial) -> tuple[Work, ...]:
    """The data counts as often as it crosses the link, as the strategy declares.

    What does other things too is no transfer.
    """
    crosses = info.strategy(strategy).crosses
    if not (info.transfers and crosses):
        return ()
    return (Work(BY_DIRECTION[info.transfers], round(crosses * trial.payload_bytes)),)


def _reading(parameters: Mapping[str, Value], trial: Trial) -> tuple[Work, ...]:
    """What an epoch reads of files that were not in memory: all of their bytes.

    Small samples here and there are small reads here and there, unless they come faster than
    those do: then the files were read in order, whatever order the samples have. Several workers
    read side by side, of which one reader says nothing.
    """
    size_bytes = trial.payload_bytes
    in_order = Work(DISK_SEQUENTIAL, size_bytes)
    samples = trial.loading.samples if trial.loading else 0
    sample_bytes = size_bytes // (samples or 1) // PAGE_BYTES * PAGE_BYTES  # without labels
    if not _shuffled(parameters) or sample_bytes > SCATTERED_UP_TO_BYTES:
        return (in_order,)
    if parameters.get("num_workers"):
        return (Work(UNKNOWN_KIND, size_bytes),)
    piece_bytes = max(PAGE_BYTES, sample_bytes)
    return (Work(DISK_RANDOM, size_bytes, piece_bytes=piece_bytes), in_order)


def _shuffled(parameters: Mapping[str, Value]) -> bool:
    return parameters.get("access") == "shuffled" or parameters.get("shuffle") is True


def _loading(planned: PlannedCase, info: ScenarioInfo, trial: Trial) -> tuple[Work, ...]:
    """What an epoch moves is its batches, unless it hands out views of what was made before.

    Nothing is known of the time that training leaves to the memory it reads, nor of what several
    ranks could do beside each other.
    """
    loading, parameters = trial.loading, planned.case.parameters
    assert loading is not None
    if trial.ranks or trial.shares_memory or not (loading.data_bytes and loading.batches):
        return ()
    kind, workers = _declared(planned, info, trial), _workers(parameters)
    if workers:
        kind = HANDOVER
    elif kind == COPY and _shuffled(parameters):
        kind = GATHER
    steps = [epoch.step_s for epoch in loading.steady]
    if any(steps) if steps else info.trains:
        kind = UNKNOWN_KIND
    return (
        Work(
            kind,
            loading.data_bytes,
            loading.data_bytes,
            threads=_threads(kind, trial),
            block_bytes=loading.data_bytes // loading.batches,
            piece_bytes=loading.data_bytes // max(1, loading.samples) if kind == GATHER else 0,
            workers=workers,
            dtypes=trial.dtypes if kind == CAST else ("", ""),
        ),
    )


def _call(planned: PlannedCase, info: ScenarioInfo, trial: Trial) -> Work:
    """A copy writes as much as it reads, a cast does not; what only reads writes nothing."""
    kind, workers = _declared(planned, info, trial), _workers(planned.case.parameters)
    if workers:
        kind = HANDOVER
    return Work(
        kind,
        trial.payload_bytes,
        0 if kind == READ else trial.result_bytes or trial.payload_bytes,
        threads=_threads(kind, trial),
        piece_bytes=trial.row_bytes if kind == GATHER else 0,
        workers=workers,
        dtypes=trial.dtypes if kind == CAST else ("", ""),
    )


def _declared(planned: PlannedCase, info: ScenarioInfo, trial: Trial) -> str:
    """The strategy's word for it; a copy into another dtype is a cast."""
    name = planned.case.strategy
    kind = next((one.work for one in info.strategies if one.name == name), UNKNOWN_KIND)
    read, written = trial.dtypes
    differ = bool(read and written and read != written)
    if kind == CAST and not differ:
        return COPY
    return CAST if kind == COPY and differ else kind


def _threads(kind: str, trial: Trial) -> int:
    return 1 if kind == HANDOVER else max(1, trial.threads)


def _workers(parameters: Mapping[str, Value]) -> int:
    asked = parameters.get("num_workers", 0)
    return asked if isinstance(asked, int) else 0
