"""Get between the stages of torch's loader, in the training process and in every worker.

torch has one function that puts a dataset and a collate function together, in whatever process
makes batches: ``_DatasetKind.create_fetcher``. It is replaced in the trial, which forked workers
inherit, and by a ``worker_init_fn`` around the user's own, which reaches the others. The user's
dataset, sampler and functions stay what they are; what is passed to the fetcher stands in for them.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.queues
import os
import random
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, _DatasetKind, get_worker_info
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from harness.schema.loader import Stage
from harness.trial.loader.stamps import FETCHED, PICKLED, Stamps, stamps_of

_NOTHING = object()
_now = time.monotonic_ns
_installed = 0
_create_fetcher: Any = _DatasetKind.create_fetcher


@dataclass(frozen=True)
class Hooks:
    """What to do between the stages; goes to workers as it is.

    Args:
        folder: where stamps are kept; empty for none.
        free: stages that give again what they gave before.
        seeded: seed the global generators for each sample by its index, so that random transforms
            do not depend on who draws them.
    """

    folder: str = ""
    free: tuple[Stage, ...] = ()
    seeded: bool = False

    def install(self) -> None:
        """In this process, once; the one it was forked from may have done so."""
        global _installed
        if _installed == os.getpid():
            return
        _installed = os.getpid()
        hooks = self

        def create(kind: Any, dataset: Any, auto: bool, collate: Any, drop_last: bool) -> Any:
            watched = _Watched(hooks, dataset, collate)
            return watched.fetcher(kind, auto, drop_last)

        _DatasetKind.create_fetcher = staticmethod(create)  # type: ignore[method-assign]
        if self.folder and get_worker_info() is not None:
            multiprocessing.queues._ForkingPickler = _TimedPickler(  # type: ignore[attr-defined]  # noqa: SLF001
                multiprocessing.queues._ForkingPickler,  # type: ignore[attr-defined]  # noqa: SLF001
                self.folder,
                PICKLED,
            )

    def around(self, loader: DataLoader[Any]) -> None:
        """Have the workers of a loader install this as well."""
        vars(loader)["worker_init_fn"] = WorkerInit(self, loader.worker_init_fn)


@dataclass(frozen=True)
class WorkerInit:
    """What a worker does first: the hooks, then what the user wants."""

    hooks: Hooks
    users: Callable[[int], Any] | None

    def __call__(self, worker: int) -> None:
        self.hooks.install()
        if self.users is not None:
            self.users(worker)


def _who() -> str:
    info = get_worker_info()
    return "main" if info is None else f"worker {info.id}"


class _Watched:
    """Stands between a fetcher and the user's dataset and collate function."""

    def __init__(self, hooks: Hooks, dataset: Any, collate: Any) -> None:
        self._hooks, self._dataset, self._collate = hooks, dataset, collate
        self._samples: list[int] = []
        self._collated = 0
        self._stamps = stamps_of(hooks.folder, FETCHED, _who()) if hooks.folder else None
        self._batch: Any = None

    def fetcher(self, kind: Any, auto: bool, drop_last: bool) -> Any:
        """Torch's own fetcher, around what stands in for dataset and collate function."""
        by_index = kind == _DatasetKind.Map
        stand_in = self._by_index(auto) if by_index else self._in_order()
        inner = _create_fetcher(kind, stand_in, auto, self._collate_batch, drop_last)
        self._fetch = inner.fetch
        return self

    def _by_index(self, auto: bool) -> Any:
        batched = getattr(self._dataset, "__getitems__", None) if auto else None
        get = batched or self._dataset.__getitem__
        if "fetch" in self._hooks.free:
            get = _Kept(get)
        if self._hooks.seeded:
            get = _Seeded(get)
        if batched:
            return _Batches(get)
        return _Unmarked(get) if self._stamps is None else _Samples(get, self._samples)

    def _in_order(self) -> Any:
        get = _Kept(next) if "fetch" in self._hooks.free else next
        return _Stream(self._dataset, get, None if self._stamps is None else self._samples)

    def _collate_batch(self, samples: Any) -> Any:
        self._collated = _now()
        if "collate" not in self._hooks.free:
            return self._collate(samples)
        if self._batch is None:
            self._batch = self._collate(samples)
        return self._batch

    def fetch(self, index: Any) -> Any:
        """For torch: the next batch."""
        if self._stamps is None:
            return self._fetch(index)
        self._samples.clear()
        self._collated = 0
        began = _now()
        batch = self._fetch(index)
        ended = _now()
        self._stamps.note(began, self._collated or ended, ended, *self._samples)
        return batch


class _Samples:
    """A map-style dataset, sample by sample, each with a stamp."""

    def __init__(self, get: Callable[[Any], Any], marks: list[int]) -> None:
        self._get, self._mark = get, marks.append

    def __getitem__(self, index: Any) -> Any:
        sample = self._get(index)
        self._mark(_now())
        return sample


class _Unmarked:
    """A map-style dataset without stamps."""

    def __init__(self, get: Callable[[Any], Any]) -> None:
        self._get = get

    def __getitem__(self, index: Any) -> Any:
        return self._get(index)


class _Batches:
    """A map-style dataset that fetches the samples of a batch together."""

    def __init__(self, get: Callable[[Any], Any]) -> None:
        self.__getitems__ = get


class _Stream:
    """An iterable-style dataset; each sample with a stamp, where there is to be one."""

    def __init__(self, dataset: Any, get: Callable[[Any], Any], marks: list[int] | None) -> None:
        self._dataset, self._get, self._marks = dataset, get, marks

    def __iter__(self) -> Iterator[Any]:
        stream = iter(self._dataset)
        try:
            while True:
                sample = self._get(stream)
                if self._marks is not None:
                    self._marks.append(_now())
                yield sample
        except StopIteration:
            return


class _Kept:
    """The first sample, or samples of a batch, given again and again: fetching is free."""

    def __init__(self, get: Callable[[Any], Any]) -> None:
        self._get = get
        self._kept: Any = _NOTHING

    def __call__(self, of: Any) -> Any:
        if self._kept is _NOTHING:
            self._kept = self._get(of)
        return self._kept


class _Seeded:
    """Seeds the global generators by what is fetched, and fetches it."""

    def __init__(self, get: Callable[[Any], Any]) -> None:
        self._get = get

    def __call__(self, of: Any) -> Any:
        seed_by(of)
        return self._get(of)


class _TimedPickler:
    """multiprocessing's pickler, in whose place it stands in a worker: notes each dump."""

    def __init__(self, original: Any, folder: str, stage: str) -> None:
        self._original, self._folder, self._stage = original, folder, stage
        self._stamps: Stamps | None = None

    def dumps(self, obj: Any, *args: Any) -> Any:
        """The queue's feeder thread calls this."""
        if self._stamps is None:
            self._stamps = stamps_of(self._folder, self._stage, _who())
        began = _now()
        data = self._original.dumps(obj, *args)
        self._stamps.note(began, _now(), len(data))
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


class Receiving:
    """While it is open: how long the training process unpickles, and waits behind a batch.

    Attributes:
        receive_ns: in unpickling, by whichever thread.
        behind_ns: in waiting while a later batch had already come.
    """

    def __init__(self) -> None:
        self.receive_ns = self.behind_ns = 0

    def __enter__(self) -> Receiving:
        self._pickler = multiprocessing.queues._ForkingPickler  # type: ignore[attr-defined]  # noqa: SLF001
        self._get: Any = _MultiProcessingDataLoaderIter._get_data  # noqa: SLF001
        noted = self
        get: Any = self._get

        def timed(iterator: Any) -> Any:
            later = any(len(task) == 2 for task in iterator._task_info.values())  # noqa: SLF001
            began = _now()
            got = get(iterator)
            if later:
                noted.behind_ns += _now() - began
            return got

        _MultiProcessingDataLoaderIter._get_data = timed  # type: ignore[method-assign]  # noqa: SLF001
        multiprocessing.queues._ForkingPickler = _TimedLoads(self._pickler, self)  # type: ignore[attr-defined]  # noqa: SLF001
        return self

    def __exit__(self, *exception: object) -> None:
        _MultiProcessingDataLoaderIter._get_data = self._get  # type: ignore[method-assign]  # noqa: SLF001
        multiprocessing.queues._ForkingPickler = self._pickler  # type: ignore[attr-defined]  # noqa: SLF001


class _TimedLoads:
    """The pickler in the training process: times each load."""

    def __init__(self, original: Any, noted: Receiving) -> None:
        self._original, self._noted = original, noted

    def loads(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        began = _now()
        obj = self._original.loads(data, *args, **kwargs)
        self._noted.receive_ns += _now() - began
        return obj

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


def seed_by(index: Any) -> None:
    """Seed the global generators by what is fetched, whoever fetches it."""
    number = zlib.crc32(repr(index).encode())
    random.seed(number)
    np.random.seed(number)  # noqa: NPY002 — the one that users draw from
    torch.manual_seed(number)
