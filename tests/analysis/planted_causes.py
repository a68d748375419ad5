"""Runs of two strategies that differ by planted causes, with experiments on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.journal.lines import Run
from harness.journal.read import read_journal
from harness.schema.description import ScenarioInfo, Variant
from harness.schema.records import DEFAULT_HOST, Case, PlannedCase, Value
from tests.journals import MIB, parameter, scenario, strategy, trial, write_run

LUCK = (0.99, 1.0, 1.02, 1.01, 0.98, 1.0)
HUGE = Variant("huge", {"HUGE": "1"}, ("base",), "torch asks for huge pages too")
Planted = Mapping[tuple[str, str, Value], tuple[float, float]]
"""Seconds and page faults a call, by strategy, host and threads."""
MAIN: Planted = {
    ("base", DEFAULT_HOST, 1): (4e-3, 256.0),
    ("other", DEFAULT_HOST, 1): (1e-3, 2.0),
}


def varied_info() -> ScenarioInfo:
    """A scenario with a variant of the host, and with threads."""
    info = scenario(
        [strategy("base"), strategy("other")],
        {"size": parameter(MIB, axis=True), "threads": parameter(1, 1, "all")},
    )
    return replace(info, variants=(HUGE,))


def sweep_run(
    folder: Path, info: ScenarioInfo, planted: Planted, luck: Sequence[float] = LUCK
) -> Run:
    """A run of these times, in rounds that share their luck."""
    cases, trials = [], []
    for (name, host, threads), (seconds, faults) in planted.items():
        point: dict[str, Value] = {"size": MIB, "threads": threads}
        is_base = name == "base" and host == DEFAULT_HOST
        cases.append(PlannedCase(Case("moving", name, point, host), is_base))
        index = len(cases) - 1
        trials.append(trial(index, 0))
        trials += [
            trial(index, number, seconds * share, faults_steady=faults)
            for number, share in enumerate(luck, start=1)
        ]
    return read_journal(write_run(folder / "run.jsonl", cases, trials, infos=[info]))
