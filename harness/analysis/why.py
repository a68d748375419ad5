"""Why a strategy is slower or faster than the baseline, as far as a run's own experiments say.

An experiment takes one thing away and leaves all else alone: a variant of the host, which changes
the size of pages, or another value of a parameter that is a cause and not the question. Both
strategies are measured with it and without it in the same rounds. Whether it took at all is seen in
the page faults, where it is about those.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.analysis.sweep import Sweep
from harness.analysis.wording import factor, series
from harness.cases.rounds import steady_s
from harness.cases.summary import CaseSummary
from harness.schema.records import DEFAULT_HOST, TIMED, Value
from harness.stats.attribution import Attribution, attribute
from harness.units import format_size

CAUSES: dict[str, tuple[Value, str]] = {"threads": ("all", "running on one thread")}
"""Parameters that are causes: the value that takes each away, and what it is called."""
PAGES = "page size"
TOOK = 2.0
"""By what factor page faults change at least where an experiment on pages has taken."""
FEW_FAULTS = 16.0
"""A call, below which they cost nothing worth an experiment."""


@dataclass(frozen=True)
class Why:
    """One experiment on the difference between a strategy and the baseline.

    Args:
        slow: the slower case.
        fast: the faster one.
        cause: what the experiment takes away or evens out.
        how: what was done, as its scenario says it.
        found: what came of it.
        faults: page faults a call of the case that was changed, without and with the experiment.
        own: it changed the strategy, and not the baseline alone.
    """

    slow: CaseSummary
    fast: CaseSummary
    cause: str
    how: str
    found: Attribution
    faults: tuple[float, float]
    own: bool


def reasons(sweep: Sweep) -> list[Why]:
    """Every experiment of a scenario that weighs time: on hosts, then on parameters.

    Hosts are compared at the reference size, and parameters at the one that they were varied at.
    """
    if sweep.weighs != "time":
        return []
    return [*_on_hosts(sweep), *_on_parameters(sweep)]


def _on_hosts(sweep: Sweep) -> Iterator[Why]:
    for row, base in _beside_baseline(sweep, sweep.reference):
        for variant in sweep.info.variants:
            changed = [_elsewhere(sweep, one, variant.name) for one in (row, base)]
            yield from _why(row, base, changed, PAGES, variant.doc)


def _on_parameters(sweep: Sweep) -> Iterator[Why]:
    for name, (value, cause) in CAUSES.items():
        varied = sweep.variation(name)
        size = varied[0].size_bytes if varied else None
        for row, base in _beside_baseline(sweep, size):
            if row.parameters.get(name, value) != value:
                changed = [_with(sweep, one, name, value) for one in (row, base)]
                if None not in changed:
                    yield from _why(row, base, changed, cause, f"{name}={value}")


def _beside_baseline(sweep: Sweep, size: int | None) -> Iterator[tuple[CaseSummary, CaseSummary]]:
    """The main cases of a size, each with the baseline's."""
    base = sweep.baseline_at(size)
    if base is not None and base.timed:
        for row in sweep.at(size):
            if row.timed and not row.baseline:
                yield row, base


def _elsewhere(sweep: Sweep, row: CaseSummary, host: str) -> CaseSummary | None:
    return next((one for one in sweep.others if one.host == host and _alike(one, row)), None)


def _alike(one: CaseSummary, row: CaseSummary) -> bool:
    same = (one.strategy, one.size_bytes) == (row.strategy, row.size_bytes)
    return same and one.timed and one.point == row.point


def _with(sweep: Sweep, row: CaseSummary, name: str, value: Value) -> CaseSummary | None:
    wanted = {**row.parameters, name: value}
    return next(
        (
            one
            for one in sweep.others
            if (one.strategy, one.size_bytes, one.host)
            == (row.strategy, row.size_bytes, DEFAULT_HOST)
            and one.timed
            and dict(one.parameters) == wanted
        ),
        None,
    )


def _why(
    row: CaseSummary,
    base: CaseSummary,
    changed: Sequence[CaseSummary | None],
    cause: str,
    how: str,
) -> Iterator[Why]:
    """What an experiment says, where it changed one of the two at least."""
    row_without, base_without = changed
    touched = row_without or base_without
    if touched is None:
        return
    before = row if row_without else base
    pairs = [(row, row_without or row), (base, base_without or base)]
    pairs.sort(key=lambda pair: pair[0].steady.median)
    (fast, fast_without), (slow, slow_without) = pairs
    faults = before.faults_steady, touched.faults_steady
    found = attribute(*map(times_of, (slow, fast, slow_without, fast_without)))
    if found is not None and (cause != PAGES or _took(*faults)):
        yield Why(slow, fast, cause, how, found, faults, row_without is not None)


def _took(before: float, after: float) -> bool:
    """Whether an experiment on pages has changed how many of them a call touches first."""
    few, many = sorted((before, after))
    return many > FEW_FAULTS and many > TOOK * few  # NaN, which is not known, is neither


def times_of(row: CaseSummary) -> dict[tuple[int, int], float]:
    """Seconds of each process by its sitting and round."""
    return {
        (trial.sitting, trial.round): seconds
        for trial in row.measured
        if trial.kind in TIMED and (seconds := steady_s(trial)) > 0
    }


def why_texts(found: Sequence[Why]) -> list[tuple[str, str]]:
    """The slower strategy of each experiment that is certain of something, and what it says.

    Where the same can be said of one beside several faster ones, it is said once: what shares
    memory takes no time to speak of, so all differences from it are the slower strategy's time.
    """
    beside: dict[tuple[str, str], list[str]] = {}
    for why in found:
        if text := _share(why):
            ratio = f"{factor(why.found.ratio.median)} slower than {why.fast.name}"
            beside.setdefault((why.slow.name, text), []).append(ratio)
    return [(name, f"{series(ratios)}, {text}") for (name, text), ratios in beside.items()]


def _share(why: Why) -> str:
    """``of which page size 71% (68% to 74%)``; "" where nothing is certain, or nothing was asked.

    That a cause is none is worth telling of the strategy that has it, not of all beside it.
    """
    found = why.found
    if found.word in ("level", "undecided"):
        return ""
    if found.word == "not because":
        if not why.own:
            return ""
        return f"of which {why.cause} {max(0.0, found.share.high):.0%} at most: {_done(why)}"
    ends = f"{found.share.low:.0%} to {found.share.high:.0%}"
    told = "because of" if found.word == "because" else "of which"
    left = f"; {found.left:.0%} unexplained" if found.left > 0 else ""
    return f"{told} {why.cause} {found.share.median:.0%} ({ends}){left}: {_done(why)}"


def _done(why: Why) -> str:
    """The experiment, and what it did to page faults where it is about those."""
    size = why.slow.size_bytes
    at = "" if size is None else f" at {format_size(size)}"
    if why.cause != PAGES:
        return f"measured again with {why.how}{at}"
    before, after = why.faults
    faults = f"{after:,.0f} page faults a call in place of {before:,.0f}"
    return f"measured again where {why.how}{at}, with {faults}"
