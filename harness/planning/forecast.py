"""Which planned cases can be run here: what their scenario says, and what memory allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.planning.plan import Request
from harness.schema.description import ScenarioInfo
from harness.schema.records import PlannedCase
from harness.units import format_size

PROCESS_BYTES = 400 * 1024**2
"""What a trial needs beside its data: Python, NumPy, torch, and the check's temporaries."""
FREE_SHARE = 0.9
"""How much of the free memory a forecast may claim."""
UNKNOWN_COPIES = 2.0


@dataclass(frozen=True)
class Facts:
    """What a host said of a case: its scenario's code decides, not the plan."""

    skip: str
    copies: float | None = None
    tree: bool = False
    size_dependent: bool = False
    on_device: bool = False


def complete(
    planned: Sequence[PlannedCase],
    facts: Sequence[Facts],
    infos: Sequence[ScenarioInfo],
    request: Request,
    free_bytes: int,
) -> list[PlannedCase]:
    """Add each case's cost model and memory forecast, and say which will be skipped and why."""
    by_name = {info.name: info for info in infos}
    return [
        _complete(case, fact, by_name[case.case.scenario], request, free_bytes)
        for case, fact in zip(planned, facts, strict=True)
    ]


def _complete(
    planned: PlannedCase, facts: Facts, info: ScenarioInfo, request: Request, free_bytes: int
) -> PlannedCase:
    parameters = planned.case.parameters
    if info.borrows:
        budget_bytes = int(parameters["budget_bytes"])
        size_bytes = round(budget_bytes / (1 + (facts.copies or 0)))  # about what will be tried
        forecast = PROCESS_BYTES + budget_bytes
    else:
        size = parameters.get("size", 0)
        size_bytes = size if isinstance(size, int) else 0
        forecast = forecast_bytes(size_bytes, facts.copies)
    limit = info.strategy(planned.case.strategy).max_size
    skip = facts.skip
    if not skip and limit and size_bytes > limit and not _asked_for(planned, info, request):
        option = "naming it" if info.borrows else "--size"
        skip = (
            f"not worth the time above {format_size(limit)}; use {option} or --full to measure it"
        )
    if not skip:
        skip = too_big(forecast, free_bytes)
    return replace(
        planned,
        forecast_bytes=forecast,
        expected_copies=facts.copies,
        skip=skip,
        tree=facts.tree and not info.borrows,
        size_dependent=facts.size_dependent,
        on_device=facts.on_device and not info.borrows,
    )


def forecast_bytes(size_bytes: int, copies: float | None) -> int:
    """Memory that a trial's process is expected to need at its peak."""
    multiple = 1 + (UNKNOWN_COPIES if copies is None else copies)
    return PROCESS_BYTES + round(size_bytes * multiple)


def _asked_for(planned: PlannedCase, info: ScenarioInfo, request: Request) -> bool:
    """Whether a size above what is worth the time was meant."""
    if info.borrows and f"{info.name}/{planned.case.strategy}" in request.targets:
        return True
    return "size" in request.overrides or bool(request.file) or request.level == "full"


def too_big(forecast_bytes: int, free_bytes: int) -> str:
    """Why a case cannot be run in the memory there is; empty when it can."""
    if forecast_bytes <= free_bytes * FREE_SHARE:
        return ""
    return f"needs about {format_size(forecast_bytes)}, but only {format_size(free_bytes)} is free"
