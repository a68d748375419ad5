"""Scenarios as data: what a host says of them, what plans are made of and reports print.

What a scenario's author declares is stated here and nowhere else, as far as it is plain data;
:mod:`harness.scenario.declaration` adds the functions, which stay on their side of the process
boundary, and :mod:`harness.trial.describe` what can be said of those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.schema.records import Value

Level = Literal["quick", "usual", "full"]
LEVELS: tuple[Level, ...] = ("quick", "usual", "full")
Weight = Literal["time", "memory"]
Direction = Literal["", "to", "from"]


@dataclass(frozen=True)
class Parameter:
    """One dimension of the grid.

    Args:
        default: the value while other parameters vary.
        choices: the allowed values; if empty, any value of the default's type.
        quick, usual, full: the values in each sweep; if empty, only the default.
        axis: cross it with every other axis. Other parameters vary one at a time, for the
            strategies they affect: those that name them, or whose inputs depend on them.
        beside: values that other parameters take while this one varies. For a strategy that does
            not name them, this one does not vary either.
        doc: one line for ``ferrybench list``.
    """

    default: Value
    choices: tuple[Value, ...] = ()
    quick: tuple[Value, ...] = ()
    usual: tuple[Value, ...] = ()
    full: tuple[Value, ...] = ()
    axis: bool = False
    beside: Mapping[str, Value] = field(default_factory=dict)
    doc: str = ""

    def values(self, level: Level) -> tuple[Value, ...]:
        chosen: tuple[Value, ...] = getattr(self, level)
        return chosen or (self.default,)


@dataclass(frozen=True, kw_only=True)
class DeclaredStrategy:
    """What is declared of one way to do it; see :meth:`harness.Scenario.strategy`."""

    name: str
    group: str = ""
    shares_memory: bool | None = None
    at: Mapping[str, Value] = field(default_factory=dict)
    max_size: int | None = None
    published: str = ""
    not_quick: tuple[str, ...] = ()
    in_quick: bool = True
    on_device: bool = False
    crosses: float = 1.0
    work: str = "copy"


@dataclass(frozen=True, kw_only=True)
class StrategyInfo(DeclaredStrategy):
    """One way to do it, as it is seen from outside."""

    doc: str
    source: str
    names: tuple[str, ...] = ()  # of its arguments
    borrowed_from: str = ""  # the scenario it is declared in, if another one
    path: str = ""  # of that scenario's module
    parameters: Mapping[str, Value] = field(default_factory=dict)  # its usual point there
    input_parameters: tuple[str, ...] = ()  # what its inputs depend on there


@dataclass(frozen=True)
class Variant:
    """Environment variables that are a strategy of their own: run as another host."""

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
    parameters: Mapping[str, Parameter]
    strategies: tuple[StrategyInfo, ...]
    variants: tuple[Variant, ...]
    input_parameters: tuple[str, ...]
    epochs: bool = False  # strategies make loaders, which trials drive epoch by epoch
    weighs: Weight = "time"
    trains: bool = False  # a training step is taken on every batch
    step_parameters: tuple[str, ...] = ()  # what that step depends on
    watched: bool = False  # memory over the epoch, even without workers
    borrows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    transfers: Direction = ""  # moves its data to an accelerator, or back
    groups: Mapping[str, str] = field(default_factory=dict)  # what choosing among each means
    possible: Mapping[str, str] = field(default_factory=dict)  # with a group, up to some size
    ranks: bool = False  # strategies run in processes that torchrun starts

    def meaning(self, group: str) -> str:
        """When to choose among the strategies of a group, as the beginning of a sentence."""
        return self.groups.get(group, f"among {group}" if group else "of all")

    def strategy(self, name: str) -> StrategyInfo:
        return next(strategy for strategy in self.strategies if strategy.name == name)
