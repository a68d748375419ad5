"""A suite whose heap has holes: a budget does not pass by what they hide."""

from __future__ import annotations

import pytest

from harness.trial.meters.malloc_heaps import is_accounted
from tests.pytest_plugin.suites import Suite

HOLES = """
import numpy as np, pytest
from harness.trial.meters.python_arenas import Arenas
from harness.trial.timing import steps

def lot(count=2048):
    return [np.ones(4096, np.uint8) for _ in range(count)]

KEPT = lot(4096)[::2]

@pytest.mark.ferrybench(peak="1GiB")
def test_unknown(benchmark, monkeypatch):
    monkeypatch.setattr(steps, "fill_holes", Arenas.now)
    benchmark(lot)

def test_memory(benchmark):
    benchmark(lot)

@pytest.mark.ferrybench(peak="1MiB")
def test_exceeds(benchmark):
    benchmark(lot)
"""


@pytest.mark.skipif(not is_accounted(), reason="another allocator than glibc's")
def test_what_holes_may_hide_is_measured_or_unknown(suite: Suite) -> None:
    suite.write(HOLES)
    result = suite.run_quickly("--ferrybench-memory")
    result.assert_outcomes(passed=1, failed=2)
    text = result.stdout.str()
    memory = [line for line in text.splitlines() if line.startswith("test_memory ")][-1]
    size, unit = memory.split()[1:3]
    assert unit == "MiB"
    assert 8 <= float(size) < 8.5
    assert "MiB at the peak, 1 MiB allowed" in text
    assert "peak= of lot cannot be judged" in text
    assert "test_unknown: memory is not known: " in text
