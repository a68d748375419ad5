"""The two sides of an A/B run beside each other, case by case, as ``compare`` judges them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.cases.quantities.registry import QUANTITIES
from harness.comparison.as_text import headline, ratio_text, remarks
from harness.comparison.sides import match, sides_within, tolerance_of
from harness.comparison.suite import Rules, compare
from harness.comparison.times import TIME
from harness.comparison.verdicts import CaseVerdict, Finding, RunComparison
from harness.journal.lines import Run
from harness.units import MISSING, format_seconds, format_size

_PEAK = next(
    one.compared.label for one in QUANTITIES if one.name == "peak_extra_bytes" and one.compared
)


@dataclass(frozen=True)
class SideLine:
    """One case on both sides."""

    case: str
    verdict: str
    base_time: str
    candidate_time: str
    ratio: str  # of the times, with its interval
    base_memory: str
    candidate_memory: str
    why: str


@dataclass(frozen=True)
class SideBySide:
    """Both sides of a run."""

    base: str
    candidate: str
    headline: str
    remarks: tuple[str, ...]
    lines: tuple[SideLine, ...]

    @property
    def title(self) -> str:
        return f"{self.base} against {self.candidate}"


def judged(run: Run) -> RunComparison:
    """The comparison of an A/B run's sides, by the tolerance that it was measured with."""
    return compare(match(*sides_within(run)), Rules(tolerance_of(run), interleaved=True))


def side_by_side(run: Run) -> SideBySide | None:
    """The sides of a run; None of one that has none."""
    sides = run.header.plan.sides
    if sides is None:
        return None
    found = judged(run)
    return SideBySide(
        sides.base_label,
        sides.candidate_label,
        headline(found),
        tuple(remarks(found)),
        tuple(map(_line, found.cases)),
    )


def _line(case: CaseVerdict) -> SideLine:
    time, memory = (
        next((one for one in case.findings if one.what == what), None) for what in (TIME, _PEAK)
    )
    return SideLine(
        case.key,
        case.word,
        *_ends(time, format_seconds),
        (ratio_text(time) if time else "") or MISSING,
        *_ends(memory, format_size),
        case.decisive.reason,
    )


def _ends(finding: Finding | None, write: Callable[[float], str]) -> tuple[str, str]:
    """What was found on either side."""
    values = (finding.base, finding.candidate) if finding else (None, None)
    base, candidate = (MISSING if value is None else write(value) for value in values)
    return base, candidate
