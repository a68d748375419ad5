"""Which strategy to use, in sentences that the cases of a run bear out and nothing else.

Strategies of one group make the same promise, so only they compete; a strategy wins when its
interval clears that of every other by more than the harness itself is accurate to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.contest import ACCURACY, Pick, picks
from harness.analysis.rows import NEGLIGIBLE_BYTES, CaseRow
from harness.analysis.sweep import Sweep
from harness.analysis.wording import comparison, factor, promise
from harness.units import format_multiple, format_seconds, format_size

FLAT = 2.0
"""A time that varies less than this over ``FLAT_SPAN`` of sizes does not depend on the size."""
FLAT_SPAN = 16


@dataclass(frozen=True)
class Verdict:
    """The answer to a scenario's question. Names of strategies stand in backticks."""

    sentences: tuple[str, ...]
    size_bytes: int | None
    picks: tuple[Pick, ...]

    @property
    def text(self) -> str:
        return " ".join(self.sentences)


def verdict(sweep: Sweep) -> Verdict:
    """Answer a scenario's question at its reference size."""
    size = sweep.reference
    rows = [row for row in sweep.at(size) if row.timed]
    if not rows:
        return Verdict((_nothing(sweep),), size, ())
    found = picks(rows, sweep.info)
    baseline = sweep.baseline_at(size)
    sentences = [
        _cost(sweep, rows, baseline),
        _same_promise(found, baseline),
        _elsewhere(found, baseline),
        _other_host(sweep, baseline),
        _failures(sweep.at(size)),
    ]
    return Verdict(tuple(_sentence(text) for text in sentences if text), size, found)


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text[0].upper()}{text[1:]}."


def _nothing(sweep: Sweep) -> str:
    """Why there is no verdict, by the commonest reason."""
    rows = sweep.main or sweep.others
    if not rows:
        return "Nothing was planned."
    reasons = [f"{row.outcome}: {row.reason}" for row in rows]
    commonest = max(dict.fromkeys(reasons), key=reasons.count)
    share = reasons.count(commonest)
    count = f"all {len(rows)}" if share == len(rows) else f"{share} of {len(rows)}"
    return f"Nothing was measured to the end; {count} cases ended as {commonest.rstrip('. ')}."


def _cost(sweep: Sweep, rows: Sequence[CaseRow], baseline: CaseRow | None) -> str:
    """What sharing costs, and what the baseline does."""
    here = f"at {format_size(sweep.reference)}, " if sweep.reference is not None else ""
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


def _sharing(sweep: Sweep, rows: Sequence[CaseRow]) -> str:
    ordered = sorted(rows, key=lambda row: row.steady.median)
    others = f", {len(rows) - 1} other{'s' * (len(rows) > 2)}" if len(rows) > 1 else ""
    low, high = (format_seconds(row.steady.median) for row in (ordered[0], ordered[-1]))
    if low.split()[-1] == high.split()[-1]:
        low = low.split()[0]
    times = f"{low} to {high}" if len(rows) > 1 and low != high.split()[0] else high
    peak = max(row.peak_extra_bytes for row in rows)
    memory = "no extra memory" if peak <= NEGLIGIBLE_BYTES else f"up to {format_size(peak)} extra"
    flat = ", whatever the size" if all(_is_flat(sweep.of(row.strategy)) for row in rows) else ""
    return f"sharing the memory (`{ordered[0].strategy}`{others}) takes {times} and {memory}{flat}"


def _is_flat(rows: Sequence[CaseRow]) -> bool:
    timed = [row for row in rows if row.timed and row.size_bytes]
    sizes, times = [row.size_bytes or 0 for row in timed], [row.steady.median for row in timed]
    return bool(timed and max(sizes) >= FLAT_SPAN * min(sizes) and max(times) <= FLAT * min(times))


def _time_and_memory(row: CaseRow) -> str:
    time = format_seconds(row.steady.median)
    if row.peak_extra_bytes <= NEGLIGIBLE_BYTES:
        return f"{time} and no extra memory"
    if row.payload_bytes > 0:
        return f"{time} and {format_multiple(row.peak_multiple)} the data in extra memory"
    return time


def _same_promise(found: Sequence[Pick], baseline: CaseRow | None) -> str:
    """Who wins among those that promise what the baseline does."""
    own = next((pick for pick in found if baseline is not None and baseline in pick.rows), None)
    if own is None or baseline is None or len(own.rows) < 2:
        return ""
    when = f"{promise(own.group)}, "
    if own.winner is None:
        return f"{when}{_no_winner(own)}{_all_faster(own, baseline)}"
    if own.winner is baseline:
        margin = own.rows[1].steady.median / baseline.steady.median
        return (
            f"{when}`{baseline.strategy}` itself is the fastest: "
            f"{factor(margin)} faster than `{own.rows[1].strategy}`"
        )
    return f"{when}`{own.winner.strategy}` is the fastest{_against(own.winner, baseline)}"


def _no_winner(pick: Pick) -> str:
    if pick.too_few:
        return "too few processes were timed to name a winner"
    names = [f"`{row.strategy}`" for row in pick.leaders]
    return f"there is no clear winner among {_shortened(names)}"


def _all_faster(pick: Pick, baseline: CaseRow) -> str:
    """That each leader beats the baseline, where that at least is certain."""
    ratios = [row.ratio for row in pick.leaders]
    if pick.too_few or not all(ratio.high < 1 / ACCURACY for ratio in ratios):
        return ""
    least = factor(min(1 / ratio.median for ratio in ratios))
    return f"; even the slowest of them is {least} faster than `{baseline.strategy}`"


def _shortened(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"


def _either(rows: Sequence[CaseRow]) -> str:
    return " or ".join(f"`{row.strategy}`" for row in rows)


def _against(row: CaseRow, baseline: CaseRow) -> str:
    told = comparison(row.ratio)
    if told:
        return f"{', yet' if told.endswith('slower') else ':'} {told} than `{baseline.strategy}`"
    return f", though not measurably faster than `{baseline.strategy}`"


def _elsewhere(found: Sequence[Pick], baseline: CaseRow | None) -> str:
    """The promise whose winner gains most on the baseline, beside its own and sharing."""
    if baseline is None or not baseline.timed:
        return ""
    gains = [
        pick
        for pick in found
        if baseline not in pick.rows
        and not any(row.shares_memory for row in pick.leaders)
        and pick.rows[0].point == baseline.point
        and all(row.ratio.high < 1 / ACCURACY for row in pick.leaders)
    ]
    if not gains:
        return ""
    pick = min(gains, key=lambda pick: pick.leaders[0].ratio.median)
    names, best = _either(pick.leaders), pick.leaders[0]
    return (
        f"{promise(pick.group)}, {names} takes {_time_and_memory(best)}{_against(best, baseline)}"
    )


def _other_host(sweep: Sweep, baseline: CaseRow | None) -> str:
    """Whether an environment variable makes the baseline itself faster."""
    if baseline is None or not baseline.timed:
        return ""
    environments = {variant.name: variant.env for variant in sweep.info.variants}
    faster = [
        row
        for row in sweep.others
        if row.strategy == baseline.strategy
        and row.host in environments
        and (row.size_bytes, row.point) == (baseline.size_bytes, baseline.point)
        and row.timed
        and row.ratio.high < 1 / ACCURACY
    ]
    if not faster:
        return ""
    best = min(faster, key=lambda row: row.ratio.median)
    pairs = (f"{name}={value}" for name, value in environments[best.host].items())
    settings = " ".join(pairs).replace("`", "'")
    gain = factor(1 / best.ratio.median)
    return f"with `{settings}` in the environment, `{best.strategy}` is {gain} faster"


def _failures(rows: Sequence[CaseRow]) -> str:
    bad = [row for row in rows if row.outcome not in ("ok", "skipped")]
    if not bad:
        return ""
    names = [f"`{row.strategy}` ({row.outcome})" for row in bad]
    return f"not usable here: {_shortened(names)}"
