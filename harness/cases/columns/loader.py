"""The columns of a case frame that only loaders and watched process trees fill."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from harness.schema.records import TIMED, Epoch, Tree, Trial

LOADING_COLUMNS: Mapping[str, str] = {
    "epoch_samples": "samples that an epoch gives",
    "epoch_batches": "batches that an epoch gives",
    "epoch_bytes": "bytes of an epoch's batches",
    "sample_s": "steady state: an epoch's time, divided by its samples",
    "sample_low_s": "the lower end of its interval over processes",
    "sample_high_s": "the upper end",
    "build_s": "calling the strategy, which makes the loader",
    "iter_s": "steady state: iter(loader), where workers are started",
    "first_batch_s": "steady state: waiting for an epoch's first batch",
    "batches_s": "steady state: from the first batch to the last",
    "teardown_s": "steady state: from the last batch to the end, where workers are joined",
    "step_s": "steady state: in the training steps; the other phases are waiting",
    "first_iter_s": "the same in the first epoch of a fresh process",
    "first_first_batch_s": "the same in the first epoch of a fresh process",
    "first_batches_s": "the same in the first epoch of a fresh process",
    "first_teardown_s": "the same in the first epoch of a fresh process",
    "first_step_s": "the same in the first epoch of a fresh process",
}
"""Times of loaders are medians over processes; each process is counted by its median epoch."""

TREE_COLUMNS: Mapping[str, str] = {
    "tree_grown_bytes": "largest growth of the summed PSS of the process tree, without file pages",
    "tree_extra_bytes": "growth of the summed PSS at its peak, file pages and all",
    "tree_anon_bytes": "its anonymous part",
    "tree_file_bytes": "its part in file pages",
    "tree_shmem_bytes": "its part in shared memory",
    "tree_idle_bytes": "its growth after the last pass, with workers still alive",
    "tree_left_bytes": "its growth after the loader, or the result, was dropped",
    "tree_rss_bytes": "summed RSS at the peak, as top would add it up: shared pages many times",
    "tree_rss_extra_bytes": "its growth since before the strategy was called",
    "tree_processes": "processes at the peak, the trial itself among them",
    "most_open_files": "open files of the process that ever had most",
    "shm_bytes": "largest growth of /dev/shm",
    "started_bytes": "pickled to start workers",
    "sent_bytes": "written to pipes and queues in a pass",
    "received_bytes": "read from pipes and queues in a pass",
}


def loading_columns(trials: Iterable[Trial], times: Mapping[str, Any]) -> dict[str, Any]:
    """What driving a loader took, from the trials of a case and its steady-state times."""
    driven = [trial for trial in trials if trial.loading]
    if not driven:
        return {}
    timed = [trial.loading for trial in driven if trial.loading and _is_timed(trial)]
    known = timed[0] if timed else driven[0].loading
    assert known is not None
    samples = known.samples or math.nan
    first = _middle([loading.first for loading in timed])
    steady = _middle([_middle(loading.steady) for loading in timed if loading.steady])
    return {
        "epoch_samples": known.samples,
        "epoch_batches": known.batches,
        "epoch_bytes": known.data_bytes,
        "sample_s": times["steady_median_s"] / samples,
        "sample_low_s": times["steady_low_s"] / samples,
        "sample_high_s": times["steady_high_s"] / samples,
        "build_s": _median(loading.build_s for loading in timed),
        **{field.name: getattr(steady, field.name) for field in fields(Epoch)},
        **{f"first_{field.name}": getattr(first, field.name) for field in fields(Epoch)},
    }


def _is_timed(trial: Trial) -> bool:
    return trial.kind in TIMED and trial.outcome.ok


def _middle(epochs: Sequence[Epoch]) -> Epoch:
    """The median of each phase, by itself."""
    return Epoch(
        *(_median(getattr(epoch, field.name) for epoch in epochs) for field in fields(Epoch))
    )


def _median(values: Iterable[float]) -> float:
    known = list(values)
    return statistics.median(known) if known else math.nan


def watched_tree(trials: Iterable[Trial]) -> Tree | None:
    """The process tree of a case, where one was watched."""
    return next((trial.tree for trial in trials if trial.tree), None)


def tree_columns(tree: Tree | None) -> dict[str, Any]:
    """What a strategy did to the memory of its process tree."""
    if tree is None:
        return {}
    before = tree.course[0].rss_bytes if tree.course else math.nan
    return {
        "tree_grown_bytes": tree.peak.own_bytes,
        "tree_extra_bytes": tree.peak.pss.total_bytes,
        "tree_anon_bytes": tree.peak.pss.anon_bytes,
        "tree_file_bytes": tree.peak.pss.file_bytes,
        "tree_shmem_bytes": tree.peak.pss.shmem_bytes,
        "tree_idle_bytes": tree.idle.pss.total_bytes,
        "tree_left_bytes": tree.left.pss.total_bytes,
        "tree_rss_bytes": tree.peak.rss_bytes,
        "tree_rss_extra_bytes": tree.peak.rss_bytes - before,
        "tree_processes": tree.peak.processes,
        "most_open_files": tree.most_open_files,
        "shm_bytes": tree.most_shm_bytes,
        "started_bytes": tree.started_bytes,
        "sent_bytes": tree.sent_bytes,
        "received_bytes": tree.received_bytes,
    }
