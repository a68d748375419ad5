"""Every allocation, by memray: written to a file, of which it makes a flame graph elsewhere."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any

from harness.schema.records import Outcome
from harness.trial.base.outcomes import one_line
from harness.trial.profiling.outcome import outcome_of
from harness.trial.profiling.target import Target

MISSING = "memray is not installed: pip install memray"


def by_memray(target: Target, output: str) -> tuple[Outcome, str]:
    """Have it watch the call; returns the outcome, and why it could not; empty where it did."""
    if find_spec("memray") is None:
        return Outcome("ok"), MISSING
    try:
        tool: Any = importlib.import_module("memray")
        tracker = tool.Tracker(output, native_traces=True)
    except Exception as error:  # noqa: BLE001 — a system that it does not know
        return Outcome("ok"), f"memray: {one_line(f'{type(error).__name__}: {error}')}"

    def watched(call: Any) -> Any:
        with tracker:
            return call()

    return outcome_of(target, watched), ""
