"""How right "why" is: ``python -m harness.selfcheck.attributions``, simulated.

Pairs of strategies of which one is slower by known causes are measured with and without one of
them, in rounds that share their luck; and pairs whose difference has nothing to do with what is
taken away. Counted are shares within five points, intervals that hold the truth, and reasons that
are none.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rich.table import Table

from harness.console import out
from harness.selfcheck.count import Count
from harness.stats.attribution import Attribution, attribute

NEAR = 0.05
SHARED = 0.5
LATE, LATE_BY = 0.1, 0.3
"""One process in ten is late, by a third on average."""
SETTINGS = ((0.02, 5), (0.02, 10), (0.05, 10), (0.05, 20))
"""How far processes lie apart, and rounds."""


@dataclass(frozen=True)
class Pair:
    """A slower and a faster strategy, in seconds, and the share of one cause in the difference."""

    slow_s: float
    fast_s: float
    share: float

    def attributed(self, noise: float, rounds: int, draw: np.random.Generator) -> Attribution:
        """What an experiment on the cause says, in so many rounds."""
        without_s = self.slow_s - self.share * (self.slow_s - self.fast_s)
        luck = draw.normal(0, SHARED * noise, rounds)
        sides = [
            _times(seconds, noise, luck, draw)
            for seconds in (self.slow_s, self.fast_s, without_s, self.fast_s)
        ]
        found = attribute(*sides)
        assert found is not None
        return found


def _times(
    seconds: float, noise: float, luck: np.ndarray, draw: np.random.Generator
) -> dict[int, float]:
    late = (draw.random(luck.shape) < LATE) * draw.exponential(LATE_BY, luck.shape)
    logs = luck + draw.normal(0, noise, luck.shape) + late
    return dict(enumerate(map(float, seconds * np.exp(logs))))


def drawn(draw: np.random.Generator, share: float | None = None) -> Pair:
    """A pair that is 1.2 to 10 times apart; its cause is nearly all of that, unless it is told."""
    ratio = 10 ** draw.uniform(np.log10(1.2), 1)
    return Pair(ratio * 1e-3, 1e-3, draw.uniform(0.9, 1.0) if share is None else share)


def rows(count: int, seed: int) -> Iterator[tuple[str, str]]:
    """How often a share is near, an interval holds it, and a reason is named that is none."""
    for noise, rounds in SETTINGS:
        draw = np.random.default_rng(seed)
        planted = [drawn(draw) for _ in range(count)]
        found = [(one, one.attributed(noise, rounds, draw)) for one in planted]
        decided = [(one, told) for one, told in found if told.word in ("because", "in part")]
        nulls = [drawn(draw, 0.0).attributed(noise, rounds, draw) for _ in range(count)]
        label = f"{rounds} rounds, {noise:.0%} apart"
        near = sum(abs(told.share.median - one.share) <= NEAR for one, told in decided)
        held = sum(told.share.low <= one.share <= told.share.high for one, told in found)
        because = sum(told.word == "because" for _, told in found)
        yield f"{label}: planted, named as reason", Count(because, count).text()
        yield f"{label}: named in full or in part", Count(len(decided), count).text()
        if decided:
            yield f"{label}: of these, share within 5 points", Count(near, len(decided)).text()
        yield f"{label}: interval holds the share", Count(held, count).text()
        named = sum(told.word in ("because", "in part") for told in nulls)
        yield f"{label}: no reason, yet named", Count(named, count).text()


def main() -> None:
    """Simulate, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=17)
    options = parser.parse_args()
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for row in rows(options.simulations, options.seed):
        table.add_row(*row)
    out.print(table)


if __name__ == "__main__":
    main()
