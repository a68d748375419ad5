"""The truths about heaps with holes: they hold here, and do not where a figure is refused."""

from __future__ import annotations

import math
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from harness.host.host import Host
from harness.selfcheck import bench, hole_accuracy
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
    assert check.refused
    assert math.isnan(check.measured)
    assert check.texts()[1] == "8 MiB lay free"


@pytest.mark.parametrize("failing", ["make", "by_hand"])
@pytest.mark.parametrize("problem", ["SIGSEGV", ""])
def test_a_trial_that_fails_is_missing_and_no_refusal(
    monkeypatch: pytest.MonkeyPatch, failing: str, problem: str
) -> None:
    def trial(self: Planted, scenario: str, strategy: str, *args: Any, **more: Any) -> Any:
        if strategy == failing:
            return None, 0.0, problem
        return SimpleNamespace(result="shape (1024, 2048)"), 0.0, ""

    monkeypatch.setattr(Planted, "trial", trial)
    monkeypatch.setattr(
        hole_accuracy, "planted", lambda host: nullcontext(Planted.__new__(Planted))
    )
    (check,) = hole_checks(None, [HoleCell("numpy", MIB)])  # type: ignore[arg-type]
    assert not check.ok
    assert not check.refused
    assert (problem or "no measurement") in check.texts()[1]
    with pytest.raises(AssertionError, match=problem or "no measurement"):
        list(bench.hole_accuracy(None))  # type: ignore[arg-type]
