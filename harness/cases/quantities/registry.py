"""All quantities, in the order of the columns of a frame and of an export."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.cases.quantities.cases import CASES
from harness.cases.quantities.devices import DEVICES
from harness.cases.quantities.limits import LIMITS
from harness.cases.quantities.loaders import CACHE, LOADING, TRAINING, TREE
from harness.cases.quantities.quantity import Quantity
from harness.cases.quantities.ranks import RANKS
from harness.cases.summary import CaseSummary

SECTIONS: Mapping[str, tuple[Quantity, ...]] = {
    "Every case": CASES,
    "Loaders": LOADING,
    "Process trees": TREE,
    "Training": TRAINING,
    "The page cache": CACHE,
    "Searches under a limit, and failures": LIMITS,
    "Accelerators": DEVICES,
    "Ranks": RANKS,
}
"""By what they are about."""
QUANTITIES = tuple(one for section in SECTIONS.values() for one in section)
CASE_COLUMNS = tuple(one.name for one in QUANTITIES)
"""Columns of every case; a scenario's own parameters follow them."""


NOT_STATED = frozenset(
    {
        "threads", "trials", "coverage", "steady_low_s", "steady_high_s", "ratio_low", "ratio_high",
        "result", "result_bytes", "warnings", "reaped",
    }
)  # fmt: skip
"""What no other program says of a case, so that even nothing would be invented."""


def columns(case: CaseSummary) -> dict[str, Any]:
    """A case as one row of a frame: its quantities, what another program stated, its parameters.

    A parameter that is called like a column gets one named as pytest-benchmark's CSV names it.
    """
    row = {one.name: one.of(case) for one in QUANTITIES}
    if case.stated:
        row |= dict.fromkeys(NOT_STATED)
        row |= {name: value for name, value in case.stated.items() if name not in row}
    for name, value in case.parameters.items():
        if row.setdefault(name, value) != value:
            row[f"param:{name}"] = value
    return row
