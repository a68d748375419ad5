"""Functions of known cost: what is reported against what is known from their buffers' sizes."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness import Measurement, measure
from harness.inline.measure import Job, effort_of, measure_job

MIB = 1024**2
PAYLOAD = 64 * MIB
WITHIN = 0.02
QUIET = MIB  # what a call may leave on the heap beside its data

Way = Callable[[Any, int], Any]


def array_kept(array: Any, copies: int) -> Any:
    return [array.copy() for _ in range(copies)]


def array_dropped(array: Any, copies: int) -> Any:
    made = [array.copy() for _ in range(copies)]
    return float(sum(one[0] for one in made))


def tensor_kept(tensor: Any, copies: int) -> Any:
    return [tensor.clone() for _ in range(copies)]


def tensor_dropped(tensor: Any, copies: int) -> Any:
    made = [tensor.clone() for _ in range(copies)]
    return float(sum(float(one[0]) for one in made))


@pytest.fixture(scope="module")
def array() -> Any:
    return np.ones(PAYLOAD // 4, np.float32)


def memory_of(function: Callable[..., Any], *args: Any, warm: bool = True) -> Measurement:
    found = measure_job(Job(function, args), effort_of(0, 0.0, 60.0), warm=warm)
    assert found.ok, found
    return found


@pytest.mark.parametrize("second", [True, False], ids=["second-call", "first-call"])
@pytest.mark.parametrize("copies", [0, 1, 2, 3])
@pytest.mark.parametrize("way", [array_kept, array_dropped, tensor_kept, tensor_dropped])
def test_copies_are_counted(way: Way, copies: int, second: bool, array: Any) -> None:
    data = torch.from_numpy(array) if "tensor" in way.__name__ else array
    found = memory_of(way, data, copies, warm=second)
    assert found.payload_bytes == PAYLOAD
    assert found.payload_source == "arguments"
    assert found.copies == pytest.approx(copies, abs=WITHIN * max(1, copies))
    kept = copies * PAYLOAD if "kept" in way.__name__ else 0
    assert found.retained_bytes == pytest.approx(kept, abs=QUIET)
    assert abs(found.left_bytes) < QUIET


def test_small_payloads_are_counted_too() -> None:
    """The second call needs no code or tables that were not there: hardly a page is stray."""
    found = memory_of(np.copy, np.ones(4 * MIB // 8))
    assert found.copies == pytest.approx(1, abs=WITHIN), found.trials


def test_what_this_process_holds_is_not_the_functions(array: Any) -> None:
    held = np.ones(256 * MIB // 8)
    found = memory_of(np.copy, array)
    assert found.copies == pytest.approx(1, abs=WITHIN)
    assert found.ledger is not None
    assert found.ledger.before.anon_bytes > held.nbytes


@pytest.fixture
def freed_heap() -> Iterator[int]:
    """256 MiB that were used and freed, which the allocator cannot give back by itself."""
    blocks = [bytearray(64 * 1024) for _ in range(256 * 16)]
    pinned = bytearray(64 * 1024)  # at the end of the heap, so that its top is not free
    del blocks
    yield resident_bytes()
    del pinned


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def blockwise(array: Any) -> Any:
    """A copy in pieces that the allocator takes from its heap."""
    size = 64 * 1024
    data = array.view(np.uint8)
    return [bytearray(data[start : start + size]) for start in range(0, data.size, size)]


def test_heap_that_this_process_has_freed_hides_nothing(array: Any, freed_heap: int) -> None:
    assert freed_heap > 256 * MIB  # it is still resident, and would serve a copy without a page
    found = memory_of(blockwise, array, warm=False)
    assert found.copies == pytest.approx(1, abs=WITHIN)


def test_what_the_allocator_keeps_is_not_kept_by_the_function() -> None:
    """15 MiB come from the heap once as much was freed; it stays with the process, unused."""

    def uses() -> float:
        first = np.ones(15 * MIB // 8)
        del first
        second = np.ones(15 * MIB // 8)
        return float(second[0])

    found = memory_of(uses)
    assert found.peak_extra_bytes > 14 * MIB
    assert abs(found.retained_bytes) < QUIET
    assert abs(found.left_bytes) < QUIET


def test_a_cache_that_the_first_call_fills_is_told_apart(array: Any) -> None:
    kept: dict[str, Any] = {}

    def cached(value: Any) -> Any:
        if "copy" not in kept:
            kept["copy"] = value.copy()
        return kept["copy"]

    found = memory_of(cached, array)
    assert found.copies == pytest.approx(0, abs=WITHIN)
    assert found.first_ledger is not None
    assert found.first_ledger.left.anon_bytes == pytest.approx(PAYLOAD, abs=QUIET)
    assert any(
        re.search(r"6[34](\.\d+)? MiB stayed after the first call", text) for text in found.remarks
    ), found.remarks
    assert kept == {}


def test_sharing_is_known_by_addresses(array: Any) -> None:
    assert memory_of(torch.from_numpy, array).shares_memory is True
    assert memory_of(torch.tensor, array).shares_memory is False
    assert memory_of(lambda values: values.nbytes, array).shares_memory is None


@pytest.mark.parametrize("where", ["closure", "keyword", "given"])
def test_the_payload_is_found(array: Any, where: str) -> None:
    if where == "closure":
        found = memory_of(lambda: array.copy())
        assert found.payload_source == "closure"
    elif where == "keyword":
        found = measure(np.copy, a=array, trials=0)
        assert found.payload_source == "arguments"
    else:
        found = measure(lambda: np.ones(PAYLOAD // 8), payload=PAYLOAD, trials=0)
        assert found.payload_source == "given"
    assert found.payload_bytes == PAYLOAD
    assert found.copies == pytest.approx(1, abs=WITHIN)


def test_a_mapped_file_is_no_copy(tmp_path: Path) -> None:
    file = tmp_path / "data.npy"
    np.save(file, np.ones(16 * MIB // 8))

    def total() -> float:
        return float(np.load(file, mmap_mode="r").sum())

    found = measure(total, payload=16 * MIB, trials=0)
    assert found.peak_extra_bytes >= 16 * MIB
    assert found.copies == pytest.approx(0, abs=WITHIN)


def test_times_are_those_of_the_function() -> None:
    """The first call of a process sleeps, all others wait for something that is there."""
    waited: list[bool] = []
    gate = threading.Event()

    def waits() -> int:
        gate.wait(0.001 if waited else 0.2)
        waited.append(True)
        return 1

    found = measure(waits, trials=2, steady_s=0.02)
    assert found.ok, found
    assert len(found.first_calls_s) == len(found.samples_s) == 2
    assert found.first_call_s >= 0.2
    assert 0.001 <= found.steady_median_s < 0.2


def test_a_keyword_costs_what_it_costs_in_a_users_code() -> None:
    """Short calls are timed in a loop that calls with names, not through a wrapper."""
    found = measure(lambda *, value: value, value=1, trials=1, steady_s=0.02)
    bare = measure(lambda value: value, 1, trials=1, steady_s=0.02)
    assert found.steady_median_s < 5 * bare.steady_median_s
    assert found.trials[-1].timing is not None
    assert found.trials[-1].timing.calls_per_sample > 100


def test_page_faults_are_counted() -> None:
    """A kernel page of 4 KiB is touched for the first time once in each call."""
    import mmap

    def touches() -> int:
        with mmap.mmap(-1, 4 * MIB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as fresh:
            if hasattr(fresh, "madvise"):
                fresh.madvise(mmap.MADV_NOHUGEPAGE)
            for start in range(0, 4 * MIB, 4096):
                fresh[start] = 1
        return 1

    found = measure(touches, trials=1, steady_s=0.02)
    assert found.minor_faults_steady == pytest.approx(1024, rel=0.05)
    assert found.minor_faults_first >= 1024


def test_huge_pages_do_not_round_memory_up() -> None:
    """A byte in each of four huge pages is four small pages, not 8 MiB."""
    import mmap

    def touches() -> int:
        with mmap.mmap(-1, 10 * MIB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as fresh:
            fresh.madvise(mmap.MADV_HUGEPAGE)
            for start in range(0, 8 * MIB, 2 * MIB):
                fresh[start] = 1
        return 1

    assert memory_of(touches).peak_extra_bytes < MIB
