"""Ranks of values that lie right at the bar."""

from __future__ import annotations

from harness.stats.signed_rank import SignedRanks


def test_what_lies_at_the_bar_speaks_for_neither_side() -> None:
    ranks = SignedRanks.of([0.25] * 6)
    assert ranks.p_above(0.25) == ranks.p_below(0.25) == 1.0
    assert ranks.p_above(0.125) == ranks.p_below(0.5) == 0.5**6
