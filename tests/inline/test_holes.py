"""Peaks in a process whose heap has holes, and what is said where a figure may be too low."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness import Measurement, measure
from harness.errors import UsageError
from harness.inline.budget import BudgetExceededError
from harness.trial.meters.malloc_heaps import Heaps, is_accounted
from harness.trial.meters.python_arenas import Arenas
from harness.trial.timing import steps

MIB = 1024**2
LOT = 8 * MIB

pytestmark = pytest.mark.skipif(not is_accounted(), reason="another allocator than glibc's")

Make = Callable[[int], Any]


def numpy_block(size: int) -> Any:
    return np.ones(size, np.uint8)


def torch_block(size: int) -> Any:
    return torch.ones(size, dtype=torch.uint8)


def objects(size: int) -> Any:
    return b"\1" * (size - 33)


def slots(size: int) -> Any:
    """Memory that is no payload."""
    return [None] * ((size - 56) // 8)


def lot(make: Make, size: int) -> list[Any]:
    return [make(size) for _ in range(LOT // size)]


def with_holes(make: Make, size: int) -> list[Any]:
    return [*lot(make, size), *lot(make, size)][::2]


def memory_of(function: Callable[..., Any], *args: Any, **options: Any) -> Measurement:
    found = measure(function, *args, trials=0, check=False, **options)
    assert found.ok, found
    return found


@pytest.mark.parametrize(
    ("make", "size"),
    [(numpy_block, 4096), (numpy_block, 1500), (torch_block, 20_000), (objects, 512)],
    ids=["numpy-4096", "numpy-1500", "torch-20000", "python-512"],
)
def test_holes_hide_nothing(make: Make, size: int) -> None:
    without = memory_of(lot, make, size)
    kept = with_holes(make, size)
    found = memory_of(lot, make, size)
    assert kept
    tolerance = MIB if make is objects else max(0.02 * LOT, MIB // 4)
    assert found.peak_extra_bytes == pytest.approx(without.peak_extra_bytes, abs=tolerance)
    assert found.retained_bytes == pytest.approx(found.peak_extra_bytes, abs=tolerance)
    assert found.peak_extra_bytes >= 0.98 * LOT
    found.within(left=0)
    with pytest.raises(BudgetExceededError, match="at the peak"):
        found.within(peak="1MiB")


def in_thread(do: Callable[[], Any]) -> Any:
    made: list[Any] = []
    thread = threading.Thread(target=lambda: made.append(do()))
    thread.start()
    thread.join()
    return made[0]


def test_holes_that_threads_left_do_not_serve_those_of_the_call() -> None:
    kept = in_thread(lambda: with_holes(numpy_block, 4096))
    found = memory_of(lambda: in_thread(lambda: lot(numpy_block, 4096)))
    assert kept
    assert found.peak_extra_bytes >= 0.98 * LOT


def test_a_call_from_a_thread_is_measured_in_that_threads_arena() -> None:
    def both() -> tuple[list[Any], Measurement]:
        kept = with_holes(numpy_block, 4096)
        return kept, memory_of(lot, numpy_block, 4096)

    kept, found = in_thread(both)
    assert kept
    assert found.peak_extra_bytes >= 0.98 * LOT


# What takes no pages


def test_memory_that_is_not_touched_is_known_to_be_none() -> None:
    def untouched() -> Any:
        return np.zeros(2**28), [np.empty(100_000, np.uint8) for _ in range(200)]

    found = memory_of(untouched)
    assert found.ledger is not None
    assert not found.ledger.doubt
    assert found.peak_extra_bytes < 4 * MIB
    found.within(peak="8MiB")


def test_a_block_that_grows_is_counted_once() -> None:
    def grow() -> bytearray:
        data = bytearray()
        for _ in range(256):
            data += b"\1" * (LOT // 256)
        return data

    assert memory_of(grow).peak_extra_bytes == pytest.approx(LOT, abs=MIB)


def test_what_was_there_before_makes_room_for_what_comes() -> None:
    shelf = [lot(slots, 4096)]

    def renew() -> list[Any]:
        shelf.clear()
        return lot(slots, 4096)

    found = memory_of(renew, warm=False)
    assert found.peak_extra_bytes < MIB


def test_what_was_there_before_and_is_gone_is_said_in_words() -> None:
    shelf = [lot(slots, 4096)]
    found = memory_of(shelf.clear, warm=False)
    assert found.left_bytes < -0.8 * LOT  # what shares a page with others stays
    assert "less than before without it" in repr(found)
    found.within(left=0)


# The second line of defence: with the holes left unfilled


@pytest.fixture
def unfilled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "fill_holes", Arenas.now)


def refuses(found: Measurement, **budget: Any) -> None:
    with pytest.raises(UsageError, match="cannot be judged"):
        found.within(**budget)


def is_unknown(found: Measurement) -> None:
    assert math.isnan(found.peak_extra_bytes)
    assert math.isnan(found.retained_bytes)
    assert math.isnan(found.left_bytes)
    assert math.isnan(found.copies)
    assert "at least" in repr(found)
    for budget in ({"peak": "32MiB"}, {"retained": "32MiB"}, {"left": 0}):
        refuses(found, **budget)


@pytest.mark.usefixtures("unfilled")
def test_a_figure_that_holes_may_have_lowered_is_not_shown() -> None:
    kept = with_holes(numpy_block, 4096)
    payload = np.ones(2 * MIB, np.uint8)
    found = memory_of(lambda data: lot(numpy_block, 4096), payload)
    assert kept
    assert found.ledger is not None
    assert "lay free" in found.ledger.doubt
    is_unknown(found)
    refuses(found, copies=100)


@pytest.mark.usefixtures("unfilled")
@pytest.mark.parametrize(("make", "size"), [(numpy_block, 4096), (objects, 256)])
def test_the_allocators_account_contradicts_the_pages(
    make: Make, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Heaps, "room_bytes", 0)  # as if nothing had been seen beforehand
    monkeypatch.setattr(Heaps, "free_bytes", 0)
    monkeypatch.setattr(Arenas, "room_bytes", 0)
    kept = with_holes(make, size)
    found = memory_of(lot, make, size, warm=False)
    assert kept
    assert found.ledger is not None
    assert "handed out" in found.ledger.doubt
    is_unknown(found)


@pytest.mark.usefixtures("unfilled")
def test_what_exceeds_a_budget_at_the_least_exceeds_it() -> None:
    kept = with_holes(numpy_block, 512)
    with pytest.raises(BudgetExceededError, match="at least"):
        memory_of(lambda: np.ones(4 * MIB)).within(peak="1MiB")
    assert kept


def test_a_ledger_that_contradicts_itself_is_not_shown() -> None:
    found = memory_of(lambda: np.ones(4 * MIB))
    assert found.ledger is not None
    bent = replace(
        found, ledger=replace(found.ledger, peak=replace(found.ledger.peak, anon_bytes=7 * MIB))
    )
    is_unknown(bent)


# Pages of mapped files that become the process's own

PAGES = 16 * MIB


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    np.save(tmp_path / "data.npy", np.ones(PAGES // 4, np.float32))
    torch.save({"weights": torch.ones(PAGES // 4)}, tmp_path / "data.pt")
    yield tmp_path
    for one in tmp_path.iterdir():
        with suppress(OSError):
            one.unlink()


def add(data: Any) -> None:
    data += 1


def add_to_half(data: Any) -> None:
    data[: len(data) // 2] += 1


def by_numpy(folder: Path) -> Any:
    return np.load(folder / "data.npy", mmap_mode="c")


def by_torch(folder: Path) -> Any:
    return torch.load(folder / "data.pt", mmap=True)["weights"]


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("load", [by_numpy, by_torch])
def test_pages_that_are_copied_on_writing_count(
    load: Callable[[Path], Any], warm: bool, file: Path
) -> None:
    data = load(file)
    assert float(data.sum()) == PAGES // 4  # all of it is resident before the call
    found = memory_of(add, data, warm=warm)
    assert found.copies == pytest.approx(1.0, abs=0.02)
    assert found.peak_extra_bytes == pytest.approx(PAGES, abs=MIB // 2)
    assert found.retained_bytes == pytest.approx(PAGES, abs=MIB // 2)
    assert float(data.sum()) == PAGES // 4
    with pytest.raises(BudgetExceededError):
        found.within(peak="1MiB")


def test_only_those_that_are_written_to_count(file: Path) -> None:
    data = by_numpy(file)
    data.sum()
    assert memory_of(add_to_half, data).copies == pytest.approx(0.5, abs=0.02)
    data[: len(data) // 2] = 7  # which are copied now, and will not be again
    assert memory_of(add, data).copies == pytest.approx(0.5, abs=0.02)


def test_a_copy_beside_them_counts_too(file: Path) -> None:
    def copy_and_add(data: Any) -> None:
        copied = data * 2
        data += copied[0]
        time.sleep(0.05)  # for the observer: the process as a whole does not grow by this

    data = by_numpy(file)
    data.sum()
    assert memory_of(copy_and_add, data).copies == pytest.approx(2.0, abs=0.04)


def test_pages_inherited_from_the_users_process_are_no_new_ones() -> None:
    assert memory_of(add, np.ones(PAGES // 4, np.float32)).copies == pytest.approx(0, abs=0.04)


def test_arenas_that_many_threads_have_left_are_filled_too() -> None:
    """Reading what is free there leaves a hole in none of them."""
    all_there, alive = threading.Barrier(30), []

    def use_some() -> None:
        kept = [np.ones(40 * number + 1500, np.uint8) for number in range(200)]
        all_there.wait(60)
        alive.append(kept[::2])  # so that there is much to report

    threads = [threading.Thread(target=use_some) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = memory_of(lot, numpy_block, 4096)
    assert alive
    assert found.ledger is not None
    assert not found.ledger.doubt
    assert found.peak_extra_bytes >= 0.98 * LOT
