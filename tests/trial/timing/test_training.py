"""Losses are summed up and judged as said; making a step is repeatable."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from harness import Scenario
from harness.schema.records import Training
from harness.trial.timing.training import Trainer, recordable, summarised, verdict


def scenario(make: Any) -> Scenario:
    made = Scenario("steps", question="?", baseline="none", epochs=True, parameters={"rate": 2.0})
    made.step(make)
    return made


def test_the_first_quarter_of_an_epoch_is_compared_with_as_many_of_the_last_steps() -> None:
    losses = [9.0, 7.0, *[5.0] * 6, *[4.0] * 6, 1.0, 2.0]
    training = summarised(losses, 8)
    assert training == Training(steps=16, first_loss=8.0, last_loss=1.5)
    assert verdict(training).ok


def test_an_epoch_of_few_steps_is_compared_step_by_step() -> None:
    assert summarised([3.0, 2.0, 1.0], 3) == Training(3, 3.0, 1.0)


@pytest.mark.parametrize("losses", [[1.0] * 8, [1.0] * 7 + [1.1], [1.0] * 7 + [math.nan]])
def test_a_loss_that_does_not_go_down_is_wrong(losses: list[float]) -> None:
    outcome = verdict(summarised(losses, 4))
    assert outcome.name == "wrong"
    assert outcome.kind == "no learning"
    assert outcome.reason.startswith("it does not learn: the loss was 1 at first and ")


def test_only_numbers_are_recordable() -> None:
    assert recordable(Training(3, 2.0, 1.0)) == Training(3, 2.0, 1.0)
    assert recordable(Training(3, 2.0, math.nan)) is None
    assert recordable(Training(3, math.inf, 1.0)) is None
    assert recordable(None) is None


def test_where_nothing_is_learnt_nothing_is_judged() -> None:
    def make(rate: float) -> Any:
        return lambda batch: None

    trainer = Trainer(scenario(make), {"rate": 1.0})
    for _ in range(3):
        trainer(torch.ones(1))
    assert trainer.losses == []
    assert summarised(trainer.losses, 3) is None
    assert verdict(None).ok


def test_a_step_gets_the_parameters_it_names_and_the_same_random_numbers_each_time() -> None:
    def make(rate: float) -> Any:
        weight = torch.rand(1).item()
        return lambda batch: weight * rate * batch

    losses = []
    for _ in range(2):
        torch.rand(5)
        trainer = Trainer(scenario(make), {"rate": 10.0, "size": 4096})
        trainer(torch.tensor(2.0))
        losses += trainer.losses
    torch.manual_seed(0)
    assert losses == [pytest.approx(torch.rand(1).item() * 20)] * 2
