"""Which of a run's models is meant."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from harness.analysis.models.time_model import TimeModel
from harness.analysis.sweep import sweep
from harness.errors import UsageError
from harness.journal.lines import Run
from harness.planning.case_text import setting_value
from harness.planning.command import option_text, scenario_option
from harness.planning.plan import parse_overrides, select
from harness.schema.description import ScenarioInfo
from harness.schema.records import Value


def chosen_model(
    run: Run,
    models: Sequence[TimeModel],
    target: str,
    sets: Mapping[str, tuple[str, ...]],
    host: str,
) -> TimeModel:
    """The model of a strategy: with the parameters that were asked for, else with the usual ones.

    Args:
        run: that the models are of.
        models: of all its cases.
        target: ``SCENARIO/STRATEGY``.
        sets: values of parameters, one each.
        host: by name.

    Raises:
        UsageError: there is none.
    """
    _, slash, strategy = target.partition("/")
    if not (slash and strategy):
        raise UsageError(f"{target}: name a strategy, as in SCENARIO/STRATEGY")
    info, _ = select(run.header.scenarios, [target])[0]
    asked = parse_overrides([info], sets).get(info.name, {})
    for name, values in asked.items():
        if len(values) > 1 or name == "size":
            raise UsageError(f"--set {name}: give one value, and sizes by --size")
    point: dict[str, Value] = {name: values[0] for name, values in asked.items()}
    own = [
        one
        for one in models
        if (one.scenario, one.strategy, one.host) == (info.name, strategy, host)
    ]
    found = [one for one in own if point.items() <= one.parameters.items()]
    if not found:
        setting = ", ".join(f"{name}={value}" for name, value in point.items())
        setting = f" with {setting}" if own and setting else ""
        where = "" if host == "default" else f" on host {host}"
        raise UsageError(f"{run.path}: {target} was timed at no size{setting}{where}")
    rows = [case for model in own for case in model.cases]
    usual = dict(sweep(info, rows).usual.get(strategy, {})) | point
    return max(found, key=lambda one: (_alike(one, usual), len(one.sizes)))


def _alike(model: TimeModel, point: Mapping[str, Value]) -> int:
    return sum(model.parameters.get(name) == value for name, value in point.items())


def setting_text(model: TimeModel) -> str:
    """`` with dtype=float32, threads=1``; "" where nothing was to choose."""
    parts = [f"{name}={setting_value(name, value)}" for name, value in model.parameters.items()]
    return f" with {', '.join(parts)}" if parts else ""


def command_for(model: TimeModel, info: ScenarioInfo, sizes: Sequence[int]) -> str:
    """The command that measures a strategy at some sizes, with its parameters as they are here."""
    shown = ",".join(dict.fromkeys(option_text("size", size) for size in sorted(sizes)))
    words = ["ferrybench", "run", f"{model.scenario}/{model.strategy}", "--size", shown]
    words += scenario_option(info)
    words += [
        f"--set={name}={option_text(name, value)}" for name, value in model.parameters.items()
    ]
    return shlex.join(words)
