"""Labels that would overlap, moved apart as little as possible."""

from __future__ import annotations

from collections.abc import Sequence


def spread(positions: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """New positions at least ``gap`` apart, in the same order, near the old ones.

    Least squares under that constraint: with ``i * gap`` taken off the i-th smallest it is an
    isotonic regression, solved by pooling adjacent violators (Barlow et al., 1972).

    Args:
        positions: where the labels belong.
        gap: the height of a label.
        low: none lies below this where there is room.
        high: none lies above this where there is room.

    Returns:
        As many positions, in the order given.
    """
    order = sorted(range(len(positions)), key=lambda index: positions[index])
    blocks: list[tuple[float, int]] = []  # mean and count of pooled labels
    for rank, index in enumerate(order):
        mean, count = positions[index] - rank * gap, 1
        while blocks and blocks[-1][0] > mean:
            before, pooled = blocks.pop()
            mean = (before * pooled + mean * count) / (pooled + count)
            count += pooled
        blocks.append((mean, count))
    flat = [mean for mean, count in blocks for _ in range(count)]
    most = high - gap * (len(flat) - 1)
    placed = [0.0] * len(positions)
    for rank, (index, value) in enumerate(zip(order, flat, strict=True)):
        placed[index] = max(low, min(value, most)) + rank * gap
    return placed
