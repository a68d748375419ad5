"""Which strategy to use, in sentences that the cases of a run bear out and nothing else.

Strategies of one group make the same promise, so only they compete; a strategy wins when its
interval clears that of every other by more than the harness itself is accurate to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.analysis.failed import as_published, not_usable, nothing_measured
from harness.analysis.ranking import Ranking, rankings
from harness.analysis.sweep import Sweep
from harness.analysis.verdict_limit import size_sentences
from harness.analysis.verdict_memory import memory_sentences
from harness.analysis.verdict_time import time_sentences
from harness.cases.summary import CaseSummary


@dataclass(frozen=True)
class Verdict:
    """The answer to a scenario's question. Names of strategies stand in backticks."""

    sentences: tuple[str, ...]
    size_bytes: int | None
    place: str  # ``at 64 MiB``: where the contests were held; "" where there is no choice
    rankings: tuple[Ranking, ...]

    @property
    def text(self) -> str:
        return " ".join(self.sentences)


def verdict(sweep: Sweep) -> Verdict:
    """Answer a scenario's question at its reference size."""
    size, place = sweep.reference, sweep.place
    rows = [row for row in sweep.at(size) if sweep.compared(row)]
    if not rows:
        return Verdict((nothing_measured(sweep),), size, place, ())
    found = rankings(sweep, rows)
    sentences = [
        *_told(sweep, rows, found),
        not_usable(sweep, sweep.at(size)),
        *(() if sweep.by_size else as_published(sweep)),
    ]
    return Verdict(tuple(_sentence(text) for text in sentences if text), size, place, found)


def _told(sweep: Sweep, rows: Sequence[CaseSummary], found: Sequence[Ranking]) -> Iterator[str]:
    """What is said by what decides in a scenario."""
    if sweep.by_memory:
        return memory_sentences(sweep, rows, found)
    if sweep.by_size:
        return size_sentences(sweep, rows, found)
    return time_sentences(sweep, rows, found)


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text[0].upper()}{text[1:]}."
