"""Planted causes have the share that was planted; what changes nothing is no reason."""

from __future__ import annotations

import numpy as np
import pytest

from harness.selfcheck.attributions import Pair, drawn
from harness.stats.attribution import LEAST_ROUNDS, attribute

NOISE = 0.01


def draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("share", [0.95, 0.5])
def test_a_planted_share_comes_back(share: float) -> None:
    found = Pair(4e-3, 1e-3, share).attributed(NOISE, 12, draw())
    assert found.share.median == pytest.approx(share, abs=0.05)
    assert found.share.low < share < found.share.high
    assert found.left == pytest.approx(1 - share, abs=0.05)
    assert found.word == ("because" if share > 0.8 else "in part")
    assert found.ratio.median == pytest.approx(4, rel=0.1)


def test_what_changes_nothing_is_no_reason() -> None:
    assert Pair(4e-3, 1e-3, 0.0).attributed(NOISE, 12, draw()).word == "not because"
    told = [drawn(draw(seed), 0.0).attributed(0.05, 10, draw(seed)) for seed in range(100)]
    assert sum(one.word in ("because", "in part") for one in told) <= 2


def test_two_that_are_level_have_nothing_to_explain() -> None:
    found = Pair(1e-3, 1e-3, 0.0).attributed(NOISE, 12, draw())
    assert found.word in ("level", "undecided")


def test_few_rounds_are_undecided_however_large_the_share() -> None:
    exact = dict.fromkeys(range(LEAST_ROUNDS - 1), 0.001)
    slow = dict.fromkeys(exact, 0.005)
    found = attribute(slow, exact, exact, exact)
    assert found is not None
    assert found.word == "undecided"
    assert found.share.median == pytest.approx(1)


def test_taking_a_cause_from_the_slower_or_giving_it_to_the_faster_is_the_same() -> None:
    fast = dict.fromkeys(range(8), 0.001)
    slow = dict.fromkeys(fast, 0.004)
    taken, given = attribute(slow, fast, fast, fast), attribute(slow, fast, slow, slow)
    assert taken is not None
    assert given is not None
    assert taken.word == given.word == "because"
    assert taken.share.median == given.share.median == pytest.approx(1)


def test_only_rounds_that_have_all_of_them_count() -> None:
    assert attribute({1: 2.0}, {1: 1.0}, {2: 1.0}, {1: 1.0}) is None
