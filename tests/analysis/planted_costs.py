"""Runs of strategies whose cost at every size is planted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.journal.lines import Run
from harness.journal.read import read_journal
from harness.schema.records import PlannedCase
from tests.journals import MIB, case, trial, write_run

SIZES = tuple(4096 * 4**power for power in range(8))
LUCK = (0.99, 1.0, 1.02, 1.01)
Truth = Callable[[int], float]


def base(size: int) -> float:
    return 2e-6 + 2e-10 * size


def other(size: int) -> float:
    """Dearer to begin with, and less expensive per byte: level with the base at 1 MiB."""
    return base(MIB) - 1e-10 * MIB + 1e-10 * size


def run_of(
    folder: Path,
    truths: Mapping[str, Truth],
    sizes: Sequence[int] = SIZES,
    luck: Sequence[float] = LUCK,
) -> Run:
    """A run in which every process of a round is a little slower or faster, and alike."""
    cases, trials = [], []
    for name, truth in truths.items():
        for size in sizes:
            cases.append(PlannedCase(case(name, size), name == "base", expected_copies=1.0))
            trials.append(trial(len(cases) - 1, 0))
            trials += [
                trial(len(cases) - 1, number, truth(size) * share)
                for number, share in enumerate(luck, start=1)
            ]
    return read_journal(write_run(folder / "run.jsonl", cases, trials))
