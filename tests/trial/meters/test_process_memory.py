"""The memory ledger: made from readings by hand, and of real memory in this process."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import pytest

from harness.schema.records import MISSED, Ledger, Rss
from harness.trial.meters import process_memory
from harness.trial.meters.process_memory import (
    EXACT,
    NOT_RESET,
    OBSERVED_SOURCE,
    UNSPLIT,
    MaxRssMeter,
    ProcMeter,
    Status,
    Watched,
    make_ledger,
    parse_status,
)

MIB = 1024**2
STATUS = b"""Name:\tpython
VmPeak:\t  640000 kB
VmHWM:\t     300 kB
VmRSS:\t     222 kB
RssAnon:\t     100 kB
RssFile:\t     120 kB
RssShmem:\t       2 kB
VmData:\t    9000 kB
VmSwap:\t       1 kB
Threads:\t1
"""
BEFORE = Rss(100 * MIB, 40 * MIB, 2 * MIB)


def test_status_is_read_in_bytes() -> None:
    assert parse_status(STATUS) == Status(Rss(102400, 122880, 2048), 307200, 9216000, 1024)


@pytest.mark.parametrize("field", [b"VmHWM", b"RssAnon", b"VmData", b"VmSwap"])
def test_a_missing_field_is_an_error(field: bytes) -> None:
    with pytest.raises(ValueError, match="not found"):
        parse_status(STATUS.replace(field, b"Other"))


def grown(anon: float = 0, file: float = 0, shmem: float = 0) -> Rss:
    """``BEFORE`` and some MiB."""
    return Rss(
        BEFORE.anon_bytes + round(anon * MIB),
        BEFORE.file_bytes + round(file * MIB),
        BEFORE.shmem_bytes + round(shmem * MIB),
    )


def ledger(
    peak: float, retained: Rss = BEFORE, watched: Rss | None = None, total: float | None = None
) -> Ledger:
    """A call whose high-water mark rose by ``peak`` MiB, seen up to ``total`` by an observer."""
    base = BEFORE.total_bytes
    seen = None
    if watched is not None:
        seen = Watched(watched, base + round((peak if total is None else total) * MIB))
    return make_ledger(
        Status(BEFORE, base), Status(retained, base + round(peak * MIB)), Rss(), EXACT, seen
    )


def mib(rss: Rss) -> tuple[float, float, float]:
    return rss.anon_bytes / MIB, rss.file_bytes / MIB, rss.shmem_bytes / MIB


def test_an_observer_is_believed_where_the_high_water_mark_reads_low() -> None:
    """Of all kinds together, too, which no kind by itself comes to."""
    found = ledger(90, watched=grown(anon=64, file=32), total=96)
    assert found.peak_extra_bytes == 96 * MIB
    assert mib(found.peak) == (64, 32, 0)


@pytest.mark.parametrize(
    ("peak", "retained", "watched", "parts"),
    [
        # kept, of one kind each
        (64, grown(anon=64), grown(anon=64), (64, 0, 0)),
        (64, grown(file=64), grown(file=64), (0, 64, 0)),
        (64, grown(shmem=64), grown(shmem=64), (0, 0, 64)),
        # given back within the call
        (64, BEFORE, grown(anon=64), (64, 0, 0)),
        (64, BEFORE, grown(file=64), (0, 64, 0)),
        (64, BEFORE, grown(shmem=64), (0, 0, 64)),
        # at once, and one after the other: parts need not have peaked together
        (128, grown(anon=64), grown(anon=64, file=64), (64, 64, 0)),
        (64, BEFORE, grown(anon=64, file=64), (64, 64, 0)),
        (96, grown(shmem=32), grown(anon=64, shmem=32), (64, 0, 32)),
        # the little that an observer does not see was anonymous
        (64, BEFORE, grown(anon=63.75), (64, 0, 0)),
        # memory shrank
        (0, grown(anon=-8), grown(), (0, 0, 0)),
    ],
)
def test_the_peak_is_split_by_what_was_observed(
    peak: float, retained: Rss, watched: Rss, parts: tuple[float, float, float]
) -> None:
    total = peak - 0.25 if watched == grown(anon=63.75) else peak
    found = ledger(peak, retained, watched, total)
    assert found.peak_extra_bytes == peak * MIB
    assert mib(found.peak) == parts
    assert found.split_source == OBSERVED_SOURCE


def test_without_observer_what_did_not_stay_counts_as_anonymous() -> None:
    found = ledger(100, grown(file=30, shmem=20))
    assert mib(found.peak) == (50, 30, 20)
    assert found.split_source == UNSPLIT


def test_an_observer_that_missed_the_peak_blames_no_kind() -> None:
    """Otherwise a file that was mapped and unmapped meanwhile would be a copy."""
    found = ledger(64, grown(anon=8), grown(anon=8), total=8)
    assert found.peak_extra_bytes == 64 * MIB
    assert mib(found.peak) == (8, 0, 0)
    assert found.split_source == MISSED


def test_what_an_observer_saw_mends_a_high_water_mark_that_reads_low() -> None:
    found = ledger(63.75, BEFORE, grown(anon=64), total=64)
    assert found.peak_extra_bytes == 64 * MIB
    assert mib(found.peak) == (64, 0, 0)


@pytest.mark.parametrize(
    ("file_went", "seen", "peak", "known"),
    [
        (32, grown(anon=32, file=-32), 32, True),  # copied on writing, all of it
        (32, grown(anon=20, file=-32), 20, False),  # or unmapped, with something else beside
        (32, None, 0, False),
        (0, None, 0, True),
    ],
)
def test_pages_of_files_that_are_replaced_leave_the_total_as_it_was(
    file_went: int, seen: Rss | None, peak: int, known: bool
) -> None:
    base = BEFORE.total_bytes
    watched = None if seen is None else Watched(seen, base)
    after = Status(grown(file=-file_went), base)
    found = make_ledger(Status(BEFORE, base), after, Rss(), EXACT, watched)
    assert found.peak_extra_bytes == found.peak.anon_bytes == peak * MIB
    assert bool(found.doubt) is not known


def test_pages_that_were_swapped_out_make_the_peak_unknown() -> None:
    base = BEFORE.total_bytes
    after = Status(BEFORE, base, swapped_bytes=8 * MIB)
    assert "swapped" in make_ledger(Status(BEFORE, base), after, Rss(), EXACT).doubt


def test_retained_and_left_are_growth_over_the_start() -> None:
    base = BEFORE.total_bytes
    after = Status(grown(anon=64, file=8), base + 72 * MIB)
    found = make_ledger(Status(BEFORE, base), after, Rss(48 * MIB, 8 * MIB, 0), EXACT)
    assert found.before == BEFORE
    assert mib(found.retained) == (64, 8, 0)
    assert mib(found.left) == (16, 0, 0)
    assert found.source == EXACT


@pytest.fixture
def meter() -> ProcMeter:
    found = ProcMeter()
    if found.source != EXACT:
        pytest.skip("this kernel does not let processes reset VmHWM")
    return found


def touched(size: int) -> mmap.mmap:
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for start in range(0, size, mmap.PAGESIZE):
        pages[start] = 1
    return pages


def test_the_high_water_mark_forgets_what_came_before_the_reset(meter: ProcMeter) -> None:
    touched(64 * MIB).close()
    meter.reset_peak()
    before = meter.read()
    assert before.peak_bytes - before.rss.total_bytes < 2 * MIB
    touched(16 * MIB).close()
    after = meter.read()
    assert after.peak_bytes - before.rss.total_bytes == pytest.approx(16 * MIB, abs=MIB)
    assert after.rss.total_bytes - before.rss.total_bytes < 2 * MIB


def test_pages_are_told_apart_by_kind(meter: ProcMeter, tmp_path: Path) -> None:
    before = meter.read().rss
    kept = touched(16 * MIB)
    assert mib(meter.read().rss - before) == pytest.approx((16, 0, 0), abs=1)
    kept.close()
    shared = mmap.mmap(-1, 8 * MIB)
    shared.write(b"1" * len(shared))
    assert mib(meter.read().rss - before)[2] == pytest.approx(8, abs=0.5)
    shared.close()


def test_a_system_that_cannot_reset_says_so(monkeypatch: Any) -> None:
    monkeypatch.setattr(process_memory, "CLEAR_REFS", Path("/no/such/file"))
    meter = ProcMeter()
    assert meter.source == NOT_RESET
    meter.reset_peak()
    assert meter.read().peak_bytes >= meter.read().rss.total_bytes - MIB


def test_the_fallback_names_itself_and_knows_growth_only() -> None:
    meter = MaxRssMeter()
    before = meter.read()
    assert before.rss == Rss(anon_bytes=before.peak_bytes)
    assert before.peak_bytes > 10 * MIB, "in bytes, not in the kilobytes that Linux reports"
    assert "lower bound" in meter.source
