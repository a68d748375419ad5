"""What an epoch consists of: a hash of every batch and sample, and the order of indices."""

from __future__ import annotations

import hashlib
import pickle
import time
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset

from harness.schema.loader import LoaderData
from harness.trial.loader.drive import BatchError

_DIGEST_BYTES = 12


def hashed_epoch(
    loader: Iterable[Any], tuned: DataLoader[Any] | None, batches: int, seconds: float
) -> LoaderData:
    """Go through an epoch, or its beginning.

    Args:
        loader: it is gone through once.
        tuned: the DataLoader whose sampler is listened to, if there is one.
        batches: at most so many.
        seconds: take no further batch after so long.

    Raises:
        BatchError: the user's code raised something, which is its cause.
    """
    until = time.monotonic() + seconds
    indices: list[str] = []
    if tuned is not None and not isinstance(tuned.dataset, IterableDataset):
        _listen(tuned, indices)
    hashes, samples = list[str](), list[str]()
    ended = True
    try:
        for batch in loader:
            hashes.append(_digest(batch))
            samples += [_digest(one) for one in taken_apart(batch)]
            if len(hashes) >= batches or time.monotonic() > until:
                ended = False
                break
    except Exception as error:
        raise BatchError(len(hashes) + 1, "loader") from error
    return LoaderData(tuple(hashes), tuple(samples), tuple(indices[: len(hashes)]), ended)


def _listen(loader: DataLoader[Any], noted: list[str]) -> None:
    """Note what the sampler gives, in the training process, where it always runs."""
    from torch.utils.data.dataloader import _BaseDataLoaderIter

    original: Any = _BaseDataLoaderIter._next_index  # noqa: SLF001

    def next_index(iterator: Any) -> Any:
        index = original(iterator)
        noted.append(_digest(repr(index)))
        return index

    _BaseDataLoaderIter._next_index = next_index  # type: ignore[method-assign]  # noqa: SLF001


def taken_apart(batch: Any) -> list[Any]:
    """The samples of a batch: slices along the first axis that all its tensors and lists share;
    nothing where they share none.
    """
    leaves = list(_leaves(batch))
    sizes = {_size(one) for one in leaves}
    if len(sizes) != 1 or (size := sizes.pop()) is None:
        return []
    return [[one[place] for one in leaves] for place in range(size)]


def _leaves(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, tuple | list) and not (value and _is_plain(value[0])):
        for one in value:
            yield from _leaves(one)
    else:
        yield value


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | bytes | int | float)


def _size(leaf: Any) -> int | None:
    if isinstance(leaf, torch.Tensor | np.ndarray):
        return len(leaf) if leaf.ndim else None
    return len(leaf) if isinstance(leaf, list | tuple) else None


def _digest(value: Any) -> str:
    state = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    _feed(state, value)
    return state.hexdigest()


def _feed(state: Any, value: Any) -> None:
    if isinstance(value, torch.Tensor):
        plain = value.detach().cpu().contiguous()
        state.update(f"{plain.dtype} {tuple(plain.shape)}".encode())
        state.update(plain.flatten().view(torch.uint8).numpy().data if plain.numel() else b"")
    elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
        state.update(f"{value.dtype} {value.shape}".encode())
        state.update(np.ascontiguousarray(value).data)
    elif isinstance(value, Mapping):
        for name, one in value.items():
            state.update(repr(name).encode())
            _feed(state, one)
    elif isinstance(value, tuple | list):
        state.update(f"{type(value).__name__} {len(value)}".encode())
        for one in value:
            _feed(state, one)
    elif isinstance(value, str | bytes | int | float | bool | type(None)):
        state.update(repr(value).encode())
    else:
        state.update(pickle.dumps(value))
