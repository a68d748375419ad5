"""The training step of a trial: made before anything is measured, judged by its losses."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch

from harness.scenario import Scenario
from harness.scenario.declaration import call_with
from harness.schema.records import Outcome, Training, Value
from harness.trial.base.outcomes import NO_LEARNING

_SEED = 0
_QUARTER = 4

StepFunction = Callable[[Any], Any]
"""What is done with every batch as it comes."""


class Trainer:
    """Takes a step on every batch and keeps the losses.

    Args:
        scenario: whose step it is.
        parameters: of the case.
    """

    def __init__(self, scenario: Scenario, parameters: Mapping[str, Value]) -> None:
        assert scenario.make_step is not None
        torch.manual_seed(_SEED)
        self._step: StepFunction = call_with(scenario.make_step, parameters)
        self.losses: list[float] = []

    def __call__(self, batch: Any) -> None:
        loss = self._step(batch)
        if loss is not None:
            self.losses.append(float(loss))


def summarised(losses: list[float], first_epoch: int) -> Training | None:
    """The first losses beside as many of the last; None where nothing was to be learnt.

    Args:
        losses: of all steps, in their order.
        first_epoch: how many of them were taken in the first epoch; a quarter of these count.
    """
    if not losses:
        return None
    some = max(1, first_epoch // _QUARTER)
    return Training(len(losses), sum(losses[:some]) / some, sum(losses[-some:]) / some)


def recordable(training: Training | None) -> Training | None:
    """What a record can hold, which has no place for what is no number."""
    if training is None or not math.isfinite(training.first_loss + training.last_loss):
        return None
    return training


def verdict(training: Training | None) -> Outcome:
    """Wrong where the loss has not gone down: the batches were not what they should be."""
    if training is None or training.last_loss < training.first_loss:
        return Outcome("ok")
    return Outcome(
        "wrong",
        f"it does not learn: the loss was {training.first_loss:.4g} at first and "
        f"{training.last_loss:.4g} after {training.steps} steps",
        kind=NO_LEARNING,
    )
