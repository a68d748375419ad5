"""What NVML says of an NVIDIA device, asked by ourselves.

torch's own way to ask (``torch.cuda.device_memory_used``) looks up the current device and so starts
CUDA. What is read before the context is made has to leave that to the context.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

VISIBLE = "CUDA_VISIBLE_DEVICES"
_BY_UUID = ("GPU-", "MIG-")


@dataclass(frozen=True)
class NvmlDevice:
    """A device as NVML knows it; no context is needed to ask."""

    nvml: Any  # the module pynvml
    handle: Any
    uuid: str

    def used_bytes(self) -> int:
        """What everybody has taken, as nvidia-smi shows it."""
        return int(self.nvml.nvmlDeviceGetMemoryInfo(self.handle).used)

    def about(self) -> dict[str, Any]:
        """Driver and link; what cannot be read is left out."""
        nvml = self.nvml
        questions: dict[str, Callable[[], Any]] = {
            "driver": nvml.nvmlSystemGetDriverVersion,
            "pcie_generation": lambda: nvml.nvmlDeviceGetCurrPcieLinkGeneration(self.handle),
            "pcie_width": lambda: nvml.nvmlDeviceGetCurrPcieLinkWidth(self.handle),
        }
        answers = {name: _or_none(question) for name, question in questions.items()}
        return {name: answer for name, answer in answers.items() if answer is not None}

    def is_device(self, uuid: object) -> bool:
        """Whether CUDA means the same one: it may number devices in another order."""
        return uuid is None or self.uuid.endswith(str(uuid))


def first_visible() -> NvmlDevice | None:
    """The first device that CUDA may use; None without nvidia-ml-py, a driver or such a device."""
    try:
        import pynvml
    except ImportError:
        return None

    def find() -> NvmlDevice:
        pynvml.nvmlInit()
        handle = _handle(pynvml, os.environ.get(VISIBLE))
        return NvmlDevice(pynvml, handle, str(pynvml.nvmlDeviceGetUUID(handle)))

    found: NvmlDevice | None = _or_none(find)
    if found is not None and _or_none(found.used_bytes) is None:
        return None
    return found


def _handle(nvml: Any, visible: str | None) -> Any:
    """Of the first entry, which is an index or the beginning of a UUID."""
    first = "0" if visible is None else visible.split(",")[0].strip()
    if not first.startswith(_BY_UUID):
        return nvml.nvmlDeviceGetHandleByIndex(int(first))
    for index in range(nvml.nvmlDeviceGetCount()):
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        if str(nvml.nvmlDeviceGetUUID(handle)).startswith(first):
            return handle
    return nvml.nvmlDeviceGetHandleByUUID(first)  # a part of one, which has no index


def _or_none(question: Callable[[], Any]) -> Any:
    """An answer, or None: errors of NVML have no base in common with others."""
    try:
        return question()
    except Exception:  # noqa: BLE001 — see above
        return None
