"""Statistics of backends that have all, some or none of them; a name that is missing is None."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from harness.trial.device.allocator import NOTHING_TOLD, PROBE_BYTES, Allocator

STATS = {
    f"{what}_bytes.all.{when}": value
    for what, start in (("allocated", 10), ("reserved", 20))
    for when, value in (("current", start), ("peak", start + 5))
}
NAMES = (
    "memory_stats", "reset_peak_memory_stats", "empty_cache", "empty_host_cache", "get_memory_info",
)  # fmt: skip
CPU = torch.device("cpu")


def raising(*args: Any) -> Any:
    raise RuntimeError("Allocator for this device is not a DeviceAllocator.")


@pytest.fixture
def offers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Allocator]:
    """An allocator over what torch.accelerator offers, and what the backend's own module does."""

    def made(common: dict[str, Any], own: dict[str, Any] | None = None) -> Allocator:
        for name in NAMES:
            monkeypatch.delattr(torch.accelerator, name, raising=False)
        for name, function in common.items():
            monkeypatch.setattr(torch.accelerator, name, function, raising=False)
        monkeypatch.setattr(torch, "cpu", SimpleNamespace(**(own or {})))
        return Allocator(CPU)

    return made


EVERYTHING: dict[str, Any] = {
    "memory_stats": lambda: dict(STATS),
    "reset_peak_memory_stats": lambda: None,
    "empty_cache": lambda: None,
    "get_memory_info": lambda: (30, 100),
}


def test_all_of_it_is_told(offers: Callable[..., Allocator]) -> None:
    found = offers(EVERYTHING)
    told = found.allocated()
    assert (told.allocated_bytes, told.reserved_bytes) == (10, 20)
    assert (told.peak_allocated_bytes, told.peak_reserved_bytes) == (15, 25)
    assert told.pinned_bytes is None
    assert found.used_bytes() == 70
    assert found.empty_caches() is True


@pytest.mark.parametrize("absent", [None, raising])
@pytest.mark.parametrize("name", list(EVERYTHING))
def test_each_may_be_missing_by_itself(
    name: str, absent: Any, offers: Callable[..., Allocator]
) -> None:
    common = {**EVERYTHING, name: absent}
    found = offers({name: function for name, function in common.items() if function is not None})
    found.reset_peaks()
    told = found.allocated()
    assert (told.allocated_bytes is None) == (name == "memory_stats")
    assert (told.peak_allocated_bytes is None) == (
        name in ("memory_stats", "reset_peak_memory_stats")
    )
    assert (found.used_bytes() is None) == (name == "get_memory_info")
    assert found.empty_caches() == (name != "empty_cache")


def test_without_anything_nothing_is_told(offers: Callable[..., Allocator]) -> None:
    found = offers({})
    found.reset_peaks()
    assert found.allocated() == NOTHING_TOLD
    assert found.used_bytes() is None
    assert found.empty_caches() is False


def test_an_older_torch_asks_the_backend_itself(offers: Callable[..., Allocator]) -> None:
    own = {**EVERYTHING, "mem_get_info": EVERYTHING["get_memory_info"]}
    del own["get_memory_info"]
    found = offers({}, own)
    assert found.allocated().peak_reserved_bytes == 25
    assert found.used_bytes() == 70
    assert found.empty_caches() is True


def test_what_answers_with_nothing_is_not_believed(offers: Callable[..., Allocator]) -> None:
    # torch.accelerator does so where a backend's allocator is not one of its kind.
    silent = {**EVERYTHING, "memory_stats": dict}
    assert offers(silent).allocated() == NOTHING_TOLD
    assert offers(silent, EVERYTHING).allocated().allocated_bytes == 10


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks /proc")
def test_memory_of_the_host_is_recognised(
    offers: Callable[..., Allocator], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = offers({})
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda: None)
    assert found.lies_in_host_memory() is True  # the device of this test is the CPU
    empty = torch.empty
    monkeypatch.setattr(torch, "ones", lambda size, dtype, device: empty(size, dtype=dtype))
    assert PROBE_BYTES > 16 * 1024**2  # so that it is no hole of the heap that is filled
    assert found.lies_in_host_memory() is False  # nothing was written
