"""A scenario whose import leaves holes in its host, as imports of large libraries do."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.scenario import Scenario

LOT, BLOCK = 8 * 1024**2, 4096
_ONE = b"\1"
_KEPT: list[Any] = [[np.ones(BLOCK, np.uint8) for _ in range(2 * LOT // BLOCK)][::2]]
_KEPT.append([_ONE * 300 for _ in range(2 * LOT // 300)][::2])

made = Scenario("made", question="Is memory found in a host with holes?", baseline="arrays")


@made.inputs
def nothing() -> int:
    return 0


@made.check
def anything(nothing: int, result: Any) -> None:
    """The result is not what this is about."""


@made.strategy()
def arrays(nothing: int) -> list[Any]:
    return [np.ones(BLOCK, np.uint8) for _ in range(LOT // BLOCK)]


@made.strategy()
def objects(nothing: int) -> list[Any]:
    return [_ONE * 300 for _ in range(LOT // 333)]
