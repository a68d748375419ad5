"""How often does ``ab`` call equal times slower, or others the same?

``python -m harness.selfcheck.time_false_alarms`` simulates it: nothing here is measured. Unlike
:mod:`harness.selfcheck.ab_false_alarms`, which draws from real pairs and flips their signs, it
makes no symmetry: each half of a pair has its own luck, in whatever direction that goes. What is
drawn is judged by the code that decides.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

from harness.comparison.paired import PAIRS_A_BATCH, Pair
from harness.comparison.tolerance import Tolerance
from harness.console import out
from harness.selfcheck.ab_false_alarms import draw_comparison
from harness.selfcheck.count import Count

SEED = 20260701
CASES = 24
Lap = Callable[[random.Random], Callable[[bool], float]]
"""Begins a lap of one side; then gives the logarithm of each half's time, if it leads or not."""


def plain(draw: random.Random) -> Callable[[bool], float]:
    return lambda leads: draw.gauss(0, 0.02)


def skewed(draw: random.Random) -> Callable[[bool], float]:
    """Each half waits for something, now and then for long."""
    return lambda leads: 0.05 * draw.expovariate(1)


def spiky(draw: random.Random) -> Callable[[bool], float]:
    """One half in ten takes twice the time."""
    return lambda leads: draw.gauss(0, 0.01) + math.log(2) * (draw.random() < 0.1)


def leading(draw: random.Random) -> Callable[[bool], float]:
    """Who leads pays for the caches: 5%."""
    return lambda leads: draw.gauss(0, 0.01) + 0.05 * leads


def two_speeds(draw: random.Random) -> Callable[[bool], float]:
    """Every second half is 30% slower."""
    return lambda leads: draw.gauss(0, 0.01) + math.log(1.3) * (draw.random() < 0.5)


def luck_of_hosts(share: float) -> Lap:
    """All halves of one side and lap share some luck, which the other side does not."""

    def lap(draw: random.Random) -> Callable[[bool], float]:
        own = draw.gauss(0, share)
        return lambda leads: draw.gauss(0, 0.01) + own

    return lap


NOISE: Mapping[str, Lap] = {
    "plain": plain,
    "skewed": skewed,
    "spikes": spiky,
    "who leads is slower": leading,
    "two speeds": two_speeds,
    "hosts apart by 0.5%": luck_of_hosts(0.005),
    "hosts apart by 2%": luck_of_hosts(0.02),
}


@dataclass(frozen=True)
class SimulatedPairs:
    """A case on both sides.

    Args:
        lap: of either side.
        slower: by what share the candidate is.
    """

    lap: Lap
    slower: float = 0.0

    def draw_batch(self, draw: random.Random) -> list[Pair]:
        base, candidate = self.lap(draw), self.lap(draw)
        pairs = []
        for _ in range(PAIRS_A_BATCH):
            leads = draw.random() < 0.5
            pairs.append(Pair(math.log1p(self.slower) + candidate(not leads) - base(leads)))
        return pairs


def counts(lap: Lap, slower: float, comparisons: int) -> tuple[Count, Count, float]:
    """Suites with a case called slower, cases called the same, and pairs that a case took."""
    draw = random.Random(SEED)
    pools = {str(index): SimulatedPairs(lap, slower) for index in range(CASES)}
    alarms, same, pairs = Count(of=comparisons), Count(of=comparisons * CASES), 0
    for _ in range(comparisons):
        drawn = draw_comparison(pools, draw)
        alarms.found += bool(drawn.slower)
        same.found += drawn.same
        pairs += drawn.pairs
    return alarms, same, pairs / comparisons / CASES


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comparisons", type=int, default=500)
    comparisons = parser.parse_args(arguments).comparisons
    bar = Tolerance().time
    table = Table(title=f"Simulated, {CASES} cases", title_justify="left")
    table.add_column("noise", no_wrap=True)
    table.add_column("equal: suites with a false slower", no_wrap=True)
    table.add_column("pairs a case")
    table.add_column(f"slower by the tolerance, {bar:.0%}: cases called same", no_wrap=True)
    for name, lap in NOISE.items():
        alarms, _, pairs = counts(lap, 0.0, comparisons)
        _, same, _ = counts(lap, bar, max(1, comparisons // 10))
        table.add_row(name, alarms.text(), f"{pairs:.1f}", same.text())
    out.print(table)


if __name__ == "__main__":
    main()
