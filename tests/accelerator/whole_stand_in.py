"""The scenarios of accelerators once more, on the CPU in an accelerator's place: for a rehearsal.

Everything between the strategies and the report is real but the device, whose copies come as late
as they may. The figures are the CPU's, and are never kept.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.discover import built_in_files, load
from harness.scenario import Scenario
from harness.trial import accelerator, device_trial
from tests.accelerator.deferred import Deferred

deferred = Deferred()


class Late:
    """Is done when somebody waits, and has no memory of its own."""

    kind = "stand-in"
    has_events = False
    used_source = "nobody"

    def nothing(self) -> None:
        pass

    start = reset_peaks = empty_caches = mark = used_bytes = nothing

    def synchronize(self) -> None:
        deferred.flush()

    arrive = synchronize

    def allocated(self) -> accelerator.Allocated:
        return accelerator.Allocated(0, 0, 0, 0, None)


def install() -> None:
    """In the process of a host, which has loaded nothing but scenarios."""
    deferred.install(pytest.MonkeyPatch())
    patched: Any = accelerator
    patched.TorchDevice = Late
    patched.why_none = lambda: ""
    patched.describe_accelerator = lambda: {"kind": "stand-in", "count": 1}
    beside: Any = device_trial
    beside._matmul = lambda: SimpleNamespace(queue=lambda times: np.ones(10_000 * times).sum())


def rehearsed(name: str) -> Scenario:
    """A built-in scenario of accelerators, under a name of its own."""
    (file,) = (file for file in built_in_files() if file.stem == name)
    (scenario,) = load(file)
    scenario.name = f"rehearsed_{name}"
    return scenario


install()
to, back, training = map(rehearsed, ("host_to_device", "device_to_host", "device_training"))
