"""What a trial counts rather than times: memory, page faults.

Most of it hardly varies from process to process, and then little is enough to call a change. Some
does, by the luck of where an allocator finds room: a loader's batches may take twice the memory in
every second process. So every trial's reading counts; :mod:`harness.comparison.counted`
says what is concluded from them. Quantities without a tolerance are shown for information, and
never called a change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness.cases.quantities.quantity import Compared, Quantity
from harness.cases.quantities.registry import QUANTITIES
from harness.comparison.sides import MeasuredCase
from harness.comparison.tolerance import Tolerance
from harness.schema.records import Trial, TrialKind
from harness.units import format_size

PAGE_BYTES = 4096


@dataclass(frozen=True)
class Scale:
    """By what a case's amounts are judged, besides themselves.

    Args:
        payload_bytes: of its inputs.
        grain_bytes: what memory comes in where Python's small objects took any: an arena.
    """

    payload_bytes: int = 0
    grain_bytes: int = 0

    @classmethod
    def of(cls, cases: Iterable[MeasuredCase]) -> Scale:
        """The largest of them all."""
        trials = [trial for case in cases for trial in case.trials]
        return widest(
            cls(trial.payload_bytes, trial.ledger.arena_bytes if trial.ledger else 0)
            for trial in trials
        )


def widest(scales: Iterable[Scale]) -> Scale:
    """The largest of each."""
    known = [Scale(), *scales]
    return Scale(max(s.payload_bytes for s in known), max(s.grain_bytes for s in known))


@dataclass(frozen=True)
class Amount:
    """One thing that is counted: a quantity of the registry, as two runs are compared by it."""

    quantity: Quantity
    compared: Compared

    @property
    def name(self) -> str:
        """As reports call it."""
        return self.compared.label

    @property
    def unit(self) -> str:
        """Bytes, or what else is counted."""
        return self.quantity.unit

    @property
    def informs(self) -> bool:
        """Whether it is shown for information alone, and never judged."""
        return not self.compared.tolerance

    @property
    def of_ledger(self) -> bool:
        """Whether it is read off a ledger, whose figures may not be known."""
        return self.compared.of_ledger

    @property
    def stray(self) -> float:
        """A difference that is always none."""
        return self.compared.stray

    def read(self, trial: Trial) -> float | None:
        """The reading of a trial; None where it has none."""
        read: Any = self.compared.read or self.quantity.read
        value: float | None = read(trial)
        return value

    def of(self, case: MeasuredCase) -> tuple[float, ...]:
        """A case's readings, ascending."""
        trials = self.compared.trials(case.trials)
        readings = (self.read(trial) for trial in trials if trial.outcome.ok)
        return tuple(sorted(value for value in readings if value is not None))

    def differences(self, base: MeasuredCase, candidate: MeasuredCase) -> list[float]:
        """What the candidate has more than the base, in trials of one kind and round."""
        return list(self.differences_by_trial(base, candidate).values())

    def differences_by_trial(
        self, base: MeasuredCase, candidate: MeasuredCase
    ) -> dict[tuple[TrialKind, int], float]:
        """The same, by the kind and the round of the trials."""
        then, now = (
            {
                (t.kind, t.round): self.read(t)
                for t in self.compared.trials(case.trials)
                if t.outcome.ok
            }
            for case in (base, candidate)
        )
        return {
            key: mine - theirs
            for key in sorted(then.keys() & now.keys())
            if (mine := now[key]) is not None and (theirs := then[key]) is not None
        }

    def text(self, value: float) -> str:
        """A reading, or a difference, as people write it."""
        if self.unit == "bytes":
            return format_size(value)
        if self.unit:
            return f"{value:,.0f} {self.unit}"
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # often a part of one

    def allowed(self, base: float, scale: Scale, tolerance: Tolerance) -> float:
        """How far the candidate may be from the base."""
        share: float = getattr(tolerance, self.compared.tolerance)
        if self.unit == "bytes":
            return scale.grain_bytes + max(self.stray, share * max(base, scale.payload_bytes))
        return scale.grain_bytes / PAGE_BYTES + max(self.stray, share * base)


def _amounts() -> tuple[Amount, ...]:
    found = [Amount(one, one.compared) for one in QUANTITIES if one.compared]
    return tuple(sorted(found, key=lambda amount: amount.unit != "bytes"))


AMOUNTS = _amounts()
"""Memory first, then what is counted otherwise."""
