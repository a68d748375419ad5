"""The CPU in the place of an accelerator, with copies that happen as late as they may.

A copy that is not waited for happens when somebody waits: until then its target holds what it
held before, and whatever is done to its source meanwhile is what it will bring. A strategy that
reads too early, or fills a buffer again too early, so has wrong data every time, not by chance.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from harness.trial.base import input_kinds
from harness.trial.device import kernels, overlap

CPU = torch.device("cpu")


class Deferred:
    """Copies that are on their way, and what lies on the device."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], Any]] = []
        self.there: dict[int, torch.UntypedStorage] = {}  # kept, so that no address comes twice

    def flush(self, *_: Any) -> None:
        """What every way of waiting does."""
        waiting, self.waiting = self.waiting, []
        for copy in waiting:
            copy()

    def is_there(self, tensor: torch.Tensor) -> bool:
        return tensor.untyped_storage().data_ptr() in self.there

    def placed(self, tensor: torch.Tensor) -> torch.Tensor:
        """The same tensor, now taken for one on the device."""
        storage = tensor.untyped_storage()
        self.there[storage.data_ptr()] = storage
        return tensor

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put this in the place of torch's accelerator."""
        self._install_tensor(monkeypatch)
        self._install_makers(monkeypatch)
        stream = SimpleNamespace(synchronize=self.flush, wait_stream=lambda other: None)
        runtime = SimpleNamespace(
            cudaHostRegister=lambda pointer, size, flags: 0,
            cudaHostUnregister=lambda pointer: 0,
        )
        monkeypatch.setattr(torch, "Stream", lambda device: _Stream())
        monkeypatch.setattr(torch, "Event", lambda device, enable_timing=False: _Event(self))
        for work in (kernels, overlap):  # of no use here, and large
            monkeypatch.setattr(work, "SIDES", (8,))
        monkeypatch.setattr(torch, "mm", lambda left, right, out: out)  # takes its time elsewhere
        monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: CPU)
        monkeypatch.setattr(torch.accelerator, "current_stream", lambda: stream)
        monkeypatch.setattr(torch.accelerator, "synchronize", self.flush)
        monkeypatch.setattr(torch.accelerator, "current_device_index", lambda: 0)
        monkeypatch.setattr(torch.accelerator, "set_device_index", lambda index: None)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda: stream)
        monkeypatch.setattr(torch.cuda, "cudart", lambda: runtime)
        monkeypatch.setattr(torch.cuda, "check_error", _refuse_unless_zero)

    def _install_tensor(self, monkeypatch: pytest.MonkeyPatch) -> None:
        copy_, clone, zeros_like = torch.Tensor.copy_, torch.Tensor.clone, torch.zeros_like
        converted: Callable[..., torch.Tensor] = torch.Tensor.to

        def copied(
            target: torch.Tensor, source: torch.Tensor, non_blocking: bool = False
        ) -> torch.Tensor:
            crosses = self.is_there(target) or self.is_there(source)
            if crosses and non_blocking:
                self.waiting.append(lambda: copy_(target, source))
                return target
            if crosses:
                self.flush()
            return copy_(target, source)

        def to(
            tensor: torch.Tensor,
            where: Any,
            *more: Any,
            non_blocking: bool = False,
            **options: Any,
        ) -> torch.Tensor:
            if isinstance(where, torch.dtype):
                return converted(tensor, where, *more, non_blocking=non_blocking, **options)
            if more:  # a module's parameters, which are not sent as data is
                return converted(tensor, where, *more, **options)
            target = zeros_like(tensor)
            self.placed(tensor if where == "cpu" else target)
            return copied(target, tensor, non_blocking)

        def cpu(tensor: torch.Tensor) -> torch.Tensor:
            self.flush()
            return clone(tensor)

        monkeypatch.setattr(torch.Tensor, "copy_", copied)
        monkeypatch.setattr(torch.Tensor, "to", to)
        monkeypatch.setattr(torch.Tensor, "cpu", cpu)
        monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor, *_: clone(tensor))
        monkeypatch.setattr(torch.Tensor, "is_pinned", lambda tensor, *_: True)
        # Inputs are made where nothing is pinned yet.
        monkeypatch.setattr(input_kinds, "_is_pinned", lambda tensor: False)
        monkeypatch.setattr(torch.Tensor, "record_stream", lambda tensor, stream: None)

    def _install_makers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def without_pinning(make: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
            def made(
                *args: Any, pin_memory: bool = False, device: Any = None, **options: Any
            ) -> torch.Tensor:
                tensor = make(*args, **options)
                return tensor if device is None else self.placed(tensor)

            return made

        for name in ("empty", "empty_like", "zeros_like", "ones"):
            monkeypatch.setattr(torch, name, without_pinning(getattr(torch, name)))


def _refuse_unless_zero(error: int) -> None:
    assert error == 0


class _Stream(nullcontext[None]):
    """Of one's own; what is queued on it is as late as on any other."""

    def wait_stream(self, other: Any) -> None: ...


class _Event:
    """Waited for before it was recorded, it has nothing to wait for."""

    def __init__(self, deferred: Deferred) -> None:
        self.deferred = deferred
        self.recorded = False
        self.at_s = 0.0

    def record(self) -> None:
        self.recorded = True
        self.at_s = time.perf_counter()

    def elapsed_time(self, later: _Event) -> float:
        """In milliseconds, as torch tells it."""
        return (later.at_s - self.at_s) * 1e3

    def synchronize(self) -> None:
        if self.recorded:
            self.deferred.flush()
