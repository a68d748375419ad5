"""A scenario of a user whose host takes the CPU for an accelerator: for tests of a whole run.

Everything between the strategy and the report is real but the device. Its figures are the CPU's,
and are never kept.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from harness import Scenario
from harness.trial.ceilings import device_copy
from harness.trial.device import accelerator, allocator
from harness.trial.kinds import on_device

Data = npt.NDArray[np.uint8]


class Pretended:
    """Is always done, and has no memory of its own."""

    kind = "pretended"
    has_events = False
    used_source = "nobody"

    def nothing(self) -> None:
        pass

    start = reset_peaks = mark = used_bytes = lies_in_host_memory = nothing

    def synchronize(self) -> None:
        pass

    def empty_caches(self) -> bool:
        return False

    def allocated(self) -> allocator.Allocated:
        return allocator.NOTHING_TOLD


def no_moves(size_bytes: int) -> dict[str, device_copy.Prepare]:
    """A real device, where there is one, must not lend its ceilings."""
    raise RuntimeError("what is pretended has no link")


def install() -> None:
    """In the process of a host, which has loaded nothing but scenarios."""
    patched: Any = accelerator
    patched.TorchDevice = Pretended
    patched.why_none = lambda: ""
    patched.describe_accelerator = lambda: {"kind": "pretended", "count": 1}
    link: Any = device_copy
    link._moves = no_moves
    beside: Any = on_device
    beside._matmul = lambda side: SimpleNamespace(queue=lambda times: np.ones(side * times).sum())


install()
scenario = Scenario(
    "pretending",
    question="Does a whole run of transfers hold together?",
    baseline="copy",
    transfers="to",
    parameters={"size": 2**20},
)


@scenario.inputs
def data(size: int) -> Data:
    return np.ones(size, np.uint8)


@scenario.strategy(group="pageable", pins=0)
def copy(data: Data) -> Data:
    """Copies it."""
    return data.copy()


@scenario.strategy(group="pageable", pins=1)
def twice(data: Data) -> Data:
    """Copies it twice."""
    return data.copy().copy()


@scenario.strategy(group="pageable")
def wrong(data: Data) -> Data:
    """Brings something else."""
    return np.zeros_like(data)


@scenario.check
def same(data: Data, result: Data) -> None:
    assert (data == result).all(), "not what was sent"
