"""A user's own scenario with a claim of its own, and a run in which that claim is true."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.schema.records import PlannedCase, Trial
from tests.journals import MIB, planned, scenario, trial, write_run

OWN = """
[[claim]]
code = "1001"
statement = "The other one is faster."
source = "us"

[[claim.parts]]
metric = "time"
of = "other"
against = "base"
over = {size = ["1MiB", "4MiB"]}
at_most = 0.8
"""


def write_moving(folder: Path) -> Path:
    """The journal of a run whose other strategy takes half the time of its baseline."""
    cases: list[PlannedCase] = []
    done: list[Trial] = []
    for name in ("base", "other"):
        for size in (MIB, 4 * MIB):
            for number in range(4):
                one_s = (2e-3 if name == "base" else 1e-3) * (1 + 0.01 * number)
                done.append(trial(len(cases), number, one_s))
            cases.append(planned(name, size, baseline=name == "base"))
    info = replace(scenario(), path=str(folder / "moving.py"))
    return write_run(folder / "run.jsonl", cases, done, infos=[info])
