"""A user's own data, on its way to the CPU in an accelerator's place."""

from __future__ import annotations

from pathlib import Path

import harness
from harness.scenario.discover import load
from tests.accelerator import whole_stand_in

OWN = Path(harness.__file__).resolve().parents[1] / "scenarios" / "_own_data.py"

deferred = whole_stand_in.deferred
(to_device,) = (one for one in load(OWN) if one.name == "own_to_device")
