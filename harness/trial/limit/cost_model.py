"""What a cost model that depends on the size says at the largest size that fits by it."""

from __future__ import annotations

from collections.abc import Callable

DEPENDS_SHARE = 0.02
"""A multiple that differs by more than this between two sizes depends on the size."""


def copies_at_frontier(
    copies: Callable[[int], float], free_bytes: int, step_bytes: int
) -> tuple[float, bool]:
    """The copies that are made at the largest size for which inputs and copies fit.

    Where the model jumps, as for a buffer that doubles, what fits ends at the jump: the copies
    returned are those that make the data up to there as large as what is free.

    Args:
        copies: the model, as a function of the size.
        free_bytes: what inputs and copies may take together.
        step_bytes: between the sizes that are looked at.

    Returns:
        The copies, and whether they are others at the size of all that is free.
    """
    size = step_bytes
    while size < free_bytes and (size + step_bytes) * (1 + copies(size + step_bytes)) <= free_bytes:
        size += step_bytes
    low, high = sorted((copies(size), copies(size + step_bytes)))
    found = min(max(free_bytes / size - 1, low), high)
    far = copies(max(step_bytes, free_bytes // step_bytes * step_bytes))
    return found, abs(far - found) > DEPENDS_SHARE * (1 + found)
