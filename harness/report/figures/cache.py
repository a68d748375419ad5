"""What a cold page cache costs, against a warm one and against the disk."""

from __future__ import annotations

from collections.abc import Mapping

from harness.analysis.files import caches
from harness.analysis.sweep import Sweep
from harness.analysis.verdict import Verdict
from harness.cases.summary import CaseSummary
from harness.charts.chart import Axis, Dot, DotFigure, ReferenceLine, Role, Tip
from harness.charts.ticks import rate_ticks, widen
from harness.report.figures.dot_rows import dot_rows, extent, many
from harness.report.words.text import (
    DISK_TEXTS,
    cache_text,
    ceiling_text,
    epoch_text,
    seconds_text,
    share_text,
)
from harness.schema.records import DISK_CEILINGS
from harness.units import MISSING, format_rate, format_size


def cache_figure(
    sweep: Sweep, verdict: Verdict, ceilings: Mapping[tuple[str, int], float]
) -> DotFigure | None:
    """How much of the files goes by in a second, cold and warm, of strategies measured in both."""
    pairs = {cold.strategy: (cold, warm) for cold, warm in caches(sweep)}

    def dots(row: CaseSummary) -> list[Dot]:
        cold, warm = pairs[row.strategy]
        tip = _tip(cold, warm)
        roles: tuple[tuple[Role, CaseSummary], ...] = (("main", cold), ("second", warm))
        return [Dot(0, role, *_rates(one), tip) for role, one in roles]

    rows = dot_rows(sweep, verdict, dots, lambda name: [pairs[name][0]] if name in pairs else [])
    if not many(rows):
        return None
    references = tuple(
        ReferenceLine(limit, f"{DISK_TEXTS[name]}, {format_rate(limit)}")
        for (name, _), limit in sorted(ceilings.items(), key=lambda item: item[1])
        if name in DISK_CEILINGS
    )
    low, high = widen([*extent(rows), *(reference.value for reference in references)])
    size = next(iter(pairs.values()))[0].size_bytes
    at = f" At {format_size(size)}." if size is not None else ""
    upright = " Upright rules: what this disk reached in the same run." if references else ""
    return DotFigure(
        sweep.info.name,
        "cache",
        "What a cold page cache costs",
        "Bytes of the file a second, over an epoch with its training steps; further right is "
        f"better. A long line is a price of reading from the disk.{upright}{at}",
        Axis("GB/s", "rate", True, low, high, rate_ticks(low, high)),
        rows,
        (0,),
        0,
        (("main", "cold"), ("second", "warm")),
        joined=True,
        references=references,
        wide=True,
    )


def _rates(row: CaseSummary) -> tuple[float, float, float]:
    """Bytes of the file a second, and the ends of their interval."""
    time = row.steady
    payload = row.payload_bytes
    return payload / time.median, payload / time.high, payload / time.low


def _tip(cold: CaseSummary, warm: CaseSummary) -> Tip:
    share = f"{share_text(cold)} of {ceiling_text(cold.ceiling)}" if cold.ceiling else MISSING
    return (
        ("cold", f"{format_rate(_rates(cold)[0])} of the file, {epoch_text(cold)}"),
        ("warm", f"{format_rate(_rates(warm)[0])} of the file, {epoch_text(warm)}"),
        ("cold per sample", seconds_text(cold.pace)),
        ("warm per sample", seconds_text(warm.pace)),
        ("cold, share of ceiling", share),
        ("page cache", cache_text(cold)),
    )
