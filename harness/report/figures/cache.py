"""What a cold page cache costs, against a warm one and against the disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.analysis.files import caches
from harness.cases.summary import CaseSummary
from harness.charts.chart import Figure, Role, Tip
from harness.report.figures.spec import (
    DotSpec,
    FigureSpec,
    OtherSpec,
    Subject,
    Values,
    log_values,
    of,
    rules_of,
)
from harness.report.words.text import (
    cache_text,
    epoch_text,
    seconds_text,
    share_of_ceiling,
)
from harness.units import format_rate, format_size


def _cache(subject: Subject) -> Iterator[Figure]:
    """How much of the files goes by in a second, of strategies measured both cold and warm."""
    pairs = {cold.strategy: (cold, warm) for cold, warm in caches(subject.sweep)}
    sizes = [cold.size_bytes for cold, _ in pairs.values() if cold.size_bytes is not None]

    def values(row: CaseSummary) -> Mapping[Role, Values]:
        cold, warm = pairs[row.strategy]
        return {"main": _rate(cold), "second": _rate(warm)}

    def tip(row: CaseSummary) -> Tip:
        cold, warm = pairs[row.strategy]
        return (
            ("cold", f"{format_rate(_rate(cold)[0])} of the file, {epoch_text(cold)}"),
            ("warm", f"{format_rate(_rate(warm)[0])} of the file, {epoch_text(warm)}"),
            ("cold per sample", seconds_text(cold.pace)),
            ("warm per sample", seconds_text(warm.pace)),
            ("cold, share of ceiling", share_of_ceiling(cold)),
            ("page cache", cache_text(cold)),
        )

    yield from DotSpec(
        of("training"),
        "cache",
        "What a cold page cache costs",
        "Bytes of the file per second, over an epoch with its training steps; further right is "
        "better. A long line shows what reading from the disk costs.{rules}"
        + (f" At {format_size(sizes[0])}." if sizes else ""),
        log_values("GB/s", "rate"),
        {"main": "cold", "second": "warm"},
        values,
        tip,
        among=lambda _: [cold for cold, _ in pairs.values()],
        sized=False,
        joined=True,
        wide=True,
        references=lambda _: rules_of(cold for cold, _ in pairs.values()),
        rules=" Vertical lines: what this disk reached in the same run.",
    ).figures(subject)


def _rate(row: CaseSummary) -> Values:
    """Bytes of the file a second."""
    payload, time = row.payload_bytes, row.steady
    return payload / time.median, payload / time.high, payload / time.low


FIGURES: tuple[FigureSpec, ...] = (OtherSpec(of("training"), _cache),)
