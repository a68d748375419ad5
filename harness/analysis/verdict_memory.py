"""What strategies cost their whole process tree in memory, in sentences that the cases bear out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.analysis.ranking import Ranking, clearly_leaner
from harness.analysis.sweep import Sweep
from harness.analysis.wording import series, shortened
from harness.analysis.workers import START_METHOD, WORKERS, first_batches
from harness.cases.summary import CaseSummary
from harness.planning.parameter_values import in_order
from harness.schema.records import Value
from harness.schema.values import value_text
from harness.units import format_multiple

PASSES = "passes"
STARTED = {"fork": "forked ", "spawn": "spawned ", "forkserver": "fork-served "}


def memory_sentences(
    sweep: Sweep, rows: Sequence[CaseSummary], found: Sequence[Ranking]
) -> Iterator[str]:
    """Which strategy grows the process tree least, and what makes it grow.

    Args:
        sweep: the cases of the scenario.
        rows: its main cases of the reference size whose tree was watched; at least one.
        found: the contests among them.
    """
    yield _growth(sweep, rows)
    yield from (_least(ranking) for ranking in found if len(ranking.rows) > 1)
    yield _varied(sweep, rows, START_METHOD)
    yield _varied(sweep, rows, PASSES)
    yield first_batches(sweep)


def circumstances(row: CaseSummary) -> str:
    """What a process tree depends on: ``with 4 forked workers after 3 passes``."""
    passes = row.parameters.get(PASSES)
    parts = [workers_text(row), "" if passes is None else _after(PASSES, passes)]
    return " ".join(part for part in parts if part)


def workers_text(row: CaseSummary) -> str:
    """``with 4 forked workers``; "" where their number is no parameter."""
    if WORKERS not in row.parameters:
        return ""
    started = STARTED.get(str(row.parameters.get(START_METHOD)), "")
    return f"with {row.workers} {started}worker{'s' * (row.workers != 1)}"


def _after(name: str, value: Value) -> str:
    if name == PASSES:
        return f"after {value} pass{'es' * (value != 1)}"
    return f"with {value_text(name, value)}"


def _growth(sweep: Sweep, rows: Sequence[CaseSummary]) -> str:
    """The leanest and the fattest tree, and what adding up RSS would have made of them."""
    ordered = sorted(rows, key=sweep.weight)
    ends = [ordered[0]]
    if clearly_leaner(ordered[0], ordered[-1]):
        ends.append(ordered[-1])
    where = " ".join(part for part in (sweep.place, circumstances(ends[0])) if part)
    grown = [format_multiple(row.tree_multiple) for row in ends]
    added = series([format_multiple(row.tree_rss_multiple) for row in ends])
    more = f", `{ends[1].strategy}` by {grown[1]}" if len(ends) > 1 else ""
    return (
        f"{where}{', ' if where else ''}`{ends[0].strategy}` grows the whole process tree by "
        f"{grown[0]} the data{more}; adding up RSS would give {added}"
    )


def _least(ranking: Ranking) -> str:
    """Who needs least among those that promise the same."""
    if ranking.winner is not None:
        second = ranking.rows[1]
        less = (second.tree_bytes - ranking.winner.tree_bytes) / second.payload_bytes
        return (
            f"{ranking.meaning}, `{ranking.winner.strategy}` needs the least memory: "
            f"{format_multiple(less)} the data less than `{second.strategy}`"
        )
    names = [f"`{row.strategy}`" for row in ranking.leaders]
    return f"{ranking.meaning}, {shortened(names)} need about the same memory" + (
        ", the least" if len(ranking.leaders) < len(ranking.rows) else ""
    )


def _varied(sweep: Sweep, rows: Sequence[CaseSummary], name: str) -> str:
    """What a parameter does to the tree of the strategy that it makes most difference to."""
    if name not in sweep.info.parameters:
        return ""
    size = rows[0].size_bytes
    varied = [row for row in sweep.varying(name) if row.size_bytes == size and sweep.compared(row)]
    most: list[CaseSummary] = []
    for strategy in dict.fromkeys(row.strategy for row in rows):
        own = sorted((row for row in varied if row.strategy == strategy), key=sweep.weight)
        if len(own) > 1 and clearly_leaner(own[0], own[-1]) and _spread(own) > _spread(most):
            most = own
    if not most:
        return ""
    by_value = {row.parameters[name]: row for row in most}
    first, *rest = in_order(by_value, sweep.info.parameters[name].choices)
    grown = {value: format_multiple(row.tree_multiple) for value, row in by_value.items()}
    more = "".join(f", {_after(name, value)} by {grown[value]}" for value in rest)
    return f"{_after(name, first)} `{most[0].strategy}` grows the tree by {grown[first]}{more}"


def _spread(rows: Sequence[CaseSummary]) -> float:
    return rows[-1].tree_bytes - rows[0].tree_bytes if rows else 0.0
