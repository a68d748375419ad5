"""How often something happened, with an interval."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Count:
    """How many of how many."""

    found: int = 0
    of: int = 0

    def share(self) -> str:
        """Without an interval, for tables of many."""
        return f"{self.found / self.of:.1%}"

    def text(self) -> str:
        """With an interval by Clopper and Pearson, Biometrika 26 (1934) 404."""
        from scipy.stats import binomtest

        interval = binomtest(self.found, self.of).proportion_ci(0.95)
        share = f"{self.found / self.of:.2%} ({interval.low:.2%} to {interval.high:.2%})"
        return f"{self.found} of {self.of}: {share}"
