"""Trials that take the time and memory that a model says, by a clock that they move on."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.advising.bench import Reading
from harness.advising.data import Data
from harness.advising.tasks import TASKS, Task
from harness.schema.records import Outcome, TrialKind

Model = Callable[[int], float]
"""Seconds of an epoch, by bytes."""


@dataclass
class SimulatedBench:
    """Answers as a bench would.

    Args:
        models: what each strategy takes.
        data: the user's.
        noise: standard deviation of a process's logarithm of time.
        extra: copies of the data that each needs.
        failing: what some say instead.
    """

    models: Mapping[str, Model]
    data: Data
    left_s: float = 30.0
    noise: float = 0.0
    extra: Mapping[str, float] = field(default_factory=dict)
    failing: Mapping[str, Outcome] = field(default_factory=dict)
    task: Task = TASKS["to-loader"]
    ran: list[tuple[str, int, TrialKind]] = field(default_factory=list)
    seed: int = 0

    def __post_init__(self) -> None:
        self._draw = random.Random(self.seed)

    def run(
        self,
        strategy: str,
        size_bytes: int,
        kind: TrialKind,
        round_: int = 0,
        *,
        checked: bool = False,
    ) -> Reading:
        self.ran.append((strategy, size_bytes, kind))
        if strategy in self.failing:
            return Reading(size_bytes, self.failing[strategy])
        took_s = self.models[strategy](size_bytes) * math.exp(self._draw.gauss(0, self.noise))
        wall_s = 0.06 + 3 * took_s
        self.left_s -= wall_s
        extra_bytes = round(self.extra.get(strategy, 0) * size_bytes)
        outcome = Outcome("ok")
        time_s = took_s if kind == "time" else None
        return Reading(size_bytes, outcome, time_s, took_s, extra_bytes, wall_s=wall_s)


def as_bench(bench: SimulatedBench) -> Any:
    """In place of a real one."""
    return bench
