"""Strategies that are slower than a baseline by known causes: what "why" is checked with.

All of them sleep. Of what one sleeps longer than the baseline a share is left out where torch may
use more than one thread, as if running on one thread were its cause. The name says it:
``share_96_of_150`` sleeps 150% longer, of which 96% are left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch

from harness.scenario import Parameter, Scenario

FAST_S = 2e-3
SHARES = (100, 98, 96, 94, 92)
LONGER = (50, 150, 500)
"""Percent of the baseline."""
WITHOUT = (30, 50, 100, 200)
"""The same of pairs whose difference has another cause."""
REPEATED = 5

causes = Scenario(
    "planted_causes",
    question="Is the cause named that was planted, with its share?",
    baseline="fast",
    parameters={"threads": Parameter(1, usual=(1, "all"))},
)


@causes.inputs
def nothing() -> np.ndarray:
    return np.zeros(16)


def sleeping(share: int, longer: int) -> Callable[[np.ndarray], torch.Tensor]:
    """A strategy that sleeps so much longer, without the share where it may use more threads."""

    def strategy(data: np.ndarray) -> torch.Tensor:
        left = 100 - share if torch.get_num_threads() > 1 else 100
        time.sleep(FAST_S * (1 + longer / 100 * left / 100))
        return torch.from_numpy(data)

    return strategy


def plant(name: str, share: int, longer: int) -> None:
    """Declare a strategy of this name."""
    function = sleeping(share, longer)
    function.__name__ = name
    function.__doc__ = f"Sleeps {longer}% longer, of which {share}% are left out with more threads."
    causes.strategy(copies=0)(function)


plant("fast", 0, 0)
for longer in LONGER:
    for share in SHARES:
        plant(f"share_{share}_of_{longer}", share, longer)
for longer in WITHOUT:
    for number in range(REPEATED):
        plant(f"share_0_of_{longer}_again_{number}", 0, longer)


@causes.check
def same(data: np.ndarray, result: torch.Tensor) -> None:
    assert result.numel() == data.size
