"""From what a host is asked for to the call that is watched: a case, or a function of a file."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from functools import partial, reduce
from pathlib import Path
from typing import Any

import numpy as np

from harness.schema.profile import CaseProfileRequest, FileProfileRequest
from harness.schema.records import UNFINISHED, Found
from harness.trial.base import pointers
from harness.trial.base.as_script import as_script
from harness.trial.base.inputs import folder_of
from harness.trial.base.outcomes import one_line
from harness.trial.base.request import TrialTask, put_into_force
from harness.trial.meters.page_cache import file_cache
from harness.trial.meters.page_touch import touch_pages
from harness.trial.profiling.target import Target
from harness.trial.run import warm
from harness.trial.timing.epochs import Loader


class CannotProfileError(Exception):
    """There is nothing that can be watched; the message is one line."""


def case_target(request: CaseProfileRequest) -> Target:
    """A strategy with its inputs, after a call with tiny ones.

    Raises:
        CannotProfileError: it is not of this processor's memory.
    """
    trial = request.trial
    task = TrialTask.of(trial)
    if task.strategy.on_device:
        raise CannotProfileError(
            f"{trial.scenario}/{trial.strategy} works on an accelerator, and lines show memory of "
            "the host"
        )
    put_into_force(task.parameters, trial.threads, trial.path)
    warm(task, Found(outcome=UNFINISHED))
    work = task.prepare()
    file_cache(work, folder_of(task.fixture)).prepare()
    call: Callable[[], Any] = partial(task.strategy.function, *work.args)
    return Target(
        partial(_one_epoch, call) if task.scenario.epochs else call,
        task.strategy.function,
        pointers.data_bytes(work.inputs),
        trial.path,
        f"{trial.scenario}/{trial.strategy}",
    )


def _one_epoch(make: Callable[[], Any]) -> Loader:
    """A loader, and one epoch of it, whose batches are read and let go."""
    loader = Loader(make)
    for batch in loader:
        touch_pages(batch)
    return loader


def file_target(request: FileProfileRequest) -> Target:
    """A function of a user's file, with arrays from files.

    Raises:
        CannotProfileError: the file raises, or has no such function, or an array cannot be loaded.
    """
    module = _imported(Path(request.path))
    try:
        function = reduce(getattr, request.function.split("."), module)
    except AttributeError:
        raise CannotProfileError(f"{request.path} has no {request.function}") from None
    if not callable(function):
        raise CannotProfileError(f"{request.function} in {request.path} is not callable")
    arrays = [_loaded(path) for path in request.arrays]
    return Target(
        partial(function, *arrays), function, sum(array.nbytes for array in arrays), request.path
    )


def _imported(path: Path) -> Any:
    """A user's file as a module."""
    as_script(path)
    name = path.stem if path.stem not in sys.modules else f"{path.stem}_profiled"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise CannotProfileError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        said = one_line(f"{type(error).__name__}: {error}")
        raise CannotProfileError(f"{path} cannot be imported: {said}") from error
    return module


def _loaded(path: str) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CannotProfileError(f"--npy {path} cannot be loaded: {one_line(said)}") from error
