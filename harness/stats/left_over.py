"""What a fit leaves over, carried to where nothing was measured.

Real times are no straight line, however many cuts it has: a size lies off it by more than its
processes lie apart, and its neighbours do likewise. So what is left over is taken for a random walk
that returns to zero, over the logarithm of the size (G. E. Uhlenbeck, L. S. Ornstein, Physical
Review 36 (1930) 823), and interpolated by universal kriging (G. Matheron, Les cahiers du Centre de
morphologie mathématique 1 (1969)): near a measured size its own misfit counts, far away the fit
alone. The variance has a part of the walk, and one of the fit's constants.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness.stats.cost_fit import Floats

REACH = math.log(4)
"""How far a misfit reaches: over a factor of four in size it is correlated by 1/e."""
TINY = 1e-12
"""A variance that keeps a matrix from being singular where processes agree to the last digit."""


@dataclass(frozen=True)
class Forecast:
    """A logarithm that was not measured.

    Args:
        log: the most probable value.
        error: its standard error, as Student's t with ``freedom`` counts it.
        freedom: degrees of freedom.
        below: how far the most probable value itself may be too high, in an unknown place.
        above: how far it may be too low.
    """

    log: float
    error: float
    freedom: float
    below: float = 0.0
    above: float = 0.0

    def bounds(self, confidence: float) -> tuple[float, float]:
        """The ends of the interval of what it is the logarithm of."""
        low, high = self._ends(confidence)
        return math.exp(low), math.exp(high)

    def _ends(self, confidence: float) -> tuple[float, float]:
        reach = quantile(self.freedom, confidence) * self.error
        return self.log - self.below - reach, self.log + self.above + reach

    @property
    def value(self) -> float:
        """What it is the logarithm of."""
        return math.exp(self.log)

    def sign(self, confidence: float) -> int:
        """1 where it is certainly above zero, -1 where below; else 0."""
        low, high = self._ends(confidence)
        return int(low > 0) - int(high < 0)


def quantile(freedom: float, confidence: float) -> float:
    """How many standard errors an interval reaches, by Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + confidence / 2))


class LeftOver:
    """What is left over at some sizes.

    Args:
        logs: logarithms of the sizes.
        left: measured minus fitted, in logarithms.
        noise: variance of what was measured.
        slopes: how the fitted logarithm changes with each constant, one row for each size.
        misfit: standard deviation of the walk.
    """

    def __init__(
        self, logs: Floats, left: Floats, noise: Floats, slopes: Floats, misfit: float
    ) -> None:
        self._logs, self._left = logs, left
        self._scale = np.abs(slopes).max(axis=0)  # constants differ by orders of magnitude
        self._scale[self._scale == 0] = 1.0
        self._slopes = slopes / self._scale
        self._misfit = misfit
        self._inverse = np.linalg.inv(misfit**2 * self._likeness(logs) + np.diag(noise + TINY))
        self._constants = np.linalg.pinv(self._slopes.T @ self._inverse @ self._slopes)

    @property
    def constants(self) -> Floats:
        """Variances and covariances of the fit's constants."""
        return self._constants / np.outer(self._scale, self._scale)

    def _likeness(self, logs: Floats) -> Floats:
        return np.exp(-np.abs(np.subtract.outer(logs, self._logs)) / REACH)

    def at(self, log: float, slopes: Floats) -> tuple[float, float]:
        """What to add to the fit at a size, and the variance of the sum.

        Args:
            log: logarithm of the size.
            slopes: of the fit there.
        """
        near = self._misfit**2 * self._likeness(np.array([log]))[0]
        pull = self._inverse @ near
        unexplained = slopes / self._scale - self._slopes.T @ pull
        variance = self._misfit**2 - near @ pull + unexplained @ self._constants @ unexplained
        return float(pull @ self._left), max(0.0, float(variance))
