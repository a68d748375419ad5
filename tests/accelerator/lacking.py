"""A backend in which everything works, and the same without one thing; torch's texts say so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from harness.trial.device import allocator
from tests.accelerator.deferred import Deferred

USED_BYTES, TOTAL_BYTES = 70, 100
STATS = {
    f"{what}_bytes.all.{when}": 0
    for what in ("allocated", "reserved")
    for when in ("current", "peak")
}
DISPATCHER = (
    "Could not run '{}' with arguments from the 'PrivateUse1' backend. This could be because the "
    "operator doesn't exist for this backend, or was omitted during the selective/custom build "
    "process (if using custom build). If you are a Facebook employee using PyTorch on mobile, "
    "please visit https://fburl.com/ptmfixes for possible resolutions."
)
PINNING = (
    "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator is "
    "available on this system."
)


def raising(text: str, error: type[Exception] = RuntimeError) -> Callable[..., Any]:
    def raises(*args: Any, **options: Any) -> Any:
        raise error(text)

    return raises


def install(monkeypatch: pytest.MonkeyPatch) -> Deferred:
    """Put a backend that has everything in the place of torch's accelerator."""
    deferred = Deferred()
    deferred.install(monkeypatch)
    monkeypatch.setattr(allocator, "PROBE_BYTES", 4 * 1024**2)
    for name, function in {
        "is_available": lambda: True,
        "memory_stats": lambda: dict(STATS),
        "reset_peak_memory_stats": lambda: None,
        "empty_cache": lambda: None,
        "get_memory_info": lambda: (TOTAL_BYTES - USED_BYTES, TOTAL_BYTES),
    }.items():
        monkeypatch.setattr(torch.accelerator, name, function)
    return deferred


def _statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = raising("Allocator for openreg is not a DeviceAllocator.")
    for name in ("memory_stats", "reset_peak_memory_stats", "empty_cache"):
        monkeypatch.setattr(torch.accelerator, name, refused)


def _memory_info(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = raising("get_memory_info is not implemented", NotImplementedError)
    monkeypatch.setattr(torch.accelerator, "get_memory_info", refused)


def _streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "Stream", raising("Backend doesn't support create a new Stream."))
    refused = raising("Backend doesn't support acquiring a default stream.")
    monkeypatch.setattr(torch.accelerator, "current_stream", refused)


def _events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "Event", raising("openreg backend doesn't support events."))


def _times(monkeypatch: pytest.MonkeyPatch) -> None:
    event = type(torch.Event(torch.device("cpu")))
    refused = raising("Backend doesn't support elapsedTime.")
    monkeypatch.setattr(event, "elapsed_time", refused)


def _pinning(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(make: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        def made(*args: Any, pin_memory: bool = False, **options: Any) -> torch.Tensor:
            if pin_memory:
                raise RuntimeError(PINNING)
            return make(*args, **options)

        return made

    monkeypatch.setattr(torch.Tensor, "pin_memory", raising(PINNING))
    for name in ("empty", "empty_like", "zeros_like"):
        monkeypatch.setattr(torch, name, refusing(getattr(torch, name)))


def _convolution(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = raising(DISPATCHER.format(CONVOLUTION), NotImplementedError)
    monkeypatch.setattr(torch.nn.functional, "conv2d", refused)


def _record_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = raising(DISPATCHER.format(RECORD_STREAM), NotImplementedError)
    monkeypatch.setattr(torch.Tensor, "record_stream", refused)


def _nothing(monkeypatch: pytest.MonkeyPatch) -> None: ...


NOTHING, STATISTICS, MEMORY_INFO = "nothing", "memory statistics", "get_memory_info"
STREAMS, EVENTS, TIMES = "streams", "events", "events that report the time"
PINNED, CONVOLUTION = "pinned memory", "aten::convolution_overrideable"
RECORD_STREAM = "aten::record_stream"
LACKS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    NOTHING: _nothing,
    STATISTICS: _statistics,
    MEMORY_INFO: _memory_info,
    STREAMS: _streams,
    EVENTS: _events,
    TIMES: _times,
    PINNED: _pinning,
    CONVOLUTION: _convolution,
    RECORD_STREAM: _record_stream,
}
"""By what is missing, as the reason to skip names it."""
