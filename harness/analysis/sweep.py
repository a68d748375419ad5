"""What of a scenario's cases one table can compare, and what was varied beside it.

The *main* cases are those on the default host with every parameter but the size at its usual
value: the strategy's own, else the scenario's default, else the first that was asked for. All
others vary a parameter or the host, and are compared with the main case they depart from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.rows import CaseRow
from harness.description import ScenarioInfo, StrategyInfo
from harness.model import DEFAULT_HOST, Value

REFERENCE_BYTES = 64 * 1024**2
"""Verdicts are given at the largest size up to this one: beyond the caches, yet soon measured."""


@dataclass(frozen=True)
class Sweep:
    """The cases of one scenario."""

    info: ScenarioInfo
    main: tuple[CaseRow, ...]
    others: tuple[CaseRow, ...]
    sizes: tuple[int | None, ...]  # of the main cases, ascending; (None,) without a size

    @property
    def reference(self) -> int | None:
        """The size that a reader should see first."""
        rows = (
            [row for row in self.main if row.timed and row.baseline]
            or [row for row in self.main if row.timed]
            or list(self.main)
        )
        sizes = sorted({row.size_bytes for row in rows if row.size_bytes is not None})
        if not sizes:
            return None
        return max((size for size in sizes if size <= REFERENCE_BYTES), default=sizes[0])

    def at(self, size: int | None) -> list[CaseRow]:
        """The main cases of one size, one per strategy."""
        return [row for row in self.main if row.size_bytes == size]

    def of(self, strategy: str) -> list[CaseRow]:
        """The main cases of one strategy, by size."""
        rows = [row for row in self.main if row.strategy == strategy]
        return sorted(rows, key=lambda row: row.size_bytes or 0)

    def baseline_at(self, size: int | None) -> CaseRow | None:
        """The baseline's main case of one size."""
        return next((row for row in self.at(size) if row.baseline), None)


def sweep(info: ScenarioInfo, rows: Sequence[CaseRow]) -> Sweep:
    """Split the rows of a scenario; those of others are left out."""
    own = [row for row in rows if row.scenario == info.name]
    usual = {
        strategy.name: _usual_values(
            info, strategy, [row for row in own if row.strategy == strategy.name]
        )
        for strategy in info.strategies
    }
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
    )


def _usual_values(
    info: ScenarioInfo, strategy: StrategyInfo, rows: Sequence[CaseRow]
) -> dict[str, Value]:
    usual = {}
    for name, parameter in info.parameters.items():
        values = [row.parameters[name] for row in rows if name in row.parameters]
        if values:
            preferred = strategy.at.get(name, parameter.default)
            usual[name] = preferred if preferred in values else values[0]
    return usual


def setting(row: CaseRow, info: ScenarioInfo) -> str:
    """How a case departs from the scenario's defaults: ``dtype=float64``; "" when it does not."""
    return ", ".join(
        f"{name}={value}"
        for name, value in row.parameters.items()
        if name in info.parameters and value != info.parameters[name].default
    )
