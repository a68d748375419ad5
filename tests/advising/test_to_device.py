"""Advice on an accelerator, of which the CPU takes the place: all is real but the figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.advising import bench, session
from harness.advising.data import Data
from harness.advising.goal import Goal
from harness.advising.tasks import TASKS

STAND_IN = Path(__file__).with_name("own_data_on_stand_in.py")


@pytest.mark.slow
def test_every_way_that_the_stand_in_has_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (bench, session):
        monkeypatch.setattr(module, "OWN", STAND_IN)
    monkeypatch.setattr(session, "_refuse_without_accelerator", lambda host: None)
    np.save(tmp_path / "own.npy", np.random.default_rng(0).random((300, 40, 50), np.float32))
    data = Data.of(npy=tmp_path / "own.npy", rows=False)
    found = session.advise(TASKS["to-device"], data, Goal(budget_s=60))
    ways = {one.name: one for one in found.ways}
    assert ways.keys() >= {"pageable_to", "pin_then_to", "pinned_ring", "pinning_threads"}
    assert found.verdict != "none"
    for name in ("pageable_to", "pin_then_to", "pinned_ring"):
        assert not ways[name].failed, ways[name].failed
        assert ways[name].peak is not None
