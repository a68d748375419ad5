"""What of a scenario's cases one table can compare, and what was varied beside it.

The *main* cases are those on the default host with every parameter but the size at its usual
value: the strategy's own, else the scenario's default, else one that was measured. All others
vary a parameter or the host, and are compared with the main case they depart from. An axis
beside the size has one usual value for all strategies, or they could not be compared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.cases.summary import CaseSummary
from harness.planning.case_text import setting_value
from harness.planning.usual import ParameterPoint, reference_size, usual_values
from harness.schema.description import ScenarioInfo
from harness.schema.records import DEFAULT_HOST, Value
from harness.schema.values import value_text
from harness.units import format_size

BUDGET = "budget_bytes"
"""The parameter that a search under a limit is about."""
Weighs = Literal["time", "memory", "size"]


@dataclass(frozen=True)
class Sweep:
    """The cases of one scenario."""

    info: ScenarioInfo
    main: tuple[CaseSummary, ...]
    others: tuple[CaseSummary, ...]
    sizes: tuple[int | None, ...]  # of the main cases, ascending; (None,) without a size
    usual: Mapping[str, ParameterPoint]  # by strategy, without the size

    @property
    def weighs(self) -> Weighs:
        """What decides between strategies."""
        return "size" if self.info.borrows else self.info.weighs

    @property
    def by_memory(self) -> bool:
        """Whether strategies are compared by the memory of their process tree."""
        return self.weighs == "memory"

    @property
    def by_size(self) -> bool:
        """Whether they are compared by the largest size that survives a limit."""
        return self.weighs == "size"

    def compared(self, row: CaseSummary) -> bool:
        """Whether a case has what its scenario compares."""
        return not math.isnan(self.weight(row))

    def weight(self, row: CaseSummary) -> float:
        """What a scenario compares, the less the better; nan where it is not known."""
        if self.by_memory:
            return row.tree_bytes if row.ok else math.nan
        if self.by_size:
            return -row.limit.survived_bytes if row.ok and row.limit else math.nan
        return row.steady.median if row.timed else math.nan

    @property
    def reference(self) -> int | None:
        """The size that a reader should see first."""
        return self.reference_of(self.main)

    def reference_of(self, rows: Sequence[CaseSummary]) -> int | None:
        """The size of some rows that a reader should see first."""
        chosen = (
            [row for row in rows if self.compared(row) and row.baseline]
            or [row for row in rows if self.compared(row)]
            or list(rows)
        )
        sizes = {row.size_bytes for row in chosen if row.size_bytes is not None}
        return reference_size(sizes) if sizes else None

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes beside the size that took several values."""
        return tuple(
            name
            for name, parameter in self.info.parameters.items()
            if parameter.axis and name != "size" and self.values(name)[1:]
        )

    def values(self, name: str) -> list[Value]:
        """The values a parameter took, in the order of the plan."""
        rows = (*self.main, *self.others)
        return list(dict.fromkeys(row.parameters[name] for row in rows if name in row.parameters))

    @property
    def place(self) -> str:
        """Where the main cases of the reference size stand: ``at 64 MiB``; "" with no choice."""
        usual = self.usual.get(self.info.baseline, {})
        if self.by_size:
            return f"within {value_text(BUDGET, usual[BUDGET])}" if BUDGET in usual else ""
        size = self.reference
        parts = [] if size is None else [f"at {format_size(size)}"]
        parts += [
            f"with {name} {value_text(name, usual[name])}" for name in self.axes if name in usual
        ]
        return " ".join(parts)

    def at(self, size: int | None) -> list[CaseSummary]:
        """The main cases of one size, one per strategy."""
        return [row for row in self.main if row.size_bytes == size]

    def of(self, strategy: str) -> list[CaseSummary]:
        """The main cases of one strategy, by size."""
        rows = [row for row in self.main if row.strategy == strategy]
        return sorted(rows, key=lambda row: row.size_bytes or 0)

    def baseline_at(self, size: int | None) -> CaseSummary | None:
        """The baseline's main case of one size."""
        return next((row for row in self.at(size) if row.baseline), None)

    def varying(self, name: str) -> tuple[CaseSummary, ...]:
        """The cases between which one parameter makes the difference, on the default host.

        All others stand at their usual values, or at those that the parameter wants beside it.
        Rows of every size, in the order of the plan; a strategy's main case is among them unless
        something stands beside.
        """
        beside = self.info.parameters[name].beside
        rows = [
            row
            for row in (*self.main, *self.others)
            if row.host == DEFAULT_HOST and name in row.parameters
        ]
        found: list[CaseSummary] = []
        for strategy, usual in self.usual.items():
            own = [row for row in rows if row.strategy == strategy]
            for base in ({**usual, **beside}, usual):
                chosen = [row for row in own if _differs_in(row, base) <= {name}]
                if chosen:
                    found += chosen
                    break
        return tuple(found)

    def variation(self, name: str, strategy: str = "") -> tuple[CaseSummary, ...]:
        """The same for one size, the reference where it was varied there.

        Empty unless a strategy beside the baseline took several values: the baseline is measured
        wherever another strategy is, and that alone is no variation.

        Args:
            name: the parameter.
            strategy: only this one, even if it is the baseline.
        """
        if name not in self.info.parameters:
            return ()
        rows = [row for row in self.varying(name) if strategy in ("", row.strategy)]
        taken: dict[str, set[Value]] = {}
        for row in rows:
            taken.setdefault(row.strategy, set()).add(row.parameters[name])
        varied = {strategy for strategy, values in taken.items() if len(values) > 1}
        if not varied - ({self.info.baseline} - {strategy}):
            return ()
        departing = [
            row
            for row in rows
            if row.strategy in varied and row.parameters[name] != self.usual[row.strategy][name]
        ]
        size = self.reference_of(departing)
        return tuple(row for row in rows if row.size_bytes == size)


def _differs_in(row: CaseSummary, base: ParameterPoint) -> set[str]:
    return {name for name, value in row.parameters.items() if base.get(name) != value}


def sweep(info: ScenarioInfo, rows: Sequence[CaseSummary]) -> Sweep:
    """Split the rows of a scenario; those of others are left out."""
    own = [row for row in rows if row.scenario == info.name]
    usual = usual_values(info, [(row.strategy, row.parameters) for row in own])
    main = [
        row
        for row in own
        if row.host == DEFAULT_HOST and dict(row.parameters) == usual.get(row.strategy)
    ]
    chosen = set(map(id, main))
    sizes = {row.size_bytes for row in main}
    return Sweep(
        info,
        tuple(main),
        tuple(row for row in own if id(row) not in chosen),
        tuple(sorted(sizes, key=lambda size: size or 0)),
        usual,
    )


def setting(row: CaseSummary, info: ScenarioInfo) -> str:
    """How a case departs from the scenario's defaults: ``dtype=float64``; "" when it does not."""
    return ", ".join(
        f"{name}={setting_value(name, value)}"
        for name, value in row.parameters.items()
        if name in info.parameters and value != info.parameters[name].default
    )
