"""What each strategy costs against size, and what workers add: one line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.models.as_text import (
    cost_text,
    crossover_text,
    half_text,
    next_text,
    workers_text,
)
from harness.analysis.models.crossovers import crossovers
from harness.analysis.models.prediction import next_size
from harness.analysis.models.scaling import worker_models
from harness.analysis.models.time_model import TimeModel, time_models
from harness.analysis.sweep import Sweep
from harness.host.environment import Environment


@dataclass(frozen=True)
class CostLine:
    """One strategy: its model in words, each "" where nothing is known of it."""

    name: str
    cost: str
    half: str
    crossover: str  # where it overtakes the baseline, or is overtaken
    next: str  # the size to measure next


@dataclass(frozen=True)
class Costs:
    """A scenario's strategies at their usual parameters."""

    lines: tuple[CostLine, ...]
    workers: tuple[tuple[str, str], ...]  # a strategy, and what each further worker adds
    per: str  # what a time is one of


def costs(sweep: Sweep, environment: Environment) -> Costs | None:
    """The models of a scenario that compares times; None where nothing can be modelled."""
    if sweep.weighs != "time":
        return None
    models = time_models(sweep.main, environment)
    baseline = next((one for one in models if one.strategy == sweep.info.baseline), None)
    lines = tuple(_line(model, baseline) for model in models if model.curve is not None)
    workers = tuple((one.name, workers_text(one)) for one in worker_models(sweep))
    if not lines and not workers:
        return None
    return Costs(lines, workers, "epoch" if sweep.info.epochs else "call")


def _line(model: TimeModel, baseline: TimeModel | None) -> CostLine:
    following = next_size(model)
    return CostLine(
        model.name,
        cost_text(model),
        half_text(model).removeprefix("n½ "),
        _crossing(model, baseline),
        next_text(following) if following else "",
    )


def _crossing(model: TimeModel, baseline: TimeModel | None) -> str:
    found: Sequence[str] = ()
    if baseline is not None and baseline is not model:
        found = [crossover_text(one) for one in crossovers(model, baseline)]
    return "; ".join(found)
