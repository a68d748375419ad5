"""What reading from a file costs: cold or warm, in which order, in what pieces, of which dtype."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.analysis.ranking import certainly_less
from harness.analysis.sweep import Sweep
from harness.analysis.wording import factor, percent, shortened
from harness.cases.summary import CaseSummary
from harness.planning.parameter_values import in_order
from harness.scenario import PAGE_CACHE
from harness.schema.records import DISK_RANDOM, DISK_SEQUENTIAL, Value
from harness.schema.values import value_text
from harness.stats.intervals import NOTHING, Interval
from harness.units import format_rate

COLD, WARM = "cold", "warm"
DISK = {DISK_SEQUENTIAL: "in sequence", DISK_RANDOM: "at random places"}
"""How the ceilings of the disk were read."""
SPOKEN_OF = {
    "access": ("{}", ""),
    "sample_bytes": ("of {}", " a byte"),
    "dtype": ("kept as {}", " a value"),
    "data_offset": ("that begin {} bytes into the file", ""),
}
"""Parameters of files that are told of, how their values are put, and what times are compared by
where samples differ in size."""
WORDS: dict[Value, str] = {
    "shuffled": "in shuffled order",
    "sequential": "in sequential order",
    "chunks": "shuffled among neighbours",
}


def file_sentences(sweep: Sweep) -> Iterator[str]:
    """What a scenario that trains from files says of them."""
    yield cold_and_warm(sweep)
    for name in SPOKEN_OF:
        yield varied(sweep, name)


def caches(sweep: Sweep) -> list[tuple[CaseSummary, CaseSummary]]:
    """The cases of each strategy that were measured both cold and warm, in that order."""
    if PAGE_CACHE not in sweep.info.parameters:
        return []
    by_strategy: dict[str, dict[Value, CaseSummary]] = {}
    for row in sweep.variation(PAGE_CACHE):
        if row.timed:
            by_strategy.setdefault(row.strategy, {})[row.parameters[PAGE_CACHE]] = row
    return [
        (states[COLD], states[WARM])
        for states in by_strategy.values()
        if COLD in states and WARM in states
    ]


def cold_and_warm(sweep: Sweep) -> str:
    """What a cold epoch costs over a warm one, and how near it comes to the disk; "" if nothing."""
    pairs = caches(sweep)
    slower = sorted(
        (cold.steady.median / warm.steady.median, cold.strategy)
        for cold, warm in pairs
        if certainly_less(warm.steady, cold.steady)
    )
    if not slower:
        return ""
    text = f"from a cold page cache an epoch takes {_ends(slower)} as long as from a warm one"
    known = sorted(
        (
            cold
            for cold, _ in pairs
            if cold.ceiling and cold.ceiling.name in DISK and cold.rate_bytes_per_s > 0
        ),
        key=lambda row: -row.rate_bytes_per_s,
    )
    told = [_of_disk(row) for row in (*known[:1], *known[1:][-1:])]
    return f"{text}; cold, {', '.join(told)}" if told else text


def _of_disk(row: CaseSummary) -> str:
    """``x` reads 1.2 GB/s, 80% of what the disk delivers in sequence``."""
    assert row.ceiling is not None
    return (
        f"`{row.strategy}` reads {format_rate(row.rate_bytes_per_s)}, "
        f"{percent(row.ceiling_fraction)} of what the disk delivers {DISK[row.ceiling.name]}"
    )


def _ends(found: Sequence[tuple[float, str]]) -> str:
    """``1.4× (`a`) to 9.3× (`b`)`` of ascending ratios; one where the ends are written alike."""
    (low, first), (high, last) = found[0], found[-1]
    if factor(low) == factor(high):
        return f"{factor(high)} ({shortened([f'`{name}`' for _, name in found], 1)})"
    return f"{factor(low)} (`{first}`) to {factor(high)} (`{last}`)"


def varied(sweep: Sweep, name: str) -> str:
    """How samples compare under the values of a parameter with those under its usual one.

    Of what does not differ for certain, nothing is said.
    """
    if name not in sweep.info.parameters:
        return ""
    phrase, by = SPOKEN_OF[name]
    usual = sweep.info.parameters[name].default
    rows = [row for row in sweep.variation(name) if row.timed and row.loading]
    at_usual = {row.strategy: row for row in rows if row.parameters[name] == usual}
    parts = []
    for value in in_order((row.parameters[name] for row in rows), sweep.info.parameters[name].full):
        pairs = [
            (row, at_usual[row.strategy])
            for row in rows
            if row.parameters[name] == value != usual and row.strategy in at_usual
        ]
        if told := _compared(pairs, by):
            parts.append(f"those {phrase.format(_value(name, value))} {told}")
    against = phrase.format(_value(name, usual))
    return f"compared with samples {against}, {'; '.join(parts)}" if parts else ""


def _value(name: str, value: Value) -> str:
    return WORDS.get(value, value_text(name, value))


def _compared(pairs: Sequence[tuple[CaseSummary, CaseSummary]], by: str) -> str:
    """What the first of each pair takes by the second, each by a byte of data."""
    times = [(_by_byte(row), _by_byte(usual), row.strategy) for row, usual in pairs]
    slower = sorted(
        (own.median / usual.median, strategy)
        for own, usual, strategy in times
        if certainly_less(usual, own)
    )
    faster = sorted(
        (usual.median / own.median, strategy)
        for own, usual, strategy in times
        if certainly_less(own, usual)
    )
    said = [f"take {_ends(slower)} as long{by}"] if slower else []
    said += [f"are {_ends(faster)} faster{by}"] if faster else []
    return " and ".join(said)


def _by_byte(row: CaseSummary) -> Interval:
    """An epoch's time by bytes of its batches: samples may be larger, or files smaller."""
    return row.steady.divided(row.loading.data_bytes) if row.loading else NOTHING
