"""The files by which a trial and its ranks tell each other what words cannot hold."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.schema.records import Outcome
from harness.schema.request import TrialRequest
from harness.schema.strict import from_fields

BOARD = "board"


@dataclass(frozen=True)
class RankTask:
    """What every rank of a launch is asked to do.

    Args:
        request: the trial.
        ranks: how many of them there are.
        epochs: after the first one.
        checked: whether another one follows, which is checked.
        collective_s: how long a collective may take: longer than all may stand still, or a rank
            that waits would fail before the one that keeps it waiting is found.
    """

    request: TrialRequest
    ranks: int
    epochs: int
    checked: bool
    collective_s: float


@dataclass(frozen=True)
class RankFound:
    """What one rank found out. Moments are of the clock that all processes of a machine share."""

    rank: int
    backend: str
    built_ns: int
    begins_ns: tuple[int, ...]  # of each epoch, after all have met
    made_ns: tuple[int, ...]  # its iterator was there
    firsts_ns: tuple[int, ...]  # its first batch had come
    lasts_ns: tuple[int, ...]  # and its last
    ends_ns: tuple[int, ...]
    waits_ns: tuple[int, ...]  # of each epoch, what it waited for batches
    batches: int  # of an epoch
    samples: int
    data_bytes: int
    summary: str  # of a batch
    unverified: str


def write_task(folder: Path, task: RankTask) -> None:
    (folder / "task.json").write_text(json.dumps(asdict(task)))


def read_task(folder: Path) -> RankTask:
    return from_fields(RankTask, json.loads((folder / "task.json").read_text()))


def write_found(folder: Path, found: RankFound, rows: npt.NDArray[np.int64]) -> None:
    """What a rank found, and the rows that it was given in the epoch that was checked."""
    np.save(folder / f"rows-{found.rank}.npy", rows)
    _write(folder / f"found-{found.rank}.json", asdict(found))


def read_found(folder: Path, rank: int) -> RankFound:
    return from_fields(RankFound, json.loads((folder / f"found-{rank}.json").read_text()))


def read_rows(folder: Path, rank: int) -> npt.NDArray[np.int64]:
    rows: npt.NDArray[np.int64] = np.load(folder / f"rows-{rank}.npy")
    return rows


def failure_of(folder: Path, rank: int) -> Path:
    return folder / f"failure-{rank}.json"


def write_failure(folder: Path, rank: int, outcome: Outcome) -> None:
    """How a rank failed, and when."""
    _write(failure_of(folder, rank), {"at": time.monotonic_ns(), "how": asdict(outcome)})


def first_failure(folder: Path) -> tuple[int, Outcome] | None:
    """The rank that failed first, and how: the others may have failed because of it."""
    found = []
    for path in folder.glob("failure-*.json"):
        said = json.loads(path.read_text())
        rank = int(path.stem.removeprefix("failure-"))
        found.append((int(said["at"]), rank, from_fields(Outcome, said["how"])))
    return min(found)[1:] if found else None


def _write(path: Path, fields: Mapping[str, Any]) -> None:
    """Whole, or not at all: whoever looks may come at any moment."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(fields))
    os.replace(part, path)  # noqa: PTH105 — as one call
