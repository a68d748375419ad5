"""What the author of a scenario writes with."""

from __future__ import annotations

from harness.scenario.declaration import PAGE_CACHE, SIZES, Scenario
from harness.schema.description import Parameter
from harness.units import KIB, MIB

__all__ = ["KIB", "MIB", "PAGE_CACHE", "SIZES", "Parameter", "Scenario"]
