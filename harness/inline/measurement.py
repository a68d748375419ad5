"""What one measured function turned out to cost, with what a user asks of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from harness.inline.as_text import as_html, as_text
from harness.inline.budget import Budget
from harness.inline.costs import Costs


@dataclass(frozen=True, repr=False)
class Measurement(Costs):
    """One function, measured in processes of its own; ``outcome`` says whether it failed, and how.

    Sizes are bytes, times seconds. Unknown values are None, an empty tuple or NaN.
    """

    def within(self, **budget: Any) -> Self:
        """Return this measurement if it is within a budget, such as ``within(copies=1, left=0)``.

        Args:
            **budget: see :class:`harness.inline.budget.Budget`.

        Raises:
            BudgetExceededError: an AssertionError, with all figures and what to do.
            UsageError: the budget is invalid, or this measurement cannot decide it.
        """
        __tracebackhide__ = True
        Budget.of(budget).enforce(self)
        return self

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)
