"""The experiment on predictions counts what it says it counts."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from harness.selfcheck.predictions import INSIDE, SIZES, drawn, left_out, measured_rows
from harness.selfcheck.simulated_sizes import Machine, crossing_held, interval_held
from tests.analysis.planted_costs import SIZES as PLANTED
from tests.analysis.planted_costs import base, other, run_of
from tests.some import some


def test_sizes_that_are_drawn_are_none_that_models_are_made_of() -> None:
    found = drawn(random.Random(3))
    assert len(found) == INSIDE
    assert not set(found) & set(SIZES)
    assert all(SIZES[0] < size < SIZES[-1] and size % 4096 == 0 for size in some(found))


def test_sizes_left_out_are_predicted_from_the_others(tmp_path: Path) -> None:
    told = left_out(run_of(tmp_path, {"base": base, "other": other}))
    assert len(told) == 2 * len(PLANTED)
    assert sum(one.outside for one in told) == 4  # the ends of both
    assert all(one.held for one in some(told))
    assert all(one.off == pytest.approx(1, rel=0.15) for one in some(told))
    rows = dict(measured_rows(told))
    assert rows["inside: sizes, strategies"] == f"{2 * len(PLANTED) - 4}, 2"
    assert rows["inside: 90% intervals hold"].startswith(f"{2 * len(PLANTED) - 4} of ")


def test_simulated_truths_are_told_right() -> None:
    machine = Machine(0.02, 5, np.random.default_rng(2))
    assert sum(crossing_held(machine) is not False for _ in range(20)) >= 19
    assert sum(interval_held(machine) for _ in range(20)) >= 18
