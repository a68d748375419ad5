"""Whether a prediction is true: its size, measured now beside sizes that the run measured."""

from __future__ import annotations

import math
import secrets
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.analysis.models.prediction import Prediction
from harness.analysis.models.time_model import TimeModel, logs_of
from harness.analysis.wording import factor
from harness.cases.summaries import summaries
from harness.cli.measuring import measure_into
from harness.console import out
from harness.errors import UnableError
from harness.host.inputs import temporary_folder
from harness.journal.lines import Run
from harness.journal.read import read_journal
from harness.planning.command import option_text
from harness.planning.plan import Request
from harness.run.session import Settings
from harness.schema.records import Case, Value
from harness.stats.intervals import Interval, median_interval
from harness.units import format_seconds, format_size, plural

ANCHORS = 2
"""Sizes of the run that are measured beside a prediction: the nearest ones."""
MOVED = 1.05
"""By how much those may take longer or less long without a word."""


def check_predictions(
    run: Run,
    model: TimeModel,
    predictions: Sequence[Prediction],
    trials: int,
    user_paths: Sequence[Path],
) -> None:
    """Measure, and print for each prediction whether it held.

    Sizes that the run measured are measured again in the same rounds: by how much they have
    changed is by how much the machine has, which is no fault of the fit's.

    Raises:
        UnableError: nothing could be measured.
    """
    anchors = {
        one.size: nearest([size for size in model.sizes if size != one.size], one.size)
        for one in predictions
    }
    sizes = sorted({*anchors, *(size for beside in anchors.values() for size in beside)})
    now = _measured(run, model, sizes, trials, user_paths)
    before = {case.size_bytes: statistics.median(logs_of(case)) for case in model.cases}
    for one in predictions:
        moved = [statistics.median(now[size]) - before[size] for size in anchors[one.size]]
        out.print(verdict_text(one, now[one.size], statistics.fmean(moved)), soft_wrap=True)


def verdict_text(prediction: Prediction, logs: Sequence[float], shift: float) -> str:
    """What was measured, and whether it lies within the interval.

    Args:
        prediction: what was expected.
        logs: of each process's seconds, now.
        shift: by how much the logarithms of the sizes beside it have grown since the run.
    """
    found = median_interval([math.exp(log) for log in logs])
    expected = prediction.time
    parts = [
        f"  measured at {format_size(prediction.size)}: {format_seconds(found.median)} in "
        f"{plural(len(logs), 'process', 'processes')}, {_standing(expected, found.median)}"
    ]
    if not 1 / MOVED < math.exp(shift) < MOVED:
        as_then = found.median / math.exp(shift)
        parts.append(
            f"the sizes beside it take {factor(math.exp(shift))} as long as in the run; "
            f"without that {format_seconds(as_then)}, {_standing(expected, as_then)}"
        )
    return "; ".join(parts)


def _standing(expected: Interval, seconds: float) -> str:
    off = f"{abs(seconds / expected.median - 1):.0%} off"
    return f"{'within' if expected.low <= seconds <= expected.high else 'outside'}, {off}"


def nearest(sizes: Sequence[int], size: int) -> list[int]:
    """The sizes of a run that are measured beside a prediction."""
    return sorted(sizes, key=lambda one: abs(math.log(one / size)))[:ANCHORS]


def _measured(
    run: Run, model: TimeModel, sizes: Sequence[int], trials: int, user_paths: Sequence[Path]
) -> Mapping[int, list[float]]:
    """The logarithms of the times of processes by size, of a run that leaves no journal behind."""
    keys = frozenset(
        Case(model.scenario, model.strategy, with_size(model, size)).key for size in sizes
    )
    sets = {name: (str(value),) for name, value in model.parameters.items()}
    request = Request(
        targets=(f"{model.scenario}/{model.strategy}",),
        overrides={**sets, "size": tuple(option_text("size", size) for size in sizes)},
        only=keys,
    )
    effort = replace(run.header.plan.effort, trials=trials, memory_trials=1)
    settings = Settings(effort, secrets.randbelow(2**31))
    with TemporaryDirectory(prefix="ferrybench-predict-", dir=temporary_folder()) as folder:
        ended, path = measure_into(
            request, settings, user_paths, Path(folder) / "check.jsonl", force=False
        )
        if ended == "interrupted":
            raise KeyboardInterrupt
        rows = summaries(read_journal(path))
    failed = [row for row in rows if not row.timed]
    if failed:
        raise UnableError(f"{format_size(failed[0].size_bytes or 0)}: {failed[0].reason}")
    return {row.size_bytes or 0: logs_of(row) for row in rows}


def with_size(model: TimeModel, size: int) -> dict[str, Value]:
    """The point of a case of the model, in the order of its parameters."""
    return {
        name: size if name == "size" else value
        for name, value in model.cases[0].planned.case.parameters.items()
    }
