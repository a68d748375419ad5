"""The scenarios of accelerators once more, on the CPU in an accelerator's place: for a rehearsal.

Everything between the strategies and the report is real but the device, whose copies come as late
as they may. The figures are the CPU's, and are never kept.
"""

from __future__ import annotations

from typing import Any

import pytest

from harness.scenario import Scenario
from harness.scenario.discover import built_in_files, load
from harness.trial.device import accelerator
from tests.accelerator import pretending
from tests.accelerator.deferred import Deferred

deferred = Deferred()


class Late(pretending.Pretended):
    """Is done when somebody waits."""

    def synchronize(self) -> None:
        deferred.flush()


def install() -> None:
    """In the process of a host, after what is pretended already."""
    deferred.install(pytest.MonkeyPatch())
    patched: Any = accelerator
    patched.TorchDevice = Late


def rehearsed(name: str) -> Scenario:
    """A built-in scenario of accelerators, under a name of its own."""
    (file,) = (file for file in built_in_files() if file.stem == name)
    (scenario,) = load(file)
    scenario.name = f"rehearsed_{name}"
    return scenario


install()
to, back, training, images, arrays = map(
    rehearsed,
    ("host_to_device", "device_to_host", "device_training", "preprocess", "array_from_loader"),
)
