"""Scenarios as data: what a host says of them, what plans are made of and reports print.

The fields are those of :func:`harness.trial.describe.describe`, which runs on the other side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.schema.records import Value

Level = Literal["quick", "usual", "full"]


@dataclass(frozen=True)
class ParameterInfo:
    """One dimension of a scenario's grid; see :class:`harness.scenario.Parameter`."""

    default: Value
    choices: tuple[Value, ...]
    quick: tuple[Value, ...]
    usual: tuple[Value, ...]
    full: tuple[Value, ...]
    axis: bool
    doc: str = ""
    beside: Mapping[str, Value] = field(default_factory=dict)

    def values(self, level: Level) -> tuple[Value, ...]:
        return {"quick": self.quick, "usual": self.usual, "full": self.full}[level]


@dataclass(frozen=True)
class StrategyInfo:
    """One way to do it."""

    name: str
    doc: str
    source: str
    group: str
    shares_memory: bool | None
    at: Mapping[str, Value]
    max_size: int | None
    names: tuple[str, ...] = ()  # of its arguments
    not_quick: tuple[str, ...] = ()  # parameters that a quick sweep does not vary for it
    published: str = ""  # where it was printed, if it is kept as published
    in_quick: bool = True
    borrowed_from: str = ""  # the scenario it is declared in, if another one
    path: str = ""  # of that scenario's module
    parameters: Mapping[str, Value] = field(default_factory=dict)  # its usual point there
    input_parameters: tuple[str, ...] = ()  # what its inputs depend on there
    on_device: bool = False  # works on an accelerator
    crosses: float = 1.0  # bytes between host and device, as a multiple of the inputs'


@dataclass(frozen=True)
class VariantInfo:
    """Environment variables under which some strategies run once more."""

    name: str
    env: Mapping[str, str]
    strategies: tuple[str, ...]
    doc: str


@dataclass(frozen=True)
class ScenarioInfo:
    """One question, with every way to answer it."""

    name: str
    path: str
    question: str
    baseline: str
    probe: bool
    parameters: Mapping[str, ParameterInfo]
    strategies: tuple[StrategyInfo, ...]
    variants: tuple[VariantInfo, ...]
    input_parameters: tuple[str, ...]
    epochs: bool = False  # strategies make loaders, which trials drive epoch by epoch
    weighs: Literal["time", "memory"] = "time"
    trains: bool = False  # a training step is taken on every batch
    step_parameters: tuple[str, ...] = ()  # what that step depends on
    watched: bool = False  # memory over the epoch, even without workers
    borrows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    transfers: Literal["", "to", "from"] = ""  # moves its data to an accelerator, or back
    groups: Mapping[str, str] = field(default_factory=dict)  # what choosing among each means
    possible: Mapping[str, str] = field(default_factory=dict)  # with a group, up to some size

    def meaning(self, group: str) -> str:
        """When to choose among the strategies of a group, as the beginning of a sentence."""
        return self.groups.get(group, f"among {group}" if group else "of all")

    def strategy(self, name: str) -> StrategyInfo:
        return next(strategy for strategy in self.strategies if strategy.name == name)
