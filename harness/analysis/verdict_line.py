"""A verdict in one line: what to use, how much faster it is, and what memory it takes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.analysis.failed import nothing_measured
from harness.analysis.matrix import Grid
from harness.analysis.ranking import LEAST_COVERAGE, Ranking
from harness.analysis.sweep import Sweep
from harness.analysis.verdict import Verdict
from harness.analysis.verdict_limit import largest_text
from harness.analysis.verdict_time import gains_most, margin_share, memory_text, not_compared
from harness.analysis.wording import TOO_FEW, comparison, factor, series
from harness.cases.summary import CaseSummary
from harness.units import format_multiple, plural

MOST_NAMES = 2
NOT_KNOWN = "its memory was not measured"


def verdict_line(sweep: Sweep, answer: Verdict) -> str:
    """``tensor_from_array at 64 MiB: if the memory may be shared, from_numpy: 900× faster …``.

    Of the promises that a scenario has, the baseline's and that which gains most on it.
    """
    where = f"{sweep.info.name}{f' {answer.place}' if answer.place else ''}"
    compared = [row for row in sweep.at(answer.size_bytes) if sweep.compared(row)]
    if not sweep.info.baseline and compared:
        return f"{where}: {not_compared(compared)}".replace("`", "")
    if not answer.rankings:
        return f"{where}: {nothing_measured(sweep)}".replace("`", "")
    baseline = sweep.baseline_at(answer.size_bytes)
    chosen = _chosen(answer.rankings, baseline)
    if all(ranking.too_few for ranking in chosen):
        return f"{where}: {TOO_FEW}"
    return f"{where}: {'; '.join(_part(ranking, baseline) for ranking in chosen)}"


def matrix_line(name: str, grid: Grid) -> str:
    """``matrix_array_to_tensor: 240 conversions: 120 shares, 80 copies, 40 raises``."""
    counts = ", ".join(f"{count} {kind}" for kind, count in grid.counts.items())
    return f"{name}: {plural(sum(grid.counts.values()), 'conversion')}: {counts}"


def _chosen(found: Sequence[Ranking], baseline: CaseSummary | None) -> list[Ranking]:
    own = [ranking for ranking in found if baseline in ranking.rows] if baseline else []
    if found[0].weighs == "time":
        most = gains_most(found, baseline)
        others = [most] if most else []
    else:
        others = [ranking for ranking in found if ranking not in own][: 1 if own else 2]
    return [*others, *own] or [found[0]]


def _part(ranking: Ranking, baseline: CaseSummary | None) -> str:
    """One promise: ``if you need your own copy, from_numpy_clone: 1.3× faster …``."""
    when = f"{ranking.meaning}, " if ranking.group else ""
    if ranking.too_few:
        return f"{when}{TOO_FEW}"
    facts = [fact for fact in _facts(ranking, baseline) if fact]
    return f"{when}{_names(ranking)}{': ' if facts else ''}{', '.join(facts)}"


def _names(ranking: Ranking) -> str:
    """``any of a, b or 2 more``, which are level; ``a or b, undecided``."""
    names = [row.strategy for row in ranking.leaders]
    more = len(names) - MOST_NAMES
    told = series([*names[:MOST_NAMES], *([f"{more} more"] if more > 0 else [])], "or")
    if ranking.word == "level":
        return f"any of {told}"
    return f"{told}, undecided" if ranking.word == "undecided" else told


def _facts(ranking: Ranking, baseline: CaseSummary | None) -> list[str]:
    best = ranking.leaders[0]
    if ranking.weighs == "memory":
        return [f"the process tree grows by {format_multiple(best.tree_multiple)} the data"]
    if ranking.weighs == "size":
        return [f"survives with {largest_text(best)}"]
    return [_faster(ranking, baseline), _memory(ranking)]


def _memory(ranking: Ranking) -> str:
    """What the leaders take; the most of it where they differ."""
    if any(math.isnan(row.extra_bytes) for row in ranking.leaders):
        return NOT_KNOWN
    most = max(ranking.leaders, key=lambda row: row.extra_bytes)
    text = memory_text(most)
    differ = any(memory_text(row) != text for row in ranking.leaders)
    return f"up to {text}" if text and differ else text


def _faster(ranking: Ranking, baseline: CaseSummary | None) -> str:
    """How much the leaders gain on the baseline, as far as that is certain."""
    if baseline is None or not baseline.timed:
        return "nothing to compare with"
    if baseline in ranking.leaders:
        if len(ranking.rows) == 1:
            return "the baseline"
        if ranking.winner is baseline and ranking.nearest is not None:
            gain = factor(ranking.margin.median)
            return f"the baseline, {gain} faster than {ranking.nearest.strategy}"
        if ranking.word == "level":
            return f"level within {margin_share(ranking)}"
        return "none is clearly faster"
    slowest = max((row.ratio for row in ranking.leaders), key=lambda ratio: ratio.median)
    if slowest.coverage < LEAST_COVERAGE:
        return f"too few processes to compare it with {baseline.strategy}"
    said, least = comparison(slowest), "at least " if len(ranking.leaders) > 1 else ""
    return f"{least}{said} than {baseline.strategy}" if said else "not clearly faster"
