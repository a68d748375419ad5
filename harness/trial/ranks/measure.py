"""A trial of several ranks: their times, what each row was given to, and the memory of all.

As everywhere, memory is watched in a trial of its own: a reading walks page tables. Growth is over
the moment when every rank has its process group and its inputs' names, and none has loaded.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from harness.schema.records import Epoch, Found, Loading, Outcome, Rank, Ranks, Timing
from harness.schema.request import TrialRequest
from harness.trial.base.request import TrialTask, load_inputs
from harness.trial.kinds.process_tree import TreeWatcher
from harness.trial.meters.process_tree import TreePage
from harness.trial.ranks.board import BUILT, DONE, DROPPED, IDLE, READY
from harness.trial.ranks.files import RankFound, RankTask, read_found, read_rows
from harness.trial.ranks.launch import Launch, RankError, launched

RANKS = "ranks"
EPOCHS = 9
"""Of a timed launch, after the first: the extremes of so many hold the median with 99.6%."""
WATCHED_EPOCHS = 1
PATIENCE_SHARE = 0.25
MOST_PATIENCE_S = 30.0
DEADLINE_SHARE = 0.9
"""Of a trial's time, after which it ends itself: it can say which rank was late."""


def measure_ranks(
    task: TrialTask, request: TrialRequest, page: TreePage | None, found: Found
) -> Outcome:
    """Launch ranks that call the strategy; watch their memory if there is a page for it."""
    began_ns = time.monotonic_ns()
    asked = RankTask(
        request=request,
        ranks=int(task.parameters[RANKS]),
        epochs=WATCHED_EPOCHS if page else EPOCHS,
        checked=page is None,
        collective_s=task.effort.timeout_s,
    )
    patience_s = min(MOST_PATIENCE_S, PATIENCE_SHARE * task.effort.timeout_s)
    scratch = task.scratch if request.folder else None
    if scratch is not None:
        scratch.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="ranks-", dir=scratch))
    deadline_s = time.monotonic() + DEADLINE_SHARE * task.effort.timeout_s
    try:
        with launched(folder, asked, patience_s, deadline_s) as launch:
            launch.until(READY)
            go_ns = _watched(launch, page, found) if page else _driven(launch)
            launch.finish()
        told = [read_found(folder, rank) for rank in range(asked.ranks)]
        found.result = f"{asked.ranks} ranks, {told[0].summary}"
        found.unverified = "; ".join(
            dict.fromkeys(one.unverified for one in told if one.unverified)
        )
        if page is not None:
            return Outcome("ok")
        note_times(found, told, began_ns, go_ns)
        rows = _rows_of(task)
        return _covered(found, folder, told, rows)
    except RankError as error:
        return error.outcome
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _driven(launch: Launch) -> int:
    """Let ranks do everything; returns when they began to load."""
    go_ns = time.monotonic_ns()
    launch.board.let(DROPPED)
    launch.until(DONE)
    return go_ns


def _watched(launch: Launch, page: TreePage, found: Found) -> int:
    """The same, stage by stage, with a reading of all processes at each."""
    watcher = TreeWatcher(page)
    go_ns = time.monotonic_ns()
    watcher.mark("build")
    launch.board.let(READY)
    launch.until(BUILT)
    watcher.mark("epochs")
    launch.until(IDLE)
    idle = watcher.sample()
    watcher.mark("dropped")
    launch.board.let(IDLE)
    launch.until(DROPPED)
    left = watcher.sample()
    found.tree = watcher.tree(idle, left, None, WATCHED_EPOCHS)
    launch.board.let(DROPPED)
    launch.until(DONE)
    return go_ns


def note_times(found: Found, told: Sequence[RankFound], began_ns: int, go_ns: int) -> None:
    """Times of each rank, and of all together: each phase of an epoch ends when the last rank's
    does.
    """
    epochs = [_epoch(told, number) for number in range(EPOCHS + 1)]
    first_ns = max(one.firsts_ns[0] for one in told)
    built_ns = max(one.built_ns for one in told)
    steady = tuple(epochs[1:])
    times = tuple(one.total_s for one in steady)
    found.timing = Timing((first_ns - go_ns) / 1e9, times, 1, True, 0.0)
    found.loading = Loading(
        build_s=(built_ns - go_ns) / 1e9,
        first=epochs[0],
        steady=steady,
        batches=sum(one.batches for one in told),
        samples=sum(one.samples for one in told),
        data_bytes=sum(one.data_bytes for one in told),
    )
    found.ranks = Ranks(
        launcher=f"torchrun {torch.__version__}",
        backend=told[0].backend,
        launch_s=(go_ns - began_ns) / 1e9,
        ranks=tuple(
            Rank(
                built_s=(one.built_ns - go_ns) / 1e9,
                first_batch_s=(one.firsts_ns[0] - go_ns) / 1e9,
                waits_s=tuple(wait / 1e9 for wait in one.waits_ns[1:]),
                epochs_s=tuple(
                    (end - begin) / 1e9
                    for begin, end in zip(one.begins_ns[1:], one.ends_ns[1:], strict=True)
                ),
                samples=one.samples,
            )
            for one in told
        ),
    )


def _epoch(told: Sequence[RankFound], number: int) -> Epoch:
    """One epoch of all ranks, from when the first began it."""
    phases = ("made_ns", "firsts_ns", "lasts_ns", "ends_ns")
    begin = min(one.begins_ns[number] for one in told)
    moments = (begin, *(max(getattr(one, phase)[number] for one in told) for phase in phases))
    return Epoch(*((end - begin) / 1e9 for begin, end in itertools.pairwise(moments)))


def _rows_of(task: TrialTask) -> int:
    """How many samples there are: the labels of the scenario's inputs are one for each."""
    return len(load_inputs(task.fixture)[-1])


def _covered(found: Found, folder: Path, told: Sequence[RankFound], rows: int) -> Outcome:
    """Whether every row was given to some rank; how often others were is noted."""
    given = np.concatenate([read_rows(folder, one.rank) for one in told])
    if ((given < 0) | (given >= rows)).any():
        return Outcome("wrong", "a sample is no row of the data", "wrong data")
    counts = np.bincount(given, minlength=rows)
    missing, repeated = int((counts == 0).sum()), int((counts - 1)[counts > 1].sum())
    assert found.ranks is not None
    found.ranks = found.ranks.covering(rows, missing, repeated)
    if repeated:
        found.result += f"; {repeated} of {rows} samples once more, as padding"
    if missing:
        which = int(np.flatnonzero(counts == 0)[0])
        reason = f"{missing} of {rows} samples were given to no rank, sample {which} first"
        return Outcome("wrong", reason, "wrong epoch")
    return Outcome("ok")
