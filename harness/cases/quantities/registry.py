"""All quantities, in the order of the columns of a frame and of an export."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.cases.quantities.cases import CASES
from harness.cases.quantities.devices import DEVICES
from harness.cases.quantities.limits import LIMITS
from harness.cases.quantities.loaders import CACHE, LOADING, TRAINING, TREE
from harness.cases.quantities.quantity import Quantity
from harness.cases.summary import CaseSummary

SECTIONS: Mapping[str, tuple[Quantity, ...]] = {
    "Every case": CASES,
    "Loaders": LOADING,
    "Process trees": TREE,
    "Training": TRAINING,
    "The page cache": CACHE,
    "Searches under a limit, and failures": LIMITS,
    "Accelerators": DEVICES,
}
"""By what they are about."""
QUANTITIES = tuple(one for section in SECTIONS.values() for one in section)
CASE_COLUMNS = tuple(one.name for one in QUANTITIES)
"""Columns of every case; a scenario's own parameters follow them."""


def columns(case: CaseSummary) -> dict[str, Any]:
    """A case as one row of a frame."""
    row = {one.name: one.of(case) for one in QUANTITIES}
    return row | {name: value for name, value in case.parameters.items() if name not in row}
