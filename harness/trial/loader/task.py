"""One fresh process with a user's loader: import, make it, go through it, say what was found."""

from __future__ import annotations

import gc
import math
import random
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from harness.schema.loader import LoaderAnswer, LoaderMemory, LoaderRequest
from harness.schema.records import Outcome
from harness.trial.base import outcomes, pointers
from harness.trial.base.contents import contents_of
from harness.trial.base.queued_work import accelerator_in_use
from harness.trial.loader import stages
from harness.trial.loader.data import hashed_epoch, taken_apart
from harness.trial.loader.drive import Again, BatchError, Course, take
from harness.trial.loader.hooks import Hooks, Receiving
from harness.trial.loader.stamps import USED, stamps_of
from harness.trial.loader.subject import (
    Step,
    Subject,
    UnfitError,
    apply,
    in_file,
    loader_in_file,
    look_at,
    make_loader,
    make_step,
    sleeping,
)
from harness.trial.meters.process_tree import TreePage

_READY = 16
_READY_BYTES = 256 * 1024**2
"""Of batches that are kept to be given again."""
_READY_SHARE = 0.5  # of the time, to take them
IMPORTING, MAKING, MAKING_STEP = "import", "make_loader", "make_step"


class _StageError(Exception):
    """Where the user's code raised what is its cause."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        super().__init__(stage)


@dataclass(frozen=True)
class _Ready:
    """What a trial works with."""

    loader: Any
    tuned: DataLoader[Any] | None
    step: Step | None


def run_loader(request: LoaderRequest, page: Any, subject: Subject | None = None) -> dict[str, Any]:
    """Do what is asked for.

    Args:
        request: what to do with the loader.
        page: where the tree's memory can be read, if it is watched.
        subject: the loader of the process that this one was forked from; otherwise it is imported.
    """
    watch = page if isinstance(page, TreePage) else None
    if watch is not None:
        watch.sync()
    answer = LoaderAnswer(Outcome("ok"))
    try:
        ready = _prepare(request, subject)
        answer = replace(answer, look=look_at(ready.loader, ready.tuned))
        if request.setting is not None and ready.tuned is not None:
            apply(request.setting, ready.tuned)
        answer = _go_through(request, ready, answer)
    except UnfitError as error:
        answer = replace(answer, outcome=Outcome("error", str(error)), stage="unfit")
    except (_StageError, BatchError) as error:
        answer = _failed(answer, error, request.file)
    if watch is not None:
        answer = replace(answer, memory=_memory(watch))
    return asdict(replace(answer, accelerator=accelerator_in_use()))


def _prepare(request: LoaderRequest, subject: Subject | None) -> _Ready:
    gc.unfreeze()
    random.seed(request.seed)
    np.random.seed(request.seed)  # noqa: NPY002 — the one that users draw from
    torch.manual_seed(request.seed)
    if subject is None:
        subject = _at(IMPORTING, lambda: _imported(request))
    given = _at(IMPORTING, subject.loader)
    loader, tuned = _at(MAKING, lambda: make_loader(given))
    step: Step | None = None
    if request.stepped and subject.step is not None:
        users = subject.step
        step = _at(MAKING_STEP, lambda: make_step(users()))
    elif request.stepped and request.step_ms:
        step = sleeping(request.step_ms)
    return _Ready(loader, tuned, step)


def _at(stage: str, do: Any) -> Any:
    try:
        return do()
    except UnfitError:
        raise
    except (Exception, SystemExit) as error:
        raise _StageError(stage) from error


def _imported(request: LoaderRequest) -> Subject:
    loader = loader_in_file(request.file, request.name)
    if not request.step_file:
        return Subject(lambda: loader)
    step = in_file(request.step_file, request.step_name)
    return Subject(lambda: loader, lambda: step)


def _go_through(request: LoaderRequest, ready: _Ready, answer: LoaderAnswer) -> LoaderAnswer:
    if request.way == "data":
        hooks = Hooks(seeded=True)
        if ready.tuned is not None:
            hooks.install()
            hooks.around(ready.tuned)
        data = hashed_epoch(ready.loader, ready.tuned, request.batches, request.seconds)
        return replace(answer, data=data)
    watched = request.way == "watched"
    if (watched or request.free) and ready.tuned is not None:
        hooks = Hooks(request.folder if watched else "", request.free)
        hooks.install()
        hooks.around(ready.tuned)
    loader: Iterable[Any] = ready.loader
    if request.way == "ready":
        kept = take(loader, _READY, _READY_BYTES, _READY_SHARE * request.seconds)
        if not kept:
            raise UnfitError("the loader gave no batch at all")
        _drop_workers(ready.tuned)
        loader = Again(kept)
    course = Course(loader, ready.step, request.batches, request.skip, request.seconds)
    if watched:
        course.note = stamps_of(request.folder, USED, "main").note
    with Receiving() if watched else _Nothing() as receiving:
        answer = replace(answer, passes=tuple(course.passes()))
    if not answer.passes[0].batches:
        raise UnfitError("the loader gave no batch at all")
    if isinstance(receiving, Receiving) and ready.tuned is not None:
        _drop_workers(ready.tuned)
        answer = replace(answer, stages=stages.told(request.folder, receiving))
    samples = taken_apart(course.last)
    contents = contents_of([course.last], most=None)
    return replace(
        answer,
        batch_bytes=None if contents.hidden else pointers.read_bytes(contents),
        batch_samples=len(samples) or None,
        loss_finite=_is_finite(course.result),
    )


class _Nothing:
    """What stands for a meter where nothing is measured."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exception: object) -> None:
        return None


def _drop_workers(loader: DataLoader[Any] | None) -> None:
    """End workers that stay from one epoch to the next."""
    if loader is not None:
        vars(loader)["_iterator"] = None
        gc.collect()


def _is_finite(result: Any) -> bool | None:
    """Whether a step's last result, if it is one number, is finite."""
    if isinstance(result, torch.Tensor) and result.numel() == 1:
        result = result.item()
    return math.isfinite(result) if isinstance(result, int | float) else None


def _failed(answer: LoaderAnswer, error: _StageError | BatchError, file: str) -> LoaderAnswer:
    cause = error.__cause__
    assert cause is not None
    outcome = outcomes.failure(cause, file)
    if isinstance(error, BatchError):
        return replace(answer, outcome=outcome, stage=f"{error.stage} batch {error.number}")
    return replace(answer, outcome=outcome, stage=error.stage)


def _memory(page: TreePage) -> LoaderMemory | None:
    """The highest of all readings, which began before the loader was made."""
    page.sync()
    page.finish()
    readings = page.readings()
    if not readings:
        return None
    highest = max(readings, key=lambda one: one.pss.anon_bytes + one.pss.shmem_bytes)
    return LoaderMemory(
        peak_bytes=highest.pss.anon_bytes + highest.pss.shmem_bytes,
        file_bytes=highest.pss.file_bytes,
        shm_bytes=max(one.shm_bytes for one in readings) - readings[0].shm_bytes,
        processes=highest.processes,
        open_files=max(one.open_files for one in readings),
    )
