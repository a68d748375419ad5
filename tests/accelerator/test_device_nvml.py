"""NVML is asked for the right device, before anything has started CUDA."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from harness.trial.device import accelerator
from harness.trial.device.accelerator import NVML, TorchDevice, opened
from harness.trial.device.nvml import VISIBLE, first_visible

UUIDS = ("GPU-aaaa-1", "GPU-bbbb-2", "GPU-cccc-3")
MIG = "MIG-dddd-4"
USED = dict(zip((*UUIDS, MIG), (100, 200, 300, 400), strict=True))


class Library:
    """pynvml with three devices, one of which has a part of its own."""

    def __init__(self) -> None:
        self.begun = False

    def nvmlInit(self) -> None:  # noqa: N802
        self.begun = True

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(UUIDS)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> str:  # noqa: N802
        assert self.begun
        if not 0 <= index < len(UUIDS):
            raise ValueError("invalid argument")
        return UUIDS[index]

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:  # noqa: N802
        if uuid != MIG:
            raise KeyError(uuid)
        return uuid

    def nvmlDeviceGetUUID(self, handle: str) -> str:  # noqa: N802
        return handle

    def nvmlDeviceGetMemoryInfo(self, handle: str) -> Any:  # noqa: N802
        return SimpleNamespace(used=USED[handle])

    def nvmlSystemGetDriverVersion(self) -> str:  # noqa: N802
        return "1.2"

    def nvmlDeviceGetCurrPcieLinkGeneration(self, handle: str) -> int:  # noqa: N802
        raise RuntimeError("not supported")

    def nvmlDeviceGetCurrPcieLinkWidth(self, handle: str) -> int:  # noqa: N802
        return 16


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", Library())
    monkeypatch.delenv(VISIBLE, raising=False)


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDA must not be started by a question."""

    def refuse(*args: Any) -> None:
        raise AssertionError("CUDA was started")

    for name in ("_lazy_init", "current_device", "device_count"):
        monkeypatch.setattr(torch.cuda, name, refuse)
    monkeypatch.setattr(torch.version, "hip", None)


@pytest.mark.parametrize(
    ("visible", "used"),
    [
        (None, 100),
        ("0", 100),
        ("2", 300),
        ("1,0", 200),
        (" 1 , 0", 200),
        ("GPU-cccc", 300),
        ("GPU-bbbb-2,GPU-aaaa-1", 200),
        (MIG, 400),
        ("", None),
        ("-1", None),
        ("7", None),
        ("GPU-eeee", None),
        ("NoDevFiles", None),
    ],
)
def test_the_first_visible_device_is_asked(
    visible: str | None, used: int | None, monkeypatch: pytest.MonkeyPatch, untouched: None
) -> None:
    if visible is not None:
        monkeypatch.setenv(VISIBLE, visible)
    found = first_visible()
    assert (None if found is None else found.used_bytes()) == used


def test_without_the_package_or_the_driver_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert first_visible() is None
    monkeypatch.setitem(sys.modules, "pynvml", SimpleNamespace())
    assert first_visible() is None


def test_what_cannot_be_read_is_left_out() -> None:
    found = first_visible()
    assert found is not None
    assert found.about() == {"driver": "1.2", "pcie_width": 16}


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch, untouched: None) -> list[str]:
    """A device of CUDA whose start is noted, on the CPU; the test says which it is."""
    started: list[str] = []
    uuid = ["aaaa-1"]
    ones = torch.ones

    def made(*args: Any, device: Any = None, **options: Any) -> torch.Tensor:
        started.append("cuda")
        return ones(*args, **options)

    def about(index: int) -> Any:
        assert started, "asked CUDA before it was started"
        return SimpleNamespace(uuid=uuid[0])

    monkeypatch.setattr(torch, "ones", made)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda: None)
    monkeypatch.setattr(torch.cuda, "get_device_properties", about)
    return uuid


def test_the_context_is_between_two_readings_of_nvml(
    cuda: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = 100, 600
    ready = TorchDevice()
    start = ready.start

    def starting() -> None:
        start()
        monkeypatch.setitem(USED, UUIDS[0], after)

    monkeypatch.setitem(USED, UUIDS[0], before)
    monkeypatch.setattr(ready, "start", starting)
    found = opened(ready)
    assert found.context_bytes == after - before
    assert ready.used_source == NVML


def test_a_reading_of_another_device_is_not_believed(
    cuda: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cuda[0] = "bbbb-2"  # CUDA counts the fastest first, NVML by slot
    by_driver = SimpleNamespace(used_bytes=lambda: 20)  # where there is a device, too
    monkeypatch.setattr(accelerator, "Allocator", lambda device: by_driver)
    found = opened(TorchDevice())
    assert found.context_bytes is None
    assert found.device.used_bytes() == 20
    assert found.device.used_source != NVML
