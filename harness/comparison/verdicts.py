"""The words of a comparison: of one finding, of a case, of the suite."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from harness.comparison.sides import Match
from harness.comparison.tolerance import Tolerance
from harness.errors import EXIT_NOT_JUDGED, EXIT_OK, EXIT_WORSE

Word = Literal[
    "broken", "heavier", "slower", "suspect", "not comparable", "inconclusive", "not measured",
    "not judged", "advisory", "mended", "lighter", "faster", "same", "skipped",
]  # fmt: skip
WORDS: tuple[Word, ...] = Word.__args__  # type: ignore[attr-defined]
"""In the order in which they weigh: the first of a case's findings is the case's."""
_WEIGHTS = {word: weight for weight, word in enumerate(WORDS)}
WORSE: tuple[Word, ...] = ("broken", "heavier", "slower")
BETTER: tuple[Word, ...] = ("mended", "lighter", "faster")
UNDECIDED: tuple[Word, ...] = (
    "suspect", "not comparable", "inconclusive", "not measured", "not judged", "advisory",
)  # fmt: skip
JUDGED: tuple[Word, ...] = (*WORSE, *BETTER, "same")
SuiteWord = Literal["worse", "undecided", "inconclusive", "nothing was judged", "nothing worse"]


@dataclass(frozen=True)
class Finding:
    """What was found of one thing in one case. Times are seconds, memory bytes."""

    what: str  # time, outcome, memory at the peak …
    word: Word
    reason: str
    base: float | None = None
    candidate: float | None = None
    ratio: float | None = None
    low: float | None = None  # of the ratio's interval
    high: float | None = None
    gates: bool = True  # False: advisory, it says so and no more
    informs: bool = False  # shown beside what was found of its case, and never judged
    further: int | None = None  # readings of the candidate that would decide what is suspect

    @property
    def unjudged(self) -> bool:
        """Whether there is a ratio that is worth a look, and no interval to judge it by."""
        return self.word == "inconclusive" and self.ratio is not None and self.low is None


@dataclass(frozen=True)
class CaseVerdict:
    """One case and everything that was found of it."""

    key: str
    findings: tuple[Finding, ...]

    @cached_property
    def decisive(self) -> Finding:
        """The finding that weighs most among those that gate, of which there is one at least."""
        gating = [finding for finding in self.findings if finding.gates]
        return min(gating, key=lambda finding: _WEIGHTS[finding.word])

    @property
    def word(self) -> Word:
        return self.decisive.word

    @property
    def judged(self) -> bool:
        """Whether it was found to be better, worse or the same, with nothing left undecided."""
        return self.word in JUDGED

    @property
    def shown(self) -> Finding:
        """The one that a report shows: what is only advisory, where nothing weighs more."""
        quiet = self.word in ("same", "advisory")
        return self.advisory[0] if quiet and self.advisory else self.decisive

    @property
    def information(self) -> tuple[Finding, ...]:
        """What differs and is not judged, but may say why something else differs."""
        return tuple(one for one in self.findings if one.informs)

    @property
    def advisory(self) -> tuple[Finding, ...]:
        """What would be worse if it could be trusted, or differs too much to be passed over."""
        return tuple(
            one for one in self.findings if not one.gates and (one.word in WORSE or one.unjudged)
        )


@dataclass(frozen=True)
class RunComparison:
    """A suite: every case, and the verdict on all of them together.

    Args:
        match: the two sides.
        tolerance: what is no difference.
        cases: in the base's order, then those that only the candidate has.
        why_not_time: why time is advisory here; "" where it gates.
        strict: what could not be decided counts as well.
        interleaved: both sides were measured in one run, in pairs.
    """

    match: Match
    tolerance: Tolerance
    cases: tuple[CaseVerdict, ...]
    why_not_time: str
    strict: bool = False
    interleaved: bool = False

    def of(self, *words: Word) -> list[CaseVerdict]:
        """The cases of these words."""
        return [case for case in self.cases if case.word in words]

    @property
    def to_measure_again(self) -> list[CaseVerdict]:
        """The suspect cases that more readings of the candidate can decide."""
        return [
            case
            for case in self.of("suspect")
            if any(finding.further is not None for finding in case.findings)
        ]

    @property
    def word(self) -> SuiteWord:
        if self.of(*WORSE):
            return "worse"
        if self.of("suspect"):
            return "undecided"
        if not any(case.judged for case in self.cases):
            return "nothing was judged"
        return "inconclusive" if self.strict and self.of(*UNDECIDED) else "nothing worse"

    @property
    def exit_code(self) -> int:
        codes: dict[SuiteWord, int] = {
            "worse": EXIT_WORSE,
            "undecided": EXIT_NOT_JUDGED,
            "inconclusive": EXIT_WORSE,
            "nothing was judged": EXIT_NOT_JUDGED,
            "nothing worse": EXIT_OK,
        }
        code = codes[self.word]
        return EXIT_WORSE if code and self.strict else code
