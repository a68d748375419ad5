"""The accelerator of this process, behind an interface small enough to stand in for.

Everything goes through ``torch.accelerator``; what only one backend offers is asked of that one,
and is None elsewhere. A process that has begun to use CUDA cannot be forked any more
(https://docs.pytorch.org/docs/stable/notes/multiprocessing.html), so all of this happens in the
fresh process of a task, never in a host.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch

MILLI = 1e-3
FIRST = 0
"""The device that is used: the first of those visible (CUDA_VISIBLE_DEVICES chooses)."""
NVML = "NVML, device-wide"
DRIVER = "what the driver says is free, device-wide"
NOT_TOLD = "not told by this backend"
STATS = "torch.accelerator.memory_stats"


class Mark(Protocol):
    """A point in the work of the device, on one of its streams."""

    def seconds_until(self, later: Mark) -> float:
        """How long the device took from here to there; both must have been reached."""


@dataclass(frozen=True)
class Allocated:
    """What torch's allocators have taken, in bytes."""

    allocated_bytes: int
    reserved_bytes: int
    peak_allocated_bytes: int
    peak_reserved_bytes: int
    pinned_bytes: int | None  # of the host, in use or kept for later; None where not told


class Device(Protocol):
    """What is measured with, of an accelerator."""

    kind: str  # such as cuda
    has_events: bool  # that tell the time; known once it was started
    used_source: str

    def start(self) -> None:
        """Make the context, and wait until it is there."""

    def synchronize(self) -> None:
        """Wait until nothing is left to do on any stream."""

    def arrive(self) -> None:
        """Wait until nothing is left to do on the current stream."""

    def mark(self) -> Mark | None:
        """Mark what has been queued on the current stream; None without events."""

    def allocated(self) -> Allocated:
        """What torch's allocators have taken now."""

    def used_bytes(self) -> int | None:
        """What everybody has taken of the device; None where that is not told."""

    def reset_peaks(self) -> None:
        """Start new high-water marks."""

    def empty_caches(self) -> None:
        """Give back what the allocators keep for later."""


@functools.cache
def why_none() -> str:
    """Why there is no accelerator to measure; empty where there is one.

    Asking may begin to use it: this is for the process of a task.
    """
    built_for = torch.accelerator.current_accelerator()
    if built_for is None:
        return f"no accelerator: torch {torch.__version__} is built for none"
    if not torch.accelerator.is_available():
        return f"no accelerator: torch {torch.__version__} finds no {built_for.type} device"
    return ""


class TorchMark:
    """An event of torch that tells the time."""

    def __init__(self, device: torch.device) -> None:
        self.event = torch.Event(device=device, enable_timing=True)
        self.event.record()

    def seconds_until(self, later: Mark) -> float:
        assert isinstance(later, TorchMark)
        return self.event.elapsed_time(later.event) * MILLI


class TorchDevice:
    """The first accelerator that torch finds."""

    def __init__(self) -> None:
        found = torch.accelerator.current_accelerator()
        assert found is not None
        self.kind = found.type
        self.device = torch.device(found.type, FIRST)
        self.has_events = False
        self.used_source = NOT_TOLD
        self._used: Callable[[], int] | None = _nvml_used() if self.kind == "cuda" else None
        if self._used is not None:
            self.used_source = NVML

    def start(self) -> None:
        torch.ones(1, device=self.device)
        self.synchronize()
        try:
            before, after = TorchMark(self.device), TorchMark(self.device)
            self.synchronize()
            before.seconds_until(after)
            self.has_events = True
        except (RuntimeError, NotImplementedError):  # a backend whose events tell no time
            self.has_events = False
        if self._used is None:
            self._used = _driver_used()
            self.used_source = DRIVER if self._used else NOT_TOLD

    def synchronize(self) -> None:
        torch.accelerator.synchronize()

    def arrive(self) -> None:
        torch.accelerator.current_stream().synchronize()

    def mark(self) -> Mark | None:
        return TorchMark(self.device) if self.has_events else None

    def allocated(self) -> Allocated:
        stats = torch.accelerator.memory_stats()
        return Allocated(
            allocated_bytes=int(stats.get("allocated_bytes.all.current", 0)),
            reserved_bytes=int(stats.get("reserved_bytes.all.current", 0)),
            peak_allocated_bytes=int(stats.get("allocated_bytes.all.peak", 0)),
            peak_reserved_bytes=int(stats.get("reserved_bytes.all.peak", 0)),
            pinned_bytes=_pinned_bytes() if self.kind == "cuda" else None,
        )

    def used_bytes(self) -> int | None:
        return None if self._used is None else self._used()

    def reset_peaks(self) -> None:
        torch.accelerator.reset_peak_memory_stats()

    def empty_caches(self) -> None:
        torch.accelerator.empty_cache()
        empty_host_cache = getattr(torch.accelerator, "empty_host_cache", None)  # not in torch 2.6
        if empty_host_cache is not None:
            empty_host_cache()


def _nvml_used() -> Callable[[], int] | None:
    """Used memory as nvidia-smi tells it, which needs no context; None without nvidia-ml-py.

    A number, not None, as the device: torch would begin to use CUDA to find out the current one.
    """

    def used() -> int:
        return int(torch.cuda.device_memory_used(FIRST))

    try:
        used()
    except Exception:  # noqa: BLE001 — errors of NVML have no base in common with others
        return None
    return used


def _driver_used() -> Callable[[], int] | None:
    """Used memory as the driver tells a process that has a context."""

    def used() -> int:
        free_bytes, total_bytes = torch.accelerator.get_memory_info()
        return total_bytes - free_bytes

    try:
        used()
    except (AttributeError, RuntimeError, NotImplementedError):
        return None
    return used


def _pinned_bytes() -> int | None:
    """Blocks that the caching host allocator owns, in use or not, as it rounds them."""
    stats = getattr(torch.cuda, "host_memory_stats", None)  # not in torch 2.6
    taken = stats().get("allocated_bytes.current") if stats is not None else None
    return None if taken is None else int(taken)


@dataclass(frozen=True)
class Opened:
    """A device that is ready, and what that took."""

    device: Device
    context_s: float
    context_bytes: int | None  # device-wide; None without NVML, which tells of it beforehand


def opened(device: Device | None = None, now: Callable[[], float] = time.perf_counter) -> Opened:
    """Begin to use the accelerator, outside of everything that is timed."""
    device = device or TorchDevice()
    before = device.used_bytes()
    began = now()
    device.start()
    context_s = now() - began
    after = device.used_bytes()
    grown = None if before is None or after is None else after - before
    return Opened(device, context_s, grown)


def describe_accelerator() -> dict[str, Any]:
    """What the accelerator is, in plain data; ``missing`` says why there is none."""
    missing = why_none()
    if missing:
        return {"missing": missing}
    found = torch.accelerator.current_accelerator()
    assert found is not None
    said: dict[str, Any] = {"kind": found.type, "count": torch.accelerator.device_count()}
    if found.type == "cuda":
        about = torch.cuda.get_device_properties(FIRST)
        said |= {
            "name": about.name,
            "memory_bytes": about.total_memory,
            "capability": f"{about.major}.{about.minor}",
            "runtime": torch.version.cuda or torch.version.hip or "",
        }
        said |= _driver()
    return said


def _driver() -> dict[str, Any]:
    """Driver and link, by NVML where nvidia-ml-py is installed."""
    try:
        import pynvml

        pynvml.nvmlInit()
        index = torch.cuda._get_nvml_device_index(FIRST)  # noqa: SLF001 — CUDA_VISIBLE_DEVICES
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        return {
            "driver": pynvml.nvmlSystemGetDriverVersion(),
            "pcie_generation": pynvml.nvmlDeviceGetCurrPcieLinkGeneration(handle),
            "pcie_width": pynvml.nvmlDeviceGetCurrPcieLinkWidth(handle),
        }
    except Exception:  # noqa: BLE001 — no package, no driver, or a device without such a link
        return {}
