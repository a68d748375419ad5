"""Casting: reading numbers of one dtype and writing as many of another."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch

from harness.schema.records import Work
from harness.trial.ceilings.kind import Bytes, Call, Place, Timed, ceiling, fastest


@ceiling("cast")
def cast(work: Work, place: Place) -> Timed:
    """By NumPy and by torch, as far as each has both dtypes."""
    source, target = work.dtypes
    sizes = _item_bytes(source), _item_bytes(target)
    count = max(1, min(work.read_bytes // sizes[0], work.written_bytes // sizes[1]))
    block = min(count, max(1, (work.block_bytes or work.written_bytes) // sizes[1]))
    read, written = place.source(count * sizes[0]), place.target(block * sizes[1])
    pieces = [read[at * sizes[0] :][: block * sizes[0]] for at in range(0, count, block)]
    return Timed(
        f"casting {source} to {target}",
        fastest(_ways(pieces, written, (source, target), sizes)),
        moved_bytes=count * sum(sizes) / 2,
    )


def _ways(
    pieces: list[Bytes], written: Bytes, dtypes: tuple[str, str], sizes: tuple[int, int]
) -> Iterator[Call]:
    counts = [len(piece) // sizes[0] for piece in pieces]
    for view, copy in ((_array, _by_numpy), (_tensor, _by_torch)):
        try:
            pairs = [
                (view(written[: count * sizes[1]], dtypes[1]), view(piece, dtypes[0]))
                for piece, count in zip(pieces, counts, strict=True)
            ]
        except (TypeError, AttributeError):  # a dtype that the other library does not have
            continue
        yield partial(_each, copy, pairs)


def _each(copy: Any, pairs: list[tuple[Any, Any]]) -> None:
    for target, source in pairs:
        copy(target, source)


def _by_numpy(target: Any, source: Any) -> None:
    np.copyto(target, source, casting="unsafe")


def _by_torch(target: Any, source: Any) -> None:
    target.copy_(source)


def _array(data: Bytes, dtype: str) -> Any:
    return data.view(np.dtype(dtype))


def _tensor(data: Bytes, dtype: str) -> Any:
    found = getattr(torch, dtype)
    if not isinstance(found, torch.dtype):
        raise TypeError(f"torch.{dtype} is no dtype")
    return torch.from_numpy(data).view(found)


def _item_bytes(dtype: str) -> int:
    found = getattr(torch, dtype, None)
    return found.itemsize if isinstance(found, torch.dtype) else np.dtype(dtype).itemsize
