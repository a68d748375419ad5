"""One figure of the harness's benchmark, and whether it meets its target."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Literal

Statistic = Literal["median", "max"]


@dataclass(frozen=True)
class BenchResult:
    """One thing measured several times, with the value it is to stay below or above."""

    name: str
    unit: str
    values: tuple[float, ...]
    target: float | None = None
    at_least: bool = False  # the target is a lower bound
    judged: Statistic = "median"

    @property
    def judged_value(self) -> float:
        return statistics.median(self.values) if self.judged == "median" else max(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is None:
            return None
        return (
            self.judged_value >= self.target if self.at_least else self.judged_value <= self.target
        )

    def row(self) -> tuple[str, ...]:
        sign = "≥" if self.at_least else "≤"
        target = "" if self.target is None else f"{self.judged} {sign} {self.target:g}"
        verdict = {None: "", True: "[green]met[/]", False: "[red]missed[/]"}[self.met]
        spread = (statistics.median(self.values), min(self.values), max(self.values))
        numbers = (f"{value:.3g}" for value in spread)
        return (self.name, self.unit, str(len(self.values)), *numbers, target, verdict)
