"""The largest data that each way survives within a budget, in sentences that the cases bear out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from harness.analysis.failure_wording import ends, is_fatal, place_of
from harness.analysis.ranking import Ranking, clearly_larger
from harness.analysis.sweep import Sweep
from harness.analysis.wording import factor, series, shortened
from harness.cases.parts.limit import LimitSummary
from harness.cases.summary import CaseSummary
from harness.units import MISSING, format_multiple, format_size

KINDS_OF_LIMIT = {
    "data": "of memory of the process's own (`RLIMIT_DATA`)",
    "address_space": "of address space (`RLIMIT_AS`)",
    "cgroup": "of resident memory (a cgroup)",
}
NAMES = {"data": "`RLIMIT_DATA`", "address_space": "`RLIMIT_AS`", "cgroup": "a cgroup"}
MOST_LEADERS = 2
MOST_DEVIATING = 3
ROUGH = 1.1
"""A largest size that may be larger by more than this is known to one digit."""


def size_sentences(
    sweep: Sweep, rows: Sequence[CaseSummary], found: Sequence[Ranking]
) -> Iterator[str]:
    """Which ways take the largest data in the budget, and how they fail beyond.

    Args:
        sweep: the cases of the scenario.
        rows: its main cases whose largest size is known; at least one.
        found: the contests among them.
    """
    for index, group in enumerate(dict.fromkeys(row.group for row in rows)):
        own = [row for row in rows if row.group == group]
        yield _ends(own, sweep.info.possible.get(group, ""), "" if index else within(own))
    yield _models(rows)
    yield _extrapolated(rows, found)
    yield _uncatchable(rows)
    yield from _other_limits(sweep, _limit(rows[0]).limit)
    yield _inputs_first(rows)


def within(rows: Sequence[CaseSummary]) -> str:
    """The budget and what of it is taken already: ``within 768 MiB …``."""
    limits = [row.limit for row in rows if row.limit]
    one = limits[0]
    base = max(limit.base_bytes for limit in limits)
    of = KINDS_OF_LIMIT.get(one.limit, "")
    return (
        f"within {format_size(one.budget_bytes)} {of}".rstrip()
        + f", of which Python and torch take {format_size(base)} before any data, "
    )


def _ends(rows: Sequence[CaseSummary], possible: str, budget: str) -> str:
    """The largest and the smallest of one kind, and how far they are apart."""
    ordered = sorted(rows, key=_survived, reverse=True)
    best, worst = ordered[0], ordered[-1]
    doing = possible or (f"`{best.group}` succeeds" if best.group else "it succeeds")
    leaders = [row for row in ordered if not clearly_larger(best, row)]
    if len(leaders) == len(ordered):
        told = "every way" if len(ordered) > 1 else f"`{best.strategy}`"
        return f"{budget}{doing} {_up_to(best)} with {told}"
    names = shortened([f"`{row.strategy}`" for row in leaders], MOST_LEADERS)
    return (
        f"{budget}{doing} {_up_to(best)} with {names}, but only {_up_to(worst)} "
        f"with `{worst.strategy}`: {_apart(_limit(best), _limit(worst))} less"
    )


def _up_to(row: CaseSummary) -> str:
    beyond = row.limit is not None and row.limit.beyond
    return (
        largest_text(row).replace("more than", "beyond") if beyond else f"up to {largest_text(row)}"
    )


def _apart(best: LimitSummary, worst: LimitSummary) -> str:
    """How many times the one is larger, in no more digits than a search knows the other to."""
    times = best.survived_bytes / worst.survived_bytes
    more = "more than " if best.beyond else ""
    if worst.failed_bytes > ROUGH * worst.survived_bytes:
        return f"{more}about {factor(float(f'{times:.1g}'))}"
    return f"{more}{factor(times)}"


def _survived(row: CaseSummary) -> float:
    return row.limit.survived_bytes if row.limit else math.nan


def largest_text(row: CaseSummary) -> str:
    """``246 MiB``, or ``more than 768 MiB`` where no larger size was tried."""
    if row.limit is None:
        return MISSING
    if row.limit.beyond:
        return f"more than {format_size(row.limit.survived_bytes)}"
    least = "" if row.limit.closed else "at least "  # a search that was cut short
    return f"{least}{format_size(row.limit.survived_bytes)}"


def _models(rows: Sequence[CaseSummary]) -> str:
    """How many searches found what the cost models predict, and which did not."""
    known = [row for row in rows if row.limit and row.limit.verified is not None]
    if not known:
        return ""
    off = [row for row in known if not _limit(row).verified]
    text = f"the cost models predict {len(known) - len(off)} of {len(known)} largest sizes"
    off.sort(key=lambda row: -abs(_limit(row).deviation))
    told = [f"`{row.strategy}` {_missed(_limit(row))}" for row in off]
    more = f" and {len(off) - MOST_DEVIATING} more" if len(off) > MOST_DEVIATING else ""
    shared = _limit(rows[0]).limit == "data" and any(
        _limit(row).survived_bytes > _limit(row).predicted_bytes for row in off
    )
    aside = "; `RLIMIT_DATA` does not count shared memory or mapped files" if shared else ""
    return f"{text}, but not {', '.join(told[:MOST_DEVIATING])}{more}{aside}" if off else text


def _missed(limit: LimitSummary) -> str:
    """``(120 MiB, not 180 MiB)``: what was found, and what was predicted."""
    predicted = limit.predicted_bytes
    said = "any size" if math.isinf(predicted) else format_size(predicted)
    return f"({format_size(limit.survived_bytes)}, not {said})"


def _limit(row: CaseSummary) -> LimitSummary:
    assert row.limit is not None
    return row.limit


def _extrapolated(rows: Sequence[CaseSummary], found: Sequence[Ranking]) -> str:
    """What fits in larger memories: for the baseline, else for the best whose model holds."""
    leaders = [row for ranking in found for row in ranking.leaders]
    foretold = [
        row
        for row in (*(row for row in rows if row.baseline), *leaders)
        if any(0 < size < math.inf for size in _limit(row).fits.values())
    ]
    if not foretold:
        return ""
    row = foretold[0]
    sizes = [(gib, size) for gib, size in _limit(row).fits.items() if size > 0]
    told = series([f"{format_size(size)} in {gib} GiB" for gib, size in sizes])
    return (
        f"by its cost model, {format_multiple(_limit(row).predicted_multiple)} the data in all, "
        f"which this run confirms, `{row.strategy}` has room for {told}"
    )


def _uncatchable(rows: Sequence[CaseSummary]) -> str:
    """Which ways end the process rather than raise."""
    alike: dict[str, list[CaseSummary]] = {}
    for row in rows:
        if is_fatal(_limit(row).kind, _limit(row).reason):
            alike.setdefault(_limit(row).kind, []).append(row)
    parts = [
        f"{shortened([f'`{row.strategy}`{_at(row)}' for row in own])} "
        f"{ends('crash', kind, several=len(own) > 1)}"
        for kind, own in alike.items()
    ]
    own_limit = "its largest size" if sum(map(len, alike.values())) == 1 else "their largest sizes"
    return f"above {own_limit} {'; '.join(parts)}; `except` cannot catch that" if parts else ""


def _other_limits(sweep: Sweep, usual: str) -> Iterator[str]:
    """What the same budget holds where another kind of limit is set: the greatest difference."""
    found: dict[tuple[str, float], dict[str, CaseSummary]] = {}
    for row in (*sweep.main, *sweep.others):
        if sweep.compared(row):
            key = (row.strategy, _limit(row).budget_bytes)
            found.setdefault(key, {})[_limit(row).limit] = row
    for kind in (kind for kind in NAMES if kind != usual):
        pairs = [(own[kind], own[usual]) for own in found.values() if {kind, usual} <= own.keys()]
        apart = [
            (one, two) for one, two in pairs if clearly_larger(one, two) or clearly_larger(two, one)
        ]
        if not apart:
            continue
        one, two = max(
            apart, key=lambda pair: abs(math.log(_survived(pair[0]) / _survived(pair[1])))
        )
        failed = [_limit(row) for row, _ in pairs if _limit(row).kind]
        killed = all(is_fatal(limit.kind, limit.reason) for limit in failed)
        text = (
            f"of {format_size(_limit(one).budget_bytes)}, {NAMES[kind]} leaves room for "
            f"{largest_text(one)} with `{one.strategy}`, {NAMES[usual]} for {largest_text(two)}"
        )
        yield (
            f"{text}, and larger data gets the process killed there" if failed and killed else text
        )


def _at(row: CaseSummary) -> str:
    place = place_of(_limit(row).where)
    return f" (at `{place}`)" if place else ""


def _inputs_first(rows: Sequence[CaseSummary]) -> str:
    """Whether the data itself or what is done with it gives way first."""
    failed = [row for row in rows if _limit(row).stage]
    inputs = [row for row in failed if _limit(row).stage == "inputs"]
    if not failed:
        return ""
    if not inputs:
        return f"in all {len(failed)} that fail, the data itself still fits" if failed[1:] else ""
    names = shortened([f"`{row.strategy}`" for row in inputs])
    return f"with {names} the data itself no longer fits"
