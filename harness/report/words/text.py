"""Numbers and sentences as a report writes them."""

from __future__ import annotations

import math
from collections.abc import Callable

from harness.analysis.sweep import Sweep
from harness.analysis.wording import factor, percent
from harness.cases.summary import CaseSummary
from harness.charts.chart import Tip
from harness.schema.records import (
    DEVICE_BOTH,
    DEVICE_COPY,
    DEVICE_FROM,
    DEVICE_TO,
    DISK_RANDOM,
    DISK_SEQUENTIAL,
    Ceiling,
)
from harness.schema.values import value_text
from harness.stats.intervals import Interval
from harness.units import MISSING, format_multiple, format_rate, format_seconds, format_size
from harness.units import plural as plural

SMALL_RATIO = 0.01
"""Ratios below this are written as one in so many."""


def interval_text(interval: Interval, write: Callable[[float], str]) -> str:
    """``11.9–13.1 ms``; "" where there is no spread to speak of, as with a single process."""
    if math.isnan(interval.low) or interval.coverage == 0:
        return ""
    low, high = write(interval.low), write(interval.high)
    if low == high:
        return high
    unit = _unit(high)
    return f"{low.removesuffix(unit)}–{high}" if unit and _unit(low) == unit else f"{low}–{high}"


def _unit(text: str) -> str:
    return text[len(text.rstrip("abcdefghijklmnopqrstuvwxyzBGKMTPµ/× ")) :]


def seconds_text(interval: Interval) -> str:
    """``12.3 ms (11.9–13.1 ms)``."""
    return _with_range(interval, format_seconds)


def ratio_text(interval: Interval) -> str:
    """``0.42× (0.41–0.53×)``."""
    return _with_range(interval, format_ratio)


def format_ratio(ratio: float) -> str:
    """0.42 → ``0.42×``; 0.00002 → ``1/50 000``, since sharing may be that much faster."""
    if not 0 < ratio < SMALL_RATIO:
        return format_multiple(ratio)
    return f"1/{factor(1 / ratio).removesuffix('×')}"


def _with_range(interval: Interval, write: Callable[[float], str]) -> str:
    spread = interval_text(interval, write)
    return f"{write(interval.median)} ({spread})" if spread else write(interval.median)


def share_text(row: CaseSummary) -> str:
    """The share of the ceiling, in percent."""
    return MISSING if math.isnan(row.ceiling_fraction) else f"{row.ceiling_fraction:.0%}"


def share_of_ceiling(row: CaseSummary) -> str:
    """``81% of casting uint8 to float32``."""
    return f"{share_text(row)} of {ceiling_text(row.ceiling)}" if row.ceiling else MISSING


def throughput_tip(row: CaseSummary) -> Tip:
    """What a reader sees on pointing at a throughput."""
    ceiling = format_rate(row.ceiling.bytes_per_s) if row.ceiling else MISSING
    return (
        ("throughput", rate_text(row)),
        ("ceiling", ceiling),
        ("share of ceiling", share_of_ceiling(row)),
    )


def rate_text(row: CaseSummary) -> str:
    return MISSING if math.isnan(row.rate_bytes_per_s) else format_rate(row.rate_bytes_per_s)


def count_text(value: float) -> str:
    """A count, such as of page faults: whole, with thin spaces between thousands."""
    if math.isnan(value):
        return MISSING
    return f"{round(value):,}".replace(",", "\u202f")


def beside(sweep: Sweep) -> str:
    """What the main cases share besides the size, as a sentence; "" where there is no choice."""
    values = standing_at(sweep)
    return f" With {', '.join(values)}." if values else ""


def standing_at(sweep: Sweep) -> list[str]:
    """Where on axes beside the size the main cases stand: ``sample_cost_us 20 µs``."""
    usual = sweep.usual.get(sweep.info.baseline, {})
    return [f"{name} {value_text(name, usual[name])}" for name in sweep.axes if name in usual]


def epoch_text(row: CaseSummary) -> str:
    """``12.3 ms an epoch of 64 batches, 4 096 samples``; "" of what is no loader."""
    if row.loading is None:
        return ""
    samples, batches = count_text(row.loading.samples), row.loading.batches
    counts = f"{plural(batches, 'batch', 'batches')}, {samples} samples"
    return f"{format_seconds(row.steady.median)} an epoch of {counts}"


def samples_per_s_text(row: CaseSummary) -> str:
    """``12 300/s``, to three digits; a dash where nothing was trained on."""
    if row.training is None or math.isnan(row.training.samples_per_s):
        return MISSING
    rate = row.training.samples_per_s
    digits = min(0, 2 - math.floor(math.log10(rate))) if rate > 0 else 0
    return f"{count_text(round(rate, digits))}/s"


def loss_text(row: CaseSummary) -> str:
    """``2.31 → 0.42``: the loss of the first steps and of the last."""
    if row.training is None or math.isnan(row.training.first_loss):
        return MISSING
    return f"{row.training.first_loss:.3g} → {row.training.last_loss:.3g}"


def cache_text(row: CaseSummary) -> str:
    """What of the files lay in memory before an epoch, and after the first one."""
    if row.cache is None:
        return MISSING
    return (
        f"{row.cache.state}: {share_of(row.cache.before)} of the file in memory before an epoch, "
        f"{share_of(row.cache.after)} after the first"
    )


def share_of(share: float) -> str:
    return MISSING if math.isnan(share) else percent(share)


def peak_text(row: CaseSummary) -> str:
    """Extra memory at the peak, and beside it the pages of files that are left out of it."""
    beside = row.peak_extra_bytes - row.extra_bytes
    pages = f", plus {format_size(beside)} of file pages" if beside > 0 else ""
    return f"{format_size(row.extra_bytes)}{pages}"


def tree_text(row: CaseSummary) -> str:
    """What a process tree grew by, and of what; "" where none was watched."""
    if row.tree is None:
        return ""
    most = row.tree.peak
    processes = plural(most.processes, "process", "processes")
    shared, file_pages = most.pss.shmem_bytes, most.pss.file_bytes
    parts = [f"{format_size(most.own_bytes)} in {processes}"]
    parts += [f"{format_size(shared)} of it shared memory"] if shared else []
    parts += [f"plus {format_size(file_pages)} of file pages"] if file_pages > 0 else []
    return ", ".join(parts)


def yes_no(value: bool | None) -> str:
    return MISSING if value is None else "yes" if value else "no"


def capital(text: str) -> str:
    """A text with its first letter large, as at the beginning of a sentence."""
    return text[:1].upper() + text[1:]


EARLIER_TEXTS = {
    "memcpy_touched": "memcpy into touched memory",
    "memcpy_fresh": "memcpy into fresh 4 KiB pages",
    "memcpy_fresh_huge": "memcpy into fresh huge pages",
    DISK_SEQUENTIAL: "the disk in sequence",
    DISK_RANDOM: "the disk, 4 KiB at random",
    DEVICE_TO: "pinned memory to the device",
    DEVICE_FROM: "the device to pinned memory",
    DEVICE_BOTH: "both ways at once",
    DEVICE_COPY: "one place on the device to another",
}
"""What ceilings were of, in journals whose ceilings do not say so themselves."""


def ceiling_text(ceiling: Ceiling) -> str:
    """``casting uint8 to float32``."""
    return ceiling.text or EARLIER_TEXTS.get(ceiling.name, ceiling.name)
