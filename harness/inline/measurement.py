"""What one measured function turned out to cost, with what a user asks of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from harness.inline.as_text import as_html, as_text
from harness.inline.budget import Budget
from harness.inline.costs import Costs


@dataclass(frozen=True, repr=False)
class Measurement(Costs):
    """One function, measured in processes of its own; all that failed is told by ``outcome``.

    Sizes are bytes, times seconds. What could not be found out is None, an empty tuple or NaN.
    """

    def within(self, **budget: Any) -> Self:
        """This measurement, if it keeps within a budget: ``within(copies=1, left=0)``.

        Args:
            **budget: see :class:`harness.inline.budget.Budget`.

        Raises:
            BudgetExceededError: an AssertionError, with all figures and what to do.
            UsageError: the budget makes no sense, or cannot be judged by this measurement.
        """
        __tracebackhide__ = True
        Budget.of(budget).enforce(self)
        return self

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)
