"""What a scenario's strategies take in time, in sentences that the cases bear out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from harness.analysis.break_even import break_even
from harness.analysis.file_pages import file_pages
from harness.analysis.files import file_sentences
from harness.analysis.ranking import ACCURACY, Ranking
from harness.analysis.stalls import stall_sentences
from harness.analysis.sweep import Sweep
from harness.analysis.undecided import needed
from harness.analysis.wording import (
    TOO_FEW,
    comparison,
    factor,
    per,
    percent,
    series,
    shortened,
    span,
)
from harness.analysis.workers import workers
from harness.cases.summary import NEGLIGIBLE_BYTES, CaseSummary
from harness.units import format_multiple, format_seconds, format_size

FLAT = 2.0
"""A time that varies less than this over ``FLAT_SPAN`` of sizes does not depend on the size."""
FLAT_SPAN = 16


def time_sentences(
    sweep: Sweep, rows: Sequence[CaseSummary], found: Sequence[Ranking]
) -> Iterator[str]:
    """What is fastest among those that promise the same, and what else helps.

    Args:
        sweep: the cases of the scenario.
        rows: its timed main cases of the reference size; at least one.
        found: the contests among them.
    """
    if not sweep.info.baseline:
        yield not_compared(rows)
        return
    baseline = sweep.baseline_at(rows[0].size_bytes)
    for name in sweep.axes:
        yield break_even(sweep, name)
    yield _cost(sweep, rows, baseline)
    yield _same_promise(sweep, found, baseline)
    yield _elsewhere(found, baseline)
    if sweep.info.trains:
        yield from stall_sentences(sweep, found, baseline)
        yield from file_sentences(sweep)
    yield from workers(sweep)
    if sweep.info.watched:
        yield file_pages(rows)
    yield _other_host(sweep, baseline)


def not_compared(rows: Sequence[CaseSummary]) -> str:
    """That tests which have nothing in common are not held against each other."""
    if len(rows) == 1:
        return f"`{rows[0].strategy}` takes {_time_and_memory(rows[0])}"
    return f"{len(rows)} tests without a group: shown one by one, not compared"


def _cost(sweep: Sweep, rows: Sequence[CaseSummary], baseline: CaseSummary | None) -> str:
    """What sharing costs, and what the baseline does."""
    here = f"{sweep.place}, " if sweep.place else ""
    point = baseline.point if baseline is not None else rows[0].point
    sharing = [row for row in rows if row.shares_memory and row.point == point]
    if baseline is None or not baseline.timed:
        known = f"the baseline `{sweep.info.baseline}` was not measured"
        why = f" ({baseline.outcome}: {baseline.reason})" if baseline and baseline.reason else ""
        said = f"{_sharing(sweep, sharing)}; " if sharing else ""
        return f"{here}{said}{known}{why}, so nothing is compared with it"
    if sharing and not baseline.shares_memory:
        verb = " copies" if baseline.shares_memory is False else ""
        own = f"`{baseline.strategy}`{verb}: {_time_and_memory(baseline)}"
        return f"{here}{_sharing(sweep, sharing)}; {own}"
    sharing_too = ", sharing the memory" if baseline.shares_memory else ""
    return f"{here}`{baseline.strategy}` takes {_time_and_memory(baseline)}{sharing_too}"


def _sharing(sweep: Sweep, rows: Sequence[CaseSummary]) -> str:
    ordered = sorted(rows, key=lambda row: row.pace.median)
    others = f", {len(rows) - 1} other{'s' * (len(rows) > 2)}" if len(rows) > 1 else ""
    times = span([row.pace.median for row in ordered], format_seconds) + per(ordered[0])
    peak = max(row.extra_bytes for row in rows)
    memory = "no extra memory" if peak <= NEGLIGIBLE_BYTES else f"up to {format_size(peak)} extra"
    level = not sweep.info.epochs and all(_is_flat(sweep.of(row.strategy)) for row in rows)
    flat = ", whatever the size" if level else ""
    return f"sharing the memory (`{ordered[0].strategy}`{others}) takes {times} and {memory}{flat}"


def _is_flat(rows: Sequence[CaseSummary]) -> bool:
    timed = [row for row in rows if row.timed and row.size_bytes]
    sizes, times = [row.size_bytes or 0 for row in timed], [row.pace.median for row in timed]
    return bool(timed and max(sizes) >= FLAT_SPAN * min(sizes) and max(times) <= FLAT * min(times))


def _time_and_memory(row: CaseSummary) -> str:
    memory = memory_text(row)
    return f"{format_seconds(row.pace.median)}{per(row)}{f' and {memory}' if memory else ''}"


def memory_text(row: CaseSummary) -> str:
    """``1.00× the data in extra memory``, or in bytes; "" where it is not known."""
    if row.extra_bytes <= NEGLIGIBLE_BYTES:
        # A loader holds a batch or two, which is little, but not nothing.
        little = "next to " if row.loading and not row.shares_memory else ""
        return f"{little}no extra memory"
    if math.isnan(row.extra_bytes):
        return ""
    if row.payload_bytes > 0:
        return f"{format_multiple(row.peak_multiple)} the data in extra memory"
    return f"{format_size(row.extra_bytes)} of extra memory"


def _same_promise(sweep: Sweep, found: Sequence[Ranking], baseline: CaseSummary | None) -> str:
    """Who wins among those that promise what the baseline does."""
    own = next(
        (ranking for ranking in found if baseline is not None and baseline in ranking.rows), None
    )
    if own is None or baseline is None or len(own.rows) < 2:
        return ""
    when = f"{own.meaning}, "
    if own.winner is None:
        return f"{when}{_no_winner(sweep, own)}{_all_faster(own, baseline)}"
    if own.winner is baseline:
        return f"{when}`{baseline.strategy}` itself is the fastest: {margin_text(own)}"
    least = "" if own.nearest is baseline else f"; {margin_text(own)}"
    return f"{when}`{own.winner.strategy}` is the fastest{_against(own.winner, baseline)}{least}"


def margin_text(ranking: Ranking) -> str:
    """``1.32× (1.28× to 1.37×) faster than `other` ``: what a winner has on its nearest rival."""
    margin, nearest = ranking.margin, ranking.nearest
    if nearest is None:
        return ""
    low, high = factor(margin.low), factor(margin.high)
    between = f" ({low} to {high})" if low != high else ""
    return f"{factor(margin.median)}{between} faster than `{nearest.strategy}`"


def _no_winner(sweep: Sweep, ranking: Ranking) -> str:
    if ranking.too_few:
        return TOO_FEW
    names = [f"`{row.strategy}`" for row in ranking.leaders]
    if ranking.word == "level":
        cheapest = ranking.cheapest
        memory = f", of which `{cheapest.strategy}` needs least memory" if cheapest else ""
        return f"any of {series(names, 'or')} will do, level within {margin_share(ranking)}{memory}"
    told = needed(sweep, ranking)
    what = f"; {told.text}" if told else ", whose times scatter too much to tell"
    return f"it is undecided among {shortened(names)}{what}"


def margin_share(ranking: Ranking) -> str:
    """``5%``: what strategies that are level may differ by."""
    return percent(ranking.leaders[0].rule.margin)


def _all_faster(ranking: Ranking, baseline: CaseSummary) -> str:
    """That each leader beats the baseline, where that at least is certain."""
    ratios = [row.ratio for row in ranking.leaders]
    if ranking.too_few or not all(ratio.high < 1 / ACCURACY for ratio in ratios):
        return ""
    least = factor(min(1 / ratio.median for ratio in ratios))
    return f"; even the slowest of them is {least} faster than `{baseline.strategy}`"


def _either(rows: Sequence[CaseSummary]) -> str:
    return " or ".join(f"`{row.strategy}`" for row in rows)


def _against(row: CaseSummary, baseline: CaseSummary) -> str:
    told = comparison(row.ratio)
    if told:
        return f"{', yet' if told.endswith('slower') else ':'} {told} than `{baseline.strategy}`"
    return f", though not measurably faster than `{baseline.strategy}`"


def gains_most(
    found: Sequence[Ranking], baseline: CaseSummary | None, *, sharing: bool = True
) -> Ranking | None:
    """The promise, beside the baseline's own, whose winner certainly gains most on the baseline.

    Args:
        found: the contests of a scenario.
        baseline: what the gain is over.
        sharing: promises that are kept without a copy count too.
    """
    if baseline is None or not baseline.timed:
        return None
    gains = [
        ranking
        for ranking in found
        if baseline not in ranking.rows
        and (sharing or not any(row.shares_memory for row in ranking.leaders))
        and ranking.rows[0].point == baseline.point
        and all(row.ratio.high < 1 / ACCURACY for row in ranking.leaders)
    ]
    return min(gains, key=lambda ranking: ranking.leaders[0].ratio.median, default=None)


def _elsewhere(found: Sequence[Ranking], baseline: CaseSummary | None) -> str:
    """The promise whose winner gains most on the baseline, beside its own and sharing."""
    ranking = gains_most(found, baseline, sharing=False)
    if ranking is None or baseline is None:
        return ""
    names, best = _either(ranking.leaders), ranking.leaders[0]
    taken = f"{_time_and_memory(best)}{_against(best, baseline)}"
    return f"{ranking.meaning}, {names} takes {taken}"


def _other_host(sweep: Sweep, baseline: CaseSummary | None) -> str:
    """Whether an environment variable makes the baseline itself faster."""
    best = on_another_host(sweep, baseline)
    if best is None:
        return ""
    settings = variables_of(sweep, best).replace("`", "'")
    gain = factor(1 / best.ratio.median)
    return f"with `{settings}` in the environment, `{best.strategy}` is {gain} faster"


def on_another_host(sweep: Sweep, baseline: CaseSummary | None) -> CaseSummary | None:
    """The baseline where an environment variable makes it fastest; None where none does."""
    if baseline is None or not baseline.timed:
        return None
    variants = {variant.name for variant in sweep.info.variants}
    faster = [
        row
        for row in sweep.others
        if row.strategy == baseline.strategy
        and row.host in variants
        and (row.size_bytes, row.point) == (baseline.size_bytes, baseline.point)
        and row.timed
        and row.ratio.high < 1 / ACCURACY
    ]
    return min(faster, key=lambda row: row.ratio.median, default=None)


def variables_of(sweep: Sweep, row: CaseSummary) -> str:
    """``NAME=VALUE``: the variables that a case's host was started with."""
    pairs = next(one.env for one in sweep.info.variants if one.name == row.host)
    return " ".join(f"{name}={value}" for name, value in pairs.items())
