"""How a budget is spent: how long a trial measures, and how many there are of each kind."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.errors import UsageError
from harness.tuning.ratios import LEAST_PAIRS

RESERVE = 0.85
"""The share of what is left that is planned with: trials may take longer than the first."""
LEAST_BATCHES = 5
LEAST_WINDOW_S, MOST_WINDOW_S = 0.1, 2.0
SEEING_ROUNDS = 6
"""Enough for an interval with 95%, and no more."""
WHY_ROUNDS = 6
MOST_PAIRS = 20
WORTH = {"see": 4 * SEEING_ROUNDS, "why": 4 * WHY_ROUNDS, "race": 24, "confirm": 28, "rest": 10}
"""Trials of each part, as far as there is time."""
LEAST = {"see": 4 * SEEING_ROUNDS, "race": 10, "confirm": 2 * LEAST_PAIRS, "rest": 5}
LEAST_RACE = 0.3
"""Of the time that is left before it, however long trials take."""


@dataclass(frozen=True)
class Plan:
    """What there is time for.

    Args:
        window_s: how long a trial measures.
        trial_s: how long it takes in all.
    """

    window_s: float
    trial_s: float

    @classmethod
    def of(
        cls, left_s: float, spent_s: float, overhead_s: float, batch_s: float, *, tunable: bool
    ) -> Plan:
        """For the time that is left after a first look.

        Args:
            left_s: of the budget.
            spent_s: of it, by the first look.
            overhead_s: of a trial, before and after it measures.
            batch_s: of one batch, of which a trial needs a few.
            tunable: whether settings are to be tried.

        Raises:
            UsageError: it is too short for anything.
        """
        parts = ("see", "why", "race", "confirm", "rest") if tunable else ("see",)
        least = sum(LEAST[part] for part in parts if part in LEAST)
        least_s = max(LEAST_WINDOW_S, LEAST_BATCHES * batch_s)
        shortest_s = overhead_s + least_s
        needed_s = least * shortest_s
        if needed_s > left_s:
            raise UsageError(
                f"the budget is too short: a trial of this loader takes {shortest_s:.2g} s at "
                f"least, and {least} are needed; give it "
                f"--budget {math.ceil(1.2 * needed_s + 5 + spent_s)}s"
            )
        for why in (True, False):
            wanted = [part for part in parts if why or part != "why"]
            trials = sum(WORTH[part] for part in wanted)
            window_s = RESERVE * left_s / trials - overhead_s
            if window_s >= least_s:
                break
        window_s = max(least_s, min(MOST_WINDOW_S, window_s))
        return cls(window_s, overhead_s + window_s)

    def batches(self, batch_s: float, length: int | None) -> int:
        """How many of them fill the window. Of epochs that fit in, there have to be two."""
        fitting = max(LEAST_BATCHES, round(self.window_s / max(batch_s, 1e-6)))
        if length is not None and length <= fitting:
            return max(LEAST_BATCHES, fitting // 2)
        return fitting


def is_time_for_why(left_s: float, trial_s: float) -> bool:
    """Whether what stages cost can be tried, and enough is left for what decides.

    Args:
        left_s: of the budget.
        trial_s: what trials have taken so far, which on a busy machine is more than was planned.
    """
    trials = WORTH["why"] + sum(LEAST[part] for part in ("race", "confirm", "rest"))
    return left_s >= trials * trial_s


def race_s(left_s: float, trial_s: float) -> float:
    """How long the race may take, so that there is time for the pairs that decide."""
    return max(LEAST_RACE * left_s, left_s - (WORTH["confirm"] + WORTH["rest"]) * trial_s)


def pairs_in(left_s: float, trial_s: float) -> int:
    """How many fresh pairs there is time for: never too few to decide anything."""
    return min(MOST_PAIRS, max(LEAST_PAIRS, int(left_s / (2 * trial_s))))
