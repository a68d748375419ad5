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

from harness.trial.device.allocator import Allocated, Allocator
from harness.trial.device.nvml import first_visible

MILLI = 1e-3
FIRST = 0
"""The device that is used: the first of those visible (CUDA_VISIBLE_DEVICES chooses)."""
NVML = "NVML, device-wide"
DRIVER = "what the driver says is free, device-wide"
NOT_TOLD = "not reported by this backend"
STATS = "torch.accelerator.memory_stats"


class Mark(Protocol):
    """A point in the work of the device, on one of its streams."""

    def seconds_until(self, later: Mark) -> float:
        """How long the device took from here to there; both must have been reached."""


class Device(Protocol):
    """What is measured with, of an accelerator."""

    kind: str  # such as cuda
    has_events: bool  # that tell the time; known once it was started
    used_source: str

    def start(self) -> None:
        """Make the context, and wait until it is there."""

    def synchronize(self) -> None:
        """Wait until nothing is left to do on any stream."""

    def mark(self) -> Mark | None:
        """Mark what has been queued on the current stream; None without events."""

    def allocated(self) -> Allocated:
        """What torch's allocators have taken now."""

    def used_bytes(self) -> int | None:
        """What everybody has taken of the device; None where that is not told."""

    def reset_peaks(self) -> None:
        """Start new high-water marks."""

    def empty_caches(self) -> bool:
        """Give back what the allocators keep for later; False where that cannot be asked for."""

    def lies_in_host_memory(self) -> bool | None:
        """Whether its memory is taken from this process; None where that cannot be seen."""


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
        self._nvml = first_visible() if self.kind == "cuda" and not torch.version.hip else None
        self.used_source = NVML if self._nvml is not None else NOT_TOLD
        self._started = self._checked = False

    @functools.cached_property
    def _allocator(self) -> Allocator:
        return Allocator(self.device)  # asks the device, and so comes after its start

    def start(self) -> None:
        torch.ones(1, device=self.device)
        self.synchronize()
        self._started = True
        try:
            before, after = TorchMark(self.device), TorchMark(self.device)
            self.synchronize()
            before.seconds_until(after)
            self.has_events = True
        except (RuntimeError, NotImplementedError):  # a backend whose events tell no time
            self.has_events = False

    def synchronize(self) -> None:
        torch.accelerator.synchronize()

    def mark(self) -> Mark | None:
        return TorchMark(self.device) if self.has_events else None

    def allocated(self) -> Allocated:
        return self._allocator.allocated()

    def used_bytes(self) -> int | None:
        if not self._started:
            return None if self._nvml is None else self._nvml.used_bytes()
        self._check_nvml()
        if self._nvml is not None:
            return self._nvml.used_bytes()
        used = self._allocator.used_bytes()
        self.used_source = NOT_TOLD if used is None else DRIVER
        return used

    def _check_nvml(self) -> None:
        """Believe NVML only as long as it speaks of the device that CUDA has started."""
        if self._nvml is None or self._checked:
            return
        about = torch.cuda.get_device_properties(FIRST)
        if self._nvml.is_device(getattr(about, "uuid", None)):
            self._checked = True
        else:
            self._nvml = None

    def reset_peaks(self) -> None:
        self._allocator.reset_peaks()

    def empty_caches(self) -> bool:
        return self._allocator.empty_caches()

    def lies_in_host_memory(self) -> bool | None:
        return self._allocator.lies_in_host_memory()


@dataclass(frozen=True)
class Opened:
    """A device that is ready, and what that took."""

    device: Device
    context_s: float
    context_bytes: int | None  # device-wide; None without NVML, which tells of it beforehand


def opened(device: Device | None = None, now: Callable[[], float] = time.perf_counter) -> Opened:
    """Begin to use the accelerator, outside of everything that is timed."""
    device = device or TorchDevice()
    before, source = device.used_bytes(), device.used_source
    began = now()
    device.start()
    context_s = now() - began
    after = device.used_bytes()
    if before is None or after is None or device.used_source != source:
        return Opened(device, context_s, None)
    return Opened(device, context_s, after - before)


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
        by_nvml = first_visible() if not torch.version.hip else None
        if by_nvml is not None and by_nvml.is_device(getattr(about, "uuid", None)):
            said |= by_nvml.about()
    return said
