"""The quantities of loaders, of training on their batches, and of watched process trees."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from harness.cases.parts.loading import LoadingSummary
from harness.cases.parts.training import CacheSummary, TrainingSummary
from harness.cases.quantities import memory
from harness.cases.quantities.quantity import Compared, Heading, Quantity, Unit, where
from harness.schema.records import Epoch, Tree

_PHASES = {
    "iter_s": "steady state: iter(loader), where workers are started",
    "first_batch_s": "steady state: waiting for an epoch's first batch",
    "batches_s": "steady state: from the first batch to the last",
    "teardown_s": "steady state: from the last batch to the end, where workers are joined",
    "step_s": "steady state: in the training steps; all other phases are waiting",
}


def _loading(name: str, unit: Unit, doc: str, read: Callable[[LoadingSummary], Any]) -> Quantity:
    return Quantity(name, unit, doc, where(lambda case: case.loading, read))


def _phase(name: str) -> Quantity:
    return _loading(name, "s", _PHASES[name], lambda found: getattr(found.steady, name))


def _first_phase(name: str) -> Quantity:
    doc = f"{name} in the first epoch of a fresh process"
    return _loading(f"first_{name}", "s", doc, lambda found: getattr(found.first, name))


LOADING = (
    _loading("epoch_samples", "", "number of samples in an epoch", lambda found: found.samples),
    _loading("epoch_batches", "", "number of batches in an epoch", lambda found: found.batches),
    _loading("epoch_bytes", "bytes", "size of its batches", lambda found: found.data_bytes),
    _loading(
        "sample_s", "s", "steady state: an epoch's time ÷ its samples",
        lambda found: found.sample.median,
    ),
    _loading("sample_low_s", "s", "lower end of its interval", lambda found: found.sample.low),
    _loading("sample_high_s", "s", "upper end of its interval", lambda found: found.sample.high),
    _loading(
        "build_s", "s", "calling the strategy, which makes the loader",
        lambda found: found.build_s,
    ),
    *(_phase(field.name) for field in fields(Epoch)),
    *(_first_phase(field.name) for field in fields(Epoch)),
)  # fmt: skip


def _tree(
    name: str,
    unit: Unit,
    doc: str,
    read: Callable[[Tree], Any],
    compared: Compared | None = None,
    heading: Heading | None = None,
) -> Quantity:
    return Quantity(
        name,
        unit,
        doc,
        where(lambda case: case.tree, read),
        lambda trial: read(trial.tree) if trial.tree else None,
        compared,
        heading,
    )


TREE = (
    _tree(
        "tree_grown_bytes", "bytes",
        "largest growth of the process tree's summed PSS, without file pages",
        lambda tree: tree.peak.own_bytes,
        Compared("memory of the process tree", "tree", "memory", memory.RUN_TO_RUN_TREE_BYTES),
        Heading(7, "Tree"),
    ),
    _tree(
        "tree_extra_bytes", "bytes", "growth of the summed PSS at that moment, with file pages",
        lambda tree: tree.peak.pss.total_bytes,
    ),
    _tree(
        "tree_anon_bytes", "bytes", "its part in anonymous memory",
        lambda tree: tree.peak.pss.anon_bytes,
    ),
    _tree(
        "tree_file_bytes", "bytes", "its part in file pages",
        lambda tree: tree.peak.pss.file_bytes,
    ),
    _tree(
        "tree_shmem_bytes", "bytes", "its part in shared memory",
        lambda tree: tree.peak.pss.shmem_bytes,
    ),
    _tree(
        "tree_idle_bytes", "bytes", "its growth after the last pass, with workers still alive",
        lambda tree: tree.idle.pss.total_bytes,
    ),
    _tree(
        "tree_left_bytes", "bytes", "its growth after the loader, or the result, was dropped",
        lambda tree: tree.left.pss.total_bytes,
    ),
    _tree(
        "tree_rss_bytes", "bytes",
        "summed RSS at the peak, as top would add it up: shared pages many times",
        lambda tree: tree.peak.rss_bytes,
    ),
    _tree(
        "tree_rss_extra_bytes", "bytes", "its growth since before the strategy was called",
        lambda tree: tree.peak.rss_bytes
        - (tree.course[0].rss_bytes if tree.course else math.nan),
    ),
    _tree(
        "tree_processes", "", "number of processes at the peak, including the trial itself",
        lambda tree: tree.peak.processes,
    ),
    _tree(
        "most_open_files", "", "number of open files of the process that ever had most",
        lambda tree: tree.most_open_files,
    ),
    _tree("shm_bytes", "bytes", "largest growth of /dev/shm", lambda tree: tree.most_shm_bytes),
    _tree(
        "started_bytes", "bytes", "pickled to start workers", lambda tree: tree.started_bytes
    ),
    _tree(
        "sent_bytes", "bytes", "written to pipes and queues in a pass",
        lambda tree: tree.sent_bytes,
    ),
    _tree(
        "received_bytes", "bytes", "read from pipes and queues in a pass",
        lambda tree: tree.received_bytes,
    ),
)  # fmt: skip


def _training(name: str, unit: Unit, doc: str, read: Callable[[TrainingSummary], Any]) -> Quantity:
    return Quantity(name, unit, doc, where(lambda case: case.epochs, read))


TRAINING = (
    _training(
        "stall_fraction", "share",
        "steady state: share of an epoch in which no training step runs",
        lambda found: found.stall.median,
    ),
    _training("stall_low", "share", "lower end of its interval", lambda found: found.stall.low),
    _training("stall_high", "share", "upper end of its interval", lambda found: found.stall.high),
    _training(
        "first_stall_fraction", "share",
        "stall_fraction of the first epoch of a fresh process", lambda found: found.first_stall,
    ),
    _training(
        "samples_per_s", "samples/s", "steady state: an epoch's samples ÷ its time",
        lambda found: found.samples_per_s,
    ),
    _training(
        "rebuild_s", "s", "steady state, cold: making the loader again, as part of an epoch's time",
        lambda found: found.rebuild_s,
    ),
    _training(
        "first_loss", "", "mean loss of the first steps", lambda found: found.first_loss
    ),
    _training(
        "last_loss", "", "mean loss of as many of the last steps", lambda found: found.last_loss
    ),
)  # fmt: skip


def _cache(name: str, unit: Unit, doc: str, read: Callable[[CacheSummary], Any]) -> Quantity:
    return Quantity(name, unit, doc, where(lambda case: case.cache, read))


CACHE = (
    _cache("cache_state", "name", "page cache: cold or warm, as requested", lambda c: c.state),
    _cache(
        "cache_file_bytes", "bytes", "size of the files that the strategy reads",
        lambda found: found.file_bytes,
    ),
    _cache(
        "cache_before_bytes", "bytes",
        "of them in memory before an epoch: the most if cold, the least if warm",
        lambda found: found.before_bytes,
    ),
    _cache(
        "cache_before_fraction", "share",
        "their share, in the trial that was furthest from what was requested",
        lambda found: found.before,
    ),
    _cache(
        "cache_after_fraction", "share",
        "share in memory after the first epoch, in the trial that had most",
        lambda found: found.after,
    ),
)  # fmt: skip
