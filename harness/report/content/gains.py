"""Opportunities as a report lists them: what is saved, how surely, at what effort and risk."""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.opportunities import Opportunity
from harness.analysis.remarks import remarks_of
from harness.analysis.wording import comparison, factor
from harness.cases.summary import NEGLIGIBLE_BYTES, CaseSummary
from harness.codes.code import Code
from harness.codes.registry import code_for
from harness.report.content.effort import effort_text
from harness.report.words.text import interval_text
from harness.units import GIB, MISSING, format_multiple, format_seconds, format_size, plural

MOST_ALIKE = 3


@dataclass(frozen=True)
class Gain:
    """One opportunity, in texts; names of strategies stand in backticks."""

    code: Code
    scenario: str
    place: str
    strategy: str
    condition: str  # ``if the memory may be shared``; "" where there is none
    variables: str
    rate: str  # what opportunities are put in order by: ``4.12 s``
    rate_of: str  # ``a GiB``
    saving: str  # ``8.03 ms``
    of: str  # ``a call``, ``an epoch``
    interval: str  # ``4.18–10.5 ms``; "" of one reading
    certainty: str  # what the interval is worth
    change: str  # ``12.3 ms → 4.2 ms``
    faster: str  # ``2.9× faster``
    memory: str  # ``1.00× → 0× the data in extra memory``; "" where it is not known
    alike: str
    effort: str
    risks: tuple[str, ...]
    cautions: tuple[tuple[Code, str], ...]  # findings about the very case


def gain(found: Opportunity) -> Gain:
    """An opportunity in texts, with what was found of the very case."""
    best, baseline = found.best, found.baseline
    write = format_seconds if found.weighs == "time" else format_size
    return Gain(
        code=found.code,
        scenario=found.sweep.info.name,
        place=found.sweep.place,
        strategy=best.strategy,
        condition=found.condition,
        variables=found.variables,
        rate=_rate(found)[0],
        rate_of=_rate(found)[1],
        saving=write(found.saved.median),
        of=_of(found),
        interval=interval_text(found.saved, write),
        certainty=_certainty(found),
        change=_change(found),
        faster=_times(found),
        memory=_memory(baseline, best) if found.weighs == "time" else "",
        alike=_alike(found),
        effort=_effort(found),
        risks=tuple(_risks(found)),
        cautions=tuple(
            (code_for("finding", one.kind), one.text) for one in remarks_of(best, found.sweep.info)
        ),
    )


def _rate(found: Opportunity) -> tuple[str, str]:
    """What is saved by the size of the data: seconds for a GiB, or multiples of memory."""
    if found.weighs == "time" and found.per_byte:
        return format_seconds(found.per_byte * GIB), "a GiB"
    if found.weighs == "memory" and found.per_byte:
        return format_multiple(found.per_byte), "the data"
    write = format_seconds if found.weighs == "time" else format_size
    return write(found.saved.median), _of(found)


def _of(found: Opportunity) -> str:
    if found.weighs == "size":
        return "more data"
    if found.weighs == "memory":
        return "at the peak"
    return "an epoch" if found.sweep.info.epochs else "a call"


def _certainty(found: Opportunity) -> str:
    if found.weighs != "time":
        return "one process of each, without an interval"
    saved = found.saved
    return f"the interval over {plural(saved.count, 'pair')} of processes, {saved.coverage:.0%}"


def _change(found: Opportunity) -> str:
    best, baseline = found.best, found.baseline
    if found.weighs == "size":
        assert best.limit is not None
        assert baseline.limit is not None
        sizes = (baseline.limit.survived_bytes, best.limit.survived_bytes)
        return " → ".join(map(format_size, sizes))
    if found.weighs == "memory":
        return _in_memory(found.sweep.by_memory, baseline, best)
    return f"{format_seconds(baseline.steady.median)} → {format_seconds(best.steady.median)}"


def _in_memory(tree: bool, *rows: CaseSummary) -> str:
    sizes = [row.tree_bytes if tree else row.extra_bytes for row in rows]
    return " → ".join(map(format_size, sizes))


def _times(found: Opportunity) -> str:
    """How much better; of memory, how the time changes with it."""
    if found.weighs != "size":
        return comparison(found.best.ratio)
    assert found.best.limit is not None
    assert found.baseline.limit is not None
    return f"{factor(found.best.limit.survived_bytes / found.baseline.limit.survived_bytes)} larger"


def _memory(baseline: CaseSummary, best: CaseSummary) -> str:
    multiples = [format_multiple(row.peak_multiple) for row in (baseline, best)]
    return "" if MISSING in multiples else f"{' → '.join(multiples)} the data"


def _alike(found: Opportunity) -> str:
    names = [f"`{row.strategy}`" for row in found.alike]
    more = len(names) - MOST_ALIKE
    return ", ".join(names[:MOST_ALIKE]) + (f" and {more} more" if more > 0 else "")


def _effort(found: Opportunity) -> str:
    if found.variables:
        return "no code"
    return effort_text(found.sweep.info.strategy(found.best.strategy)) or "not counted"


def _risks(found: Opportunity) -> list[str]:
    """What may go wrong: by its kind, and in memory."""
    best, baseline = found.best, found.baseline
    said = [found.code.takes_on]
    more = best.extra_bytes - baseline.extra_bytes
    if more > NEGLIGIBLE_BYTES:
        said.append(f"It takes {format_size(more)} more memory at the peak than the usual way.")
    if best.unverified:
        said.append(f"Its result was not verified in every respect: {best.unverified}.")
    return said
