"""A calibration that was read, and whether it speaks for two runs.

It informs, and decides nothing: on a machine that later drifts more than it did then, identical
code would be called slower in every second or third suite, and nothing tells beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

from harness.comparison.calibration.alarms import Alarms, false_alarms
from harness.comparison.calibration.drift import CaseRuns, runs_of
from harness.comparison.sides import Match, differences
from harness.errors import UsageError
from harness.journal.lines import Run
from harness.journal.read import read_journal
from harness.stats.two_level import Drift

PATTERN = "calibration-*.jsonl"
FRESH = timedelta(hours=2)
"""How far a run may be from a calibration that speaks for it: drift grows with time."""


@dataclass(frozen=True)
class Calibration:
    """What identical code came to on a machine.

    Args:
        run: its journal.
        cases: in each of its runs.
        tolerance: the share of time that is no difference.
    """

    run: Run
    cases: tuple[CaseRuns, ...]
    tolerance: float

    @classmethod
    def of(cls, run: Run, tolerance: float) -> Calibration:
        """Read one off a journal.

        Raises:
            UsageError: it is none, or not whole, or no case was timed in each of its runs.
        """
        if not run.header.plan.calibration_runs:
            raise UsageError(f"{run.path} is not a calibration; make one with: ferrybench doctor "
                             "--calibrate")  # fmt: skip
        if run.ended != "complete":
            raise UsageError(f"{run.path} is incomplete; make another with: ferrybench doctor "
                             "--calibrate --force")  # fmt: skip
        cases = tuple(runs_of(run))
        if not cases:
            raise UsageError(f"{run.path}: no case was timed in every run")
        return cls(run, cases, tolerance)

    @cached_property
    def alarms(self) -> Alarms:
        return false_alarms(self.cases, self.tolerance)

    @cached_property
    def drifts(self) -> Mapping[str, Drift]:
        return {case.key: case.drift() for case in self.cases}

    def why_not(self, match: Match) -> str:
        """Why it does not speak for these runs; "" where it does."""
        for side in (match.base, match.candidate):
            other = next(differences(self.run.header.environment, side.environment), None)
            if other is not None:
                return f"it was made under other conditions ({other.text})"
            if not side.created:
                return f"it is not known when {side.name} was measured"
            apart = abs(_when(self.run.header.created) - _when(side.created))
            if apart > FRESH:
                hours = apart.total_seconds() / 3600
                most = FRESH.seconds // 3600
                return f"it was made {hours:.0f} hours from {side.name}; at most {most} are allowed"
        if not self.drifts.keys() & set(match.common):
            return "it contains none of these cases"
        return ""

    @property
    def said(self) -> str:
        """``0 of 56 comparisons``."""
        return f"{self.alarms.false} of {self.alarms.comparisons} comparisons"


def _when(created: str) -> datetime:
    return datetime.fromisoformat(created).astimezone()


def found_beside(paths: Sequence[Path]) -> Iterator[Path]:
    """Calibrations in these folders, the latest first."""
    folders = dict.fromkeys(path.resolve() for path in paths if path.is_dir())
    files = [file for folder in folders for file in folder.glob(PATTERN)]
    yield from sorted(files, key=lambda file: file.name, reverse=True)


def latest_for(
    match: Match, folders: Sequence[Path], tolerance: float
) -> tuple[Calibration | None, str]:
    """The latest calibration that speaks for these runs; else why the latest of all does not.

    None and "" where there is no calibration.
    """
    reasons = []
    for path in found_beside(folders):
        try:
            found = Calibration.of(read_journal(path), tolerance)
        except UsageError as error:
            reasons.append(str(error))
            continue
        why = found.why_not(match)
        if not why:
            return found, ""
        reasons.append(f"{path}: {why}")
    return None, reasons[0] if reasons else ""
