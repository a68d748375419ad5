"""The table of memory_profiler, as its users have it: resident memory after each line."""

from __future__ import annotations

import contextlib
import importlib
import io
from importlib.util import find_spec
from typing import Any

from harness.schema.profile import SampledLine
from harness.schema.records import Outcome
from harness.trial.profiling.outcome import outcome_of
from harness.trial.profiling.target import Target

MISSING = "memory_profiler is not installed: pip install memory-profiler"
_UNIT_BYTES = 1024**2  # it counts in MiB


def by_memory_profiler(target: Target) -> tuple[tuple[SampledLine, ...], Outcome, str]:
    """Its table of the function, the outcome, and why there is no table; empty where there is."""
    if find_spec("memory_profiler") is None:
        return (), Outcome("ok"), MISSING
    tool: Any = importlib.import_module("memory_profiler")
    profiler = tool.LineProfiler(backend="psutil")
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        profiler.add_function(target.own)
    if not profiler.code_map:
        why = " ".join(said.getvalue().split())
        return (), Outcome("ok"), f"memory_profiler: it found no source{f' ({why})' if why else ''}"

    def watched(call: Any) -> Any:
        profiler.enable_by_count()
        try:
            return call()
        finally:
            profiler.disable_by_count()

    outcome = outcome_of(target, watched)
    table = tuple(
        SampledLine(str(file), line, seen[0] * _UNIT_BYTES, seen[2])
        for file, lines in profiler.code_map.items()
        for line, seen in lines
        if seen is not None
    )
    return table, outcome, ""
