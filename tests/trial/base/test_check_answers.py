"""What a check returns: nothing, what it could not judge, or whether all is right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from harness import Scenario
from harness.schema.records import Outcome
from harness.trial.base.outcomes import judged
from harness.trial.base.request import BoundStrategy


def checked(answer: Any) -> tuple[Outcome, str]:
    scenario = Scenario("answers", question="?", baseline="one")

    @scenario.strategy()
    def one(array: Any) -> None: ...

    @scenario.check
    def check(array: Any, result: Any) -> Any:
        return answer

    work = BoundStrategy(scenario.strategies["one"], (1,), (1,), {}, (1,))
    return judged(lambda: work.check(scenario, None)), work.unverified


@pytest.mark.parametrize("answer", [None, True, np.True_, torch.tensor([True, True]), 0, []])
def test_a_result_is_right(answer: Any) -> None:
    assert checked(answer) == (Outcome("ok"), "")


@pytest.mark.parametrize("answer", [False, np.False_, torch.tensor(False), np.arange(3) > 1])
def test_a_check_that_returns_false_has_found_something(answer: Any) -> None:
    outcome, _ = checked(answer)
    assert (outcome.name, outcome.reason) == ("wrong", "the check returned False")


def test_what_could_not_be_judged_is_kept_in_one_line() -> None:
    assert checked("the order\nof 3 samples") == (Outcome("ok"), "the order of 3 samples")
