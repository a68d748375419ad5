"""``ferrybench predict``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from harness.analysis.models.as_text import (
    cost_text,
    crossover_text,
    half_text,
    misfit_text,
    next_text,
    prediction_text,
    step_texts,
)
from harness.analysis.models.choosing import chosen_model, command_for, setting_text
from harness.analysis.models.crossovers import with_baseline
from harness.analysis.models.prediction import fits_into_memory, next_size, predict
from harness.analysis.models.time_model import TimeModel, time_models
from harness.cases.summaries import summaries
from harness.cli.options import parse_sets
from harness.cli.predict_check import check_predictions
from harness.console import out
from harness.errors import EXIT_NOT_JUDGED, EXIT_OK, UnableError, UsageError
from harness.formats.open_results import read_run
from harness.journal.lines import Run
from harness.journal.shown import shown
from harness.units import format_size, parse_size


def predict_command(
    journal: Path,
    target: str,
    /,
    *,
    size: str,
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative=())] = (),
    host: str = "default",
    check: Annotated[bool, Parameter(negative=())] = False,
    trials: int = 5,
    scenarios: Annotated[tuple[Path, ...], Parameter(negative=())] = (),
) -> int:
    """How long would it take at a size that a run did not measure?

    Exit code 3: the run says too little for a prediction.

    Parameters
    ----------
    journal
        The run.
    target
        SCENARIO/STRATEGY.
    size
        Sizes to predict, such as 3MiB,24MiB: at most four times as large or small as measured.
    set_
        NAME=VALUE: a parameter instead of its usual value in the run; may be repeated.
    host
        One of the run's hosts.
    check
        Measure the sizes now, beside those of the run that are nearest.
    trials
        Processes that measure each size for --check.
    scenarios
        A module or folder with your own scenarios, for --check; may be repeated.
    """
    sizes = _sizes(size)
    if trials < 1:
        raise UsageError(f"--trials {trials}: give 1 or more")
    run = shown(read_run(journal))
    models = time_models(summaries(run), run.header.environment)
    model = chosen_model(run, models, target, parse_sets(set_), host)
    if model.curve is None:
        out.print(f"{target}: not known, {model.unknown}", soft_wrap=True)
        return EXIT_NOT_JUDGED
    predictions = [predict(model, one) for one in sizes]
    settings = setting_text(model)
    for one in predictions:
        what = f"{target} at {format_size(one.size)}{settings}"
        out.print(f"{what}: {prediction_text(one)}", style="bold", soft_wrap=True)
        if reason := fits_into_memory(model, one.size, run.header.environment):
            out.print(f"  where the run was it would not fit: {reason}", soft_wrap=True)
    _explain(run, models, model)
    if check:
        if host != "default":
            raise UnableError(f"--check measures on the default host, not on {host}")
        check_predictions(run, model, predictions, trials, scenarios)
    return EXIT_OK


def _sizes(text: str) -> list[int]:
    try:
        return [parse_size(one) for one in text.split(",")]
    except ValueError as error:
        raise UsageError(f"--size: {error}") from error


def _explain(run: Run, models: Sequence[TimeModel], model: TimeModel) -> None:
    """What the prediction rests on, where the strategy crosses the baseline, what to measure."""
    out.print(f"  costs {cost_text(model)}", soft_wrap=True)
    for line in (half_text(model), *step_texts(model), misfit_text(model)):
        if line:
            out.print(f"  {line}", soft_wrap=True)
    info = next(info for info in run.header.scenarios if info.name == model.scenario)
    own = [one for one in models if one.scenario == model.scenario]
    for crossover in with_baseline(own, info.baseline):
        if model.name in (crossover.below, crossover.above) and model.strategy != info.baseline:
            out.print(f"  {crossover_text(crossover)}", soft_wrap=True)
    following = next_size(model)
    if following is not None:
        out.print(f"  measure next: {next_text(following)}", soft_wrap=True)
        if model.default_host:
            sizes = [*model.sizes, following.size]
            out.print(f"    {command_for(model, info, sizes)}", soft_wrap=True)
