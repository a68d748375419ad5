"""What runs in each rank that torchrun starts: load, meet the others, drive epochs, tell.

Every rank prepares the inputs for itself, as a training script does that is started so often.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch.distributed as dist

from harness.scenario.batches import row_numbers
from harness.scenario.checks import as_array
from harness.schema.records import Outcome
from harness.trial.base import pointers
from harness.trial.base.contents import contents_of
from harness.trial.base.outcomes import failure, judged
from harness.trial.base.request import BoundStrategy, TrialTask, put_into_force
from harness.trial.ranks.board import BUILT, DONE, DROPPED, IDLE, READY, Board
from harness.trial.ranks.files import (
    BOARD,
    RankFound,
    RankTask,
    read_task,
    write_failure,
    write_found,
)

BACKEND = "gloo"
"""Which moves what lies in the host's memory."""


class WrongDataError(Exception):
    """The check of this rank's batches found something; it says what."""


@dataclass
class Epochs:
    """The epochs of one rank, as they are driven.

    Args:
        board: where progress is told.
        rank: this one.
    """

    board: Board
    rank: int
    begins_ns: list[int] = field(default_factory=list)
    made_ns: list[int] = field(default_factory=list)
    firsts_ns: list[int] = field(default_factory=list)
    lasts_ns: list[int] = field(default_factory=list)
    ends_ns: list[int] = field(default_factory=list)
    waits_ns: list[int] = field(default_factory=list)
    batches: int = 0
    samples: int = 0
    data_bytes: int = 0
    summary: str = ""

    def drive(self, loader: Any, number: int) -> None:
        """One epoch, which all ranks begin together."""
        self._meet(loader, number)
        self.begins_ns.append(asked := time.monotonic_ns())
        waited = self.batches = self.samples = self.data_bytes = 0
        iterator = iter(loader)
        self.made_ns.append(came := time.monotonic_ns())
        while (batch := next(iterator, None)) is not None:
            came = time.monotonic_ns()
            waited += came - asked
            if not self.batches:
                self.firsts_ns.append(came)
            self._note(batch)
            asked = time.monotonic_ns()
        if not self.batches:
            raise WrongDataError(Outcome("wrong", f"an epoch of rank {self.rank} has no batch"))
        del iterator
        self.lasts_ns.append(came)
        self.ends_ns.append(ended := time.monotonic_ns())
        self.waits_ns.append(waited + ended - asked)

    def checked(self, loader: Any, number: int, rows: list[npt.NDArray[np.int64]]) -> Iterator[Any]:
        """Another epoch for a check, and the number of every row that comes."""
        self._meet(loader, number)
        for batch in loader:
            self.board.note(self.rank)
            first = batch[0] if isinstance(batch, tuple | list) else batch
            rows.append(row_numbers(as_array(first)))
            yield batch

    def _meet(self, loader: Any, number: int) -> None:
        sampler: Any = getattr(loader, "sampler", None)
        set_epoch = getattr(sampler, "set_epoch", None)
        if set_epoch is not None:
            set_epoch(number)  # or every epoch would have one order
        self.board.begin_epoch(self.rank, number)
        self.board.meet(self.rank, dist.barrier)

    def _note(self, batch: Any) -> None:
        """Count a batch; what it takes is not waited for, and is the same in each."""
        self.board.note(self.rank)
        first = batch[0] if isinstance(batch, tuple | list) else batch
        self.batches += 1
        self.samples += len(first)
        self.data_bytes += pointers.read_bytes(contents_of([batch], most=None))
        self.summary = self.summary or pointers.summary(batch)


def main(arguments: list[str]) -> None:
    """Entry point: the folder of the launch."""
    folder, rank = Path(arguments[0]), int(os.environ["RANK"])
    try:
        task = read_task(folder)
        board = Board(folder / BOARD, task.ranks)
        board.begin(rank, os.getpid())
        _run(task, board, folder, rank)
    except WrongDataError as error:
        write_failure(folder, rank, error.args[0])
        raise SystemExit(1) from None
    except BaseException as error:  # whatever a strategy raises is a result
        write_failure(folder, rank, failure(error, task.request.path))
        raise


def _run(asked: RankTask, board: Board, folder: Path, rank: int) -> None:
    request = asked.request
    put_into_force(dict(request.parameters), request.threads, request.path)
    task = TrialTask.of(request)
    dist.init_process_group(BACKEND, timeout=timedelta(seconds=asked.collective_s))
    work = task.prepare()
    gc.collect()
    board.reach(rank, READY)
    board.wait(READY)
    loader = work.strategy.function(*work.args)
    built_ns = time.monotonic_ns()
    board.reach(rank, BUILT)
    epochs, rows = Epochs(board, rank), list[npt.NDArray[np.int64]]()
    for number in range(asked.epochs + 1):
        epochs.drive(loader, number)
    if asked.checked:
        _check(task, work, epochs.checked(loader, asked.epochs + 1, rows))
    board.reach(rank, IDLE)
    board.wait(IDLE)
    del loader
    gc.collect()
    board.reach(rank, DROPPED)
    board.wait(DROPPED)
    found = RankFound(
        rank=rank,
        backend=BACKEND,
        built_ns=built_ns,
        begins_ns=tuple(epochs.begins_ns),
        made_ns=tuple(epochs.made_ns),
        firsts_ns=tuple(epochs.firsts_ns),
        lasts_ns=tuple(epochs.lasts_ns),
        ends_ns=tuple(epochs.ends_ns),
        waits_ns=tuple(epochs.waits_ns),
        batches=epochs.batches,
        samples=epochs.samples,
        data_bytes=epochs.data_bytes,
        summary=epochs.summary,
        unverified=work.unverified,
    )
    write_found(folder, found, np.concatenate(rows) if rows else np.empty(0, np.int64))
    board.reach(rank, DONE)
    board.meet(rank, dist.barrier)
    dist.destroy_process_group()


def _check(task: TrialTask, work: BoundStrategy, batches: Iterable[Any]) -> None:
    """Have the scenario's check go through this rank's batches.

    Raises:
        WrongDataError: it found something.
    """
    raised: list[BaseException] = []

    def given() -> Iterator[Any]:
        try:
            yield from batches
        except Exception as error:
            raised.append(error)
            raise

    outcome = judged(
        lambda: work.check(task.scenario, given()),
        lambda: raised[0] if raised else None,
        work.file,
    )
    if not outcome.ok:
        raise WrongDataError(outcome)
