"""What the user gave: a function that returns a loader, or a loader; and perhaps a step."""

from __future__ import annotations

import importlib
import inspect
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader, IterableDataset, Subset

from harness.schema.loader import LoaderLook, LoaderSetting
from harness.trial.base.as_script import as_script
from harness.trial.base.looks import a

Step = Callable[[Any], Any]
_BY_INDEX = ("__getitems__", "__getitem__")


class UnfitError(Exception):
    """What the user gave is nothing that can be measured; the message says what to do."""


@dataclass(frozen=True)
class Subject:
    """How to get at the loader and the step in this process.

    Args:
        loader: the function that makes it, or itself, once it is asked for.
        step: the user's, or what makes it; None where there is none.
    """

    loader: Callable[[], Any]
    step: Callable[[], Any] | None = None


def loader_in_file(file: str, name: str) -> Any:
    """What a file calls by a name; of ``make_loaders.train``, a function that returns that one of
    several.

    Raises:
        UnfitError: see :func:`in_file`.
    """
    first, _, which = name.partition(".")
    given = in_file(file, first)
    return partial(_one_of, given, which) if which else given


def _one_of(given: Any, which: str) -> Any:
    """An item, or an attribute, of what a function returns."""
    if callable(given):
        _refuse_arguments(given)
    several = given() if callable(given) else given
    items = several if isinstance(several, Mapping) else {}
    found = items.get(which, getattr(several, which, None))
    if found is None:
        raise UnfitError(f"{a(several)} has no loader {which}")
    return found


def in_file(file: str, name: str) -> Any:
    """What a file calls by a name. The file is imported as its own folder's scripts import it.

    Raises:
        UnfitError: there is no such name, or the file cannot be imported under its own name.
    """
    path = Path(file)
    stem = path.stem
    known = sys.modules.get(stem)
    if known is not None and getattr(known, "__file__", None) != file:
        raise UnfitError(f"{path.name} has the name of a module of Python's or ferrybench's")
    as_script(path)
    module = importlib.import_module(stem)
    found = getattr(module, name, None)
    if found is None:
        raise UnfitError(f"{path.name} has no {name}")
    return found


def make_loader(given: Any) -> tuple[Any, DataLoader[Any] | None]:
    """The iterable of batches that the user means, and the DataLoader in it that can be tuned.

    Raises:
        UnfitError: it is neither.
    """
    made: list[DataLoader[Any]] = []
    loader = given
    if callable(given) and not isinstance(given, DataLoader):
        _refuse_arguments(given)
        with _noting(made):
            loader = given()
    if isinstance(loader, DataLoader):
        return loader, loader
    called = getattr(given, "__name__", "the loader")
    if isinstance(loader, Mapping) or (
        isinstance(loader, list | tuple) and any(isinstance(one, DataLoader) for one in loader)
    ):
        raise UnfitError(
            f"{called} returns {a(loader)} of loaders: return the one to look at, or name it: "
            f"{called}.train for the one called train"
        )
    if isinstance(loader, str | bytes) or not isinstance(loader, Iterable):
        raise UnfitError(f"{called} returns {a(loader)}, which is no loader: return a DataLoader")
    return loader, made[0] if len(made) == 1 else None


class _noting:  # noqa: N801 — used like a function
    """While it is open, notes every DataLoader that is made."""

    def __init__(self, made: list[DataLoader[Any]]) -> None:
        self._made = made
        self._original = DataLoader.__init__

    def __enter__(self) -> None:
        made, original = self._made, self._original

        def noted(loader: Any, *args: Any, **kwargs: Any) -> None:
            original(loader, *args, **kwargs)
            made.append(loader)

        DataLoader.__init__ = noted  # type: ignore[method-assign, assignment]

    def __exit__(self, *exception: object) -> None:
        DataLoader.__init__ = self._original  # type: ignore[method-assign]


def _refuse_arguments(function: Any) -> None:
    needed = needed_arguments(function)
    if needed:
        name = getattr(function, "__name__", "the function")
        raise UnfitError(
            f"{name} needs arguments ({', '.join(needed)}): write a function without any that "
            "calls it, and name that"
        )


def needed_arguments(function: Any) -> list[str]:
    """The arguments that a call cannot do without; none where Python does not know."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        one.name
        for one in parameters
        if one.default is inspect.Parameter.empty and one.kind not in kinds
    ]


def make_step(given: Any) -> Step:
    """The step: a function of a batch, or what a function without arguments returns.

    Raises:
        UnfitError: it is neither.
    """
    needed = needed_arguments(given) if callable(given) else None
    if needed == [] and inspect.isfunction(given):
        given = given()
    if not callable(given):
        raise UnfitError(f"the step is {a(given)}; it must be a function of a batch")
    if len(needed or ()) > 1:
        raise UnfitError(
            f"the step needs {len(needed or ())} arguments; it must be a function of a batch"
        )
    step: Step = given
    return step


def sleeping(step_ms: float) -> Step:
    """A step that waits, as one does whose work an accelerator has."""

    def step(batch: Any) -> None:
        time.sleep(step_ms / 1e3)

    return step


def setting_of(loader: DataLoader[Any]) -> LoaderSetting:
    """The user's own setting."""
    workers = loader.num_workers
    return LoaderSetting(
        workers,
        loader.prefetch_factor if workers else None,
        bool(loader.persistent_workers and workers),
        bool(loader.pin_memory),
    )


def apply(setting: LoaderSetting, loader: DataLoader[Any]) -> None:
    """Have a loader that has not been used make its batches in another way.

    A DataLoader keeps what it was given and starts workers when it is iterated over, so that this
    is the same as to have made it so; nothing else of it is touched.
    """
    workers = setting.num_workers
    vars(loader).update(
        num_workers=workers,
        prefetch_factor=(setting.prefetch_factor or 2) if workers else None,
        persistent_workers=setting.persistent_workers and workers > 0,
        pin_memory=setting.pin_memory,
    )


def look_at(loader: Any, tuned: DataLoader[Any] | None) -> LoaderLook:
    """What the loader is."""
    import torch

    try:
        length: int | None = len(loader)
    except Exception:  # noqa: BLE001 — a length of the user's own may raise anything
        length = None
    current = getattr(torch.accelerator, "current_accelerator", lambda: None)
    accelerator = current() is not None and torch.accelerator.is_available()
    if tuned is None:
        return LoaderLook(type(loader).__name__, length=length, accelerator=accelerator)
    context = tuned.multiprocessing_context
    return LoaderLook(
        type(loader).__name__,
        type(tuned.dataset).__name__,
        setting_of(tuned),
        length,
        context.get_start_method() if context is not None else "",
        isinstance(tuned.dataset, IterableDataset),
        accelerator,
        _place(_fetching(tuned.dataset)),
        _place(tuned.collate_fn),
    )


def _fetching(dataset: Any) -> Any:
    """The method that fetches samples; of a part of a dataset, that of the whole."""
    while isinstance(dataset, Subset):
        dataset = dataset.dataset
    names = ("__iter__",) if isinstance(dataset, IterableDataset) else _BY_INDEX
    return next((method for name in names if (method := getattr(type(dataset), name, None))), None)


def _place(function: Any) -> str:
    """A function's name and line, as ``Rows.__getitem__ (train.py:12)``."""
    plain: Any = inspect.unwrap(function) if callable(function) else None
    code = getattr(plain, "__code__", None)
    if code is None:
        return ""
    return f"{plain.__qualname__} ({Path(code.co_filename).name}:{code.co_firstlineno})"
