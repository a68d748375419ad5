"""Gathering: pieces from all over some memory, in an order that no prefetcher guesses, into one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch

from harness.schema.records import Work
from harness.trial.ceilings.kind import Call, Place, Timed, ceiling, fastest

WORD_BYTES = 8
_SEED = 0


@ceiling("gather")
def gather(work: Work, place: Place) -> Timed:
    """Rows of a table in random order, as many at a time as a block holds."""
    words = max(1, work.piece_bytes // WORD_BYTES)
    row_bytes = words * WORD_BYTES
    rows = max(1, work.read_bytes // row_bytes)
    taken = max(1, (work.written_bytes or work.read_bytes) // row_bytes)
    block = max(1, min(taken, (work.block_bytes or work.written_bytes) // row_bytes))
    table = place.source(rows * row_bytes).view(np.int64).reshape(rows, words)
    target = place.target(block * row_bytes).view(np.int64).reshape(block, words)
    order = np.resize(np.random.default_rng(_SEED).permutation(rows), taken)
    parts = [order[at : at + block] for at in range(0, taken, block)]
    return Timed(
        "gathering",
        fastest(_ways(table, target, parts)),
        moved_bytes=taken * row_bytes,
    )


def _ways(table: Any, target: Any, parts: list[Any]) -> Iterator[Call]:
    def by_numpy() -> None:
        for part in parts:
            np.take(table, part, axis=0, out=target[: len(part)], mode="clip")

    yield by_numpy
    source, indices = torch.from_numpy(table), [torch.from_numpy(part) for part in parts]
    rows = torch.from_numpy(target)

    def by_torch() -> None:
        for part in indices:
            torch.index_select(source, 0, part, out=rows[: len(part)])

    yield by_torch
    yield partial(_by_slices, table, target, [part.tolist() for part in parts])


def _by_slices(table: Any, target: Any, parts: list[list[int]]) -> None:
    for part in parts:
        for place, row in enumerate(part):
            target[place] = table[row]
