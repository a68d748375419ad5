"""The truths about heaps with holes: they hold here, and do not where a figure is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest

from harness.host.host import Host
from harness.selfcheck.hole_accuracy import CELLS, KINDS, QUICK_CELLS, SIZES, HoleCell, hole_checks
from harness.selfcheck.planted import Planted
from harness.trial.meters.malloc_heaps import is_accounted

MIB = 1024**2


def test_every_kind_and_size_meets_holes_of_every_size() -> None:
    assert len(CELLS) == len(set(CELLS)) == len(KINDS) * len(SIZES) * (1 + len(SIZES)) * 2
    assert set(QUICK_CELLS) < set(CELLS)


@pytest.mark.skipif(not is_accounted(), reason="another allocator than glibc's")
def test_the_truths_hold_here(host: Host) -> None:
    cells = [HoleCell("numpy", 4096, 4096, threads=True), HoleCell("python", 512, 512)]
    checks = list(hole_checks(host, cells))
    assert [check.name.split(",")[0] for check in checks] == ["numpy", "python"]
    for check in checks:
        assert check.ok, check
        assert 16 * MIB < check.truth < 18 * MIB


def test_a_figure_that_is_refused_is_off(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = Planted.trial

    def refused(self: Planted, scenario: str, strategy: str, *args: Any, **more: Any) -> Any:
        found, wall_s, problem = measured(self, scenario, strategy, *args, **more)
        if strategy == "make" and found is not None and found.ledger is not None:
            object.__setattr__(found.ledger, "at_least", "8 MiB lay free")
        return found, wall_s, problem

    monkeypatch.setattr(Planted, "trial", refused)
    (check,) = hole_checks(host, [HoleCell("numpy", MIB)])
    assert not check.ok
    assert math.isnan(check.measured)
    assert check.texts()[1] == "8 MiB lay free"
