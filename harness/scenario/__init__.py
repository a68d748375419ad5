"""What the author of a scenario writes with."""

from __future__ import annotations

from harness.scenario.declaration import KIB, MIB, PAGE_CACHE, SIZES, Parameter, Scenario

__all__ = ["KIB", "MIB", "PAGE_CACHE", "SIZES", "Parameter", "Scenario"]
