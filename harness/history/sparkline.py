"""A series in one line of text: a block per run, from the least value to the largest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
ABSENT, FAILED = "·", "×"
LEAST_SPAN = 0.25
"""The span of a full height, as a share of the least value: small noise is to look small."""


def sparkline(
    values: Mapping[int, float], runs: Sequence[int], failed: frozenset[int], least: float = 0.0
) -> str:
    """One character per run.

    Args:
        values: by run.
        runs: to show, in their order.
        failed: those in which the case did not end well.
        least: a span that always takes the full height, at least; in the unit of the values.

    Returns:
        Blocks; ``×`` for a run that failed, ``·`` for one that says nothing.
    """
    low = min(values.values(), default=0.0)
    span = max(max(values.values(), default=0.0) - low, abs(low) * LEAST_SPAN, least)
    return "".join(
        _block((values[run] - low) / span if span else 0.0)
        if run in values
        else FAILED
        if run in failed
        else ABSENT
        for run in runs
    )


def _block(share: float) -> str:
    return BLOCKS[min(int(share * len(BLOCKS)), len(BLOCKS) - 1)]
