"""pytest-benchmark's JSON, as ``pytest --benchmark-json`` writes it.

Its samples are ours: each the mean time of one call, of all processes together. What its table
has no column for, memory above all, stands in ``extra_info``. Its own code computes its statistics.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from math import isfinite
from typing import Any, TextIO

import pandas as pd

from harness.cases.quantities.registry import QUANTITIES
from harness.errors import UnableError
from harness.formats.rows import plain, plain_within, records
from harness.journal.lines import Run
from harness.schema.records import TIMED, Trial
from harness.schema.texts import apart

VERSION = "5.0.0"
"""Of pytest-benchmark, whose format this is."""
EXTRA = tuple(
    one.name for one in sorted(QUANTITIES, key=lambda quantity: quantity.noted) if one.noted
)
"""Columns that stand in ``extra_info``."""


def write(run: Run, cases: pd.DataFrame, stream: TextIO) -> int:
    """Write every case that was timed and is ok; a file of pytest-benchmark as it was.

    Raises:
        UnableError: pytest-benchmark is not installed.
    """
    if run.document is not None:
        json.dump(run.document, stream, indent=4)
        stream.write("\n")
        return len(cases)
    rows: list[dict[str, Any]] = records(cases)
    trials: dict[int, list[Trial]] = {}
    for trial in run.trials:
        ok = trial.outcome.ok and rows[trial.case]["outcome"] == "ok"
        if trial.kind in TIMED and ok and _times_s(trial):
            trials.setdefault(trial.case, []).append(trial)
    if not trials:
        return 0
    json.dump(
        {
            "machine_info": plain_within(_machine(run)),
            "commit_info": _commit(run),
            "benchmarks": _told_apart(
                _benchmark(run, index, own, rows[index]) for index, own in sorted(trials.items())
            ),
            "datetime": run.header.created,
            "version": VERSION,
        },
        stream,
        indent=4,
        allow_nan=False,
    )
    stream.write("\n")
    return len(trials)


def _times_s(trial: Trial) -> list[float]:
    """The samples of a trial, without what is no number."""
    return [
        sample for sample in (trial.timing.samples_s if trial.timing else ()) if isfinite(sample)
    ]


def _told_apart(benchmarks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """With names of their own: values such as ``1-2`` and ``3`` are joined as others may be."""
    found = list(benchmarks)
    names = apart(one["fullname"] for one in found)
    for one, name in zip(found, names, strict=True):
        one["name"] += name.removeprefix(one["fullname"])
        one["fullname"] = name
    return found


def _benchmark(
    run: Run, index: int, trials: Sequence[Trial], row: dict[str, Any]
) -> dict[str, Any]:
    case = run.header.plan.cases[index].case
    parameters = {**case.parameters} | ({"host": case.host} if case.host != "default" else {})
    samples = [sample for trial in trials for sample in _times_s(trial)]
    calls = max(trial.timing.calls_per_sample for trial in trials if trial.timing)
    return {
        "group": f"{case.scenario} {case.point}".rstrip(),
        "name": case.label,
        "fullname": f"scenarios/{case.scenario}.py::{case.label}",
        "params": plain_within(parameters) or None,
        "param": case.values or None,
        "extra_info": {
            "scenario": case.scenario,
            "strategy": case.strategy,
            **{column: plain(row[column]) for column in EXTRA},
            **_arenas(run, index),
        },
        "options": {
            "disable_gc": not run.header.plan.effort.collect_garbage,
            "timer": "perf_counter",
            "min_rounds": run.header.plan.effort.min_samples,
            "max_time": plain(run.header.plan.effort.steady_s),
            "min_time": 0.0,
            "warmup": True,
        },
        "stats": {**_stats(samples), "data": samples, "iterations": calls},
    }


def _arenas(run: Run, index: int) -> dict[str, int]:
    """What the memory of a case came in, by which a difference of it is judged."""
    ledgers = (trial.ledger for trial in run.trials if trial.case == index)
    sizes = [ledger.arena_bytes for ledger in ledgers if ledger]
    return {"arena_bytes": max(sizes)} if sizes else {}


def _stats(samples: Sequence[float]) -> dict[str, Any]:
    try:
        from pytest_benchmark import stats as theirs
    except ImportError as error:
        raise UnableError(
            "the format pytest-benchmark needs that package: pip install pytest-benchmark"
        ) from error
    stats: Any = theirs.Stats  # it has no types
    stats = stats()
    for sample in samples:
        stats.update(sample)
    found: dict[str, Any] = stats.as_dict()
    return found


def _machine(run: Run) -> dict[str, Any]:
    environment = run.header.environment
    host = environment.hosts.get("default", {})
    known = asdict(environment)
    return {
        "node": "",
        "processor": environment.cpu_model,
        "machine": environment.machine,
        "python_compiler": "",
        "python_implementation": host.get("implementation", ""),
        "python_version": host.get("python", ""),
        "release": environment.kernel,
        "system": environment.system,
        "cpu": {"brand_raw": environment.cpu_model, "count": environment.processors},
        "ferrybench": {name: known[name] for name in ("ferrybench", "thp_enabled", "hosts")},
    }


def _commit(run: Run) -> dict[str, Any]:
    environment = run.header.environment
    return {
        "id": environment.git_revision or "unversioned",
        "time": run.header.created,
        "author_time": run.header.created,
        "dirty": environment.git_dirty,
        "project": "ferrybench",
        "branch": "(unknown)",
    }
