"""The fixture ``ferrybench``: measures functions, and holds the test's budget against them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from harness.inline.measure import Check, measure
from harness.inline.measurement import Measurement
from harness.pytest_support import facts
from harness.pytest_support.options import allows_shared, budget_of, fail_cleanly, timeout_of
from harness.pytest_support.results import note

STEADY_S = 0.05


class Ferrybench:
    """Call it with a function and its arguments; it returns a Measurement.

    Its options are those of :func:`harness.measure`; a budget of the test is enforced at once.
    """

    def __init__(self, node: pytest.Item) -> None:
        self._node = node
        self._budget = fail_cleanly(partial(budget_of, node))

    def __call__(
        self,
        function: Callable[..., Any],
        *args: Any,
        trials: int = 1,
        steady_s: float = STEADY_S,
        timeout_s: float | None = None,
        check: Check = False,
        payload: int | None = None,
        warm: bool = True,
        allow_shared: bool | None = None,
        **kwargs: Any,
    ) -> Measurement:
        __tracebackhide__ = True
        measurement = fail_cleanly(
            partial(
                measure,
                function,
                *args,
                trials=trials,
                steady_s=steady_s,
                timeout_s=timeout_of(self._node.config) if timeout_s is None else timeout_s,
                check=check,
                payload=payload,
                warm=warm,
                allow_shared=allows_shared(self._node) if allow_shared is None else allow_shared,
                **kwargs,
            )
        )
        note(self._node, facts.of_measurement(measurement), measurement.name)
        if self._budget is not None:
            fail_cleanly(partial(self._budget.enforce, measurement))
        return measurement
