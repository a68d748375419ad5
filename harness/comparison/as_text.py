"""A comparison as text: what weighs most first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.comparison.amounts import AMOUNTS
from harness.comparison.verdicts import (
    BETTER,
    UNDECIDED,
    WORDS,
    WORSE,
    CaseVerdict,
    Finding,
    RunComparison,
)
from harness.units import format_seconds, format_share, format_size

SHOWN = 50
"""Cases shown in a terminal, which also says how many more there are."""


def headline(comparison: RunComparison) -> str:
    """The verdict on the suite, with how many cases are behind it."""
    counts = [f"{len(comparison.of(word))} {word}" for word in WORDS if comparison.of(word)]
    return f"{comparison.word}: {', '.join(counts) or 'no cases'}"


def remarks(comparison: RunComparison) -> Iterator[str]:
    """What a reader must know to believe the verdict."""
    match, tolerance = comparison.match, comparison.tolerance
    yield (
        f"tolerance: time {format_share(tolerance.time)}, memory {format_share(tolerance.memory)}, "
        f"page faults {format_share(tolerance.faults)}"
    )
    if comparison.why_not_time:
        yield f"time is advisory: {comparison.why_not_time}"
    for difference in match.differences:
        yield f"environments differ in {difference.text}"
    if match.machine_unknown:
        yield "it is not known whether the machine is the same"
    if comparison.word == "undecided":
        looks = "suspect cases look worse, but that may be chance: "
        if comparison.interleaved:
            yield (
                f"{looks}measuring ended before they were confirmed; give ferrybench ab a larger "
                "--budget"
            )
        elif comparison.to_measure_again:
            yield f"{looks}measure them again, and pass every run of the candidate to compare"
        else:
            yield f"{looks}no further run of the candidate can decide"
    if not match.common:
        yield "the runs have no case in common: measure the same scenarios, sizes and parameters"


def told(comparison: RunComparison) -> list[CaseVerdict]:
    """The cases worth a row: everything but those that are the same, what weighs most first."""
    quiet = ("advisory", "same", "skipped")
    cases = [case for case in comparison.cases if case.word not in quiet or case.advisory]
    return sorted(cases, key=lambda case: WORDS.index(case.word))


def row(case: CaseVerdict) -> tuple[str, str, str, str, str]:
    """A case, its word, what changed, the ratio with its interval, and why."""
    finding = case.shown
    word = finding.word if finding.gates else f"{finding.word} (advisory)"
    return case.key, word, change(finding), ratio_text(finding), finding.reason


def change(finding: Finding) -> str:
    """``memory at the peak: 8 MiB → 16 MiB``."""
    if finding.base is None or finding.candidate is None:
        return finding.what
    write = _writer(finding.what)
    return f"{finding.what}: {write(finding.base)} → {write(finding.candidate)}"


def _writer(what: str) -> Callable[[float], str]:
    if what == "time":
        return format_seconds
    amount = next((amount for amount in AMOUNTS if amount.name == what), None)
    if amount is None or amount.unit == "bytes":
        return format_size
    return amount.text if amount.informs else lambda value: f"{value:,.0f}"


def ratio_text(finding: Finding) -> str:
    """``1.12× (1.08 to 1.17)``."""
    if finding.ratio is None:
        return ""
    interval = "" if finding.low is None else f" ({finding.low:.3g} to {finding.high:.3g})"
    return f"{finding.ratio:.3g}×{interval}"


def lines(comparison: RunComparison) -> Iterator[tuple[str, str]]:
    """The cases worth telling for a terminal of any width: text, and the style it is printed in."""
    for case in told(comparison)[:SHOWN]:
        key, word, changed, ratio, why = row(case)
        yield f"{word}: {key}", _STYLES.get(case.word, "")
        yield f"    {', '.join(filter(None, (changed, ratio)))}: {why}", ""
        for finding in case.information:
            yield f"    {finding.reason}: {change(finding)}", "dim"


_STYLES = {
    **dict.fromkeys(WORSE, "red"),
    **dict.fromkeys(BETTER, "green"),
    **dict.fromkeys(UNDECIDED, "yellow"),
}


def left_out(comparison: RunComparison) -> str:
    """How many cases are not told; "" where all are."""
    more = len(told(comparison)) - SHOWN
    return f"{more} more cases are not shown; --markdown FILE lists them all" if more > 0 else ""
