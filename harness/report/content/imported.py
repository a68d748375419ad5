"""What is said of a run that ferrybench has not measured itself: one of pytest-benchmark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.cases.summary import CaseSummary
from harness.journal.lines import FORMAT, Run
from harness.report.words.text import plural


def is_foreign(run: Run) -> bool:
    """Whether another program made the file."""
    return run.header.format != FORMAT


def foreign_method(run: Run, rows: Sequence[CaseSummary]) -> Iterator[str]:
    """How the numbers came about, one sentence or two each."""
    samples = sum(len(trial.timing.samples_s) for trial in run.trials if trial.timing)
    yield (
        "**Every test was timed in the one process of its session**, one after the other: what a "
        "test finds in caches and on the heap, those before it left there. "
        f"{plural(len(rows), 'test')}, {plural(samples, 'round')} in all."
    )
    yield (
        "**Steady state** is the median of the rounds. Rounds of one process share its luck, so "
        "there is no interval, and no winner is named."
    )
    yield "**Ratios** are those of medians; below 1× is faster."
    if any(trial.ledger for trial in run.trials):
        yield (
            "**Extra memory** was measured by the plugin of ferrybench, each test in a process "
            "forked for it: the high-water mark of resident memory above what was there before the "
            "call. **Copies** leave file pages out, and are multiples of the payload: the arrays "
            "and tensors that the call was given."
        )


def foreign_pairs(run: Run) -> tuple[tuple[str, str], ...]:
    """What is known of the session beside its date and revision."""
    collector = "on" if run.header.plan.effort.collect_garbage else "off while timing"
    return (("Measured by", run.header.format), ("Cyclic collector", collector))
