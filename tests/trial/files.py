"""Loaders that read a file, with a step that learns or does not, as a scenario for real trials."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness import Parameter, Scenario
from harness.trial.meters.page_cache import resident

ROW = 1024
STEPS: list[float] = []
KEPT: list[Any] = []

scenario = Scenario(
    "files",
    question="Is what loaders read of files seen, and whether a step learns from it?",
    baseline="loads",
    epochs=True,
    watched=True,
    parameters={
        "size": Parameter(8 * 1024**2, axis=True),
        "page_cache": Parameter("warm", choices=("warm", "cold")),
        "learns": Parameter("yes", choices=("yes", "no", "nothing")),
    },
)


@scenario.inputs
def data(size: int, folder: Path) -> Any:
    path = folder / "data.npy"
    np.save(path, np.ones((size // ROW, ROW // 4), np.float32))
    return path, np.zeros(size // ROW, np.uint8)


@scenario.step
def make(learns: str) -> Any:
    made: list[float] = []

    def step(batch: torch.Tensor) -> float | None:
        made.append(float(batch[0, 0]))
        STEPS.append(len(made))
        if learns == "nothing":
            return None
        return 1 / len(made) if learns == "yes" else float(len(made))

    return step


def batches(rows: Any) -> Any:
    whole = torch.from_numpy(rows)
    return [whole[start : start + 32] for start in range(0, len(whole), 32)]


@scenario.strategy(copies=1)
def loads(path: Path, labels: Any) -> Any:
    return batches(np.load(path))


@scenario.strategy(copies=0, shares_memory=True)
def maps(path: Path, labels: Any) -> Any:
    return batches(np.load(path, mmap_mode="c"))


@scenario.strategy(copies=0)
def keeps_the_mapping(path: Path, labels: Any) -> Any:
    KEPT.append(np.load(path, mmap_mode="c"))
    return batches(KEPT[-1])


def copied(path: Path, labels: Any) -> Path:
    copy = path.with_suffix(".copy")
    copy.write_bytes(path.read_bytes())
    return copy


@scenario.strategy(setup=copied)
def reads_its_copy(path: Path, labels: Any, copy: Path) -> Any:
    """Says in a warning what of the files was in memory."""
    import warnings

    warnings.warn(f"{resident(path)} {resident(copy)}", stacklevel=2)
    return batches(np.load(copy))


@scenario.strategy()
def counts_its_steps(path: Path, labels: Any) -> Any:
    """Says in a warning how many steps were taken before, in this process."""
    import warnings

    warnings.warn(f"{len(STEPS)} {STEPS[-1:]}", stacklevel=2)
    return iter(batches(np.load(path)))


@scenario.strategy()
def is_killed(path: Path, labels: Any, folder: Path) -> Any:
    (folder / "left").write_bytes(bytes(4096))
    os.kill(os.getpid(), signal.SIGKILL)


def looks_around(path: Path, labels: Any, folder: Path) -> str:
    found = f"{type(folder).__name__}, {len(list(folder.iterdir()))} files"
    (folder / "of the setup").touch()
    return found


@scenario.strategy(setup=looks_around)
def finds_its_folder(path: Path, labels: Any, found: str, folder: Path) -> Any:
    """Says in a warning what there was in it before setup, and before this call."""
    import warnings

    warnings.warn(f"{found}, then {len(list(folder.iterdir()))}", stacklevel=2)
    (folder / "of a call").touch()
    return batches(np.load(path))


@scenario.strategy()
def fills_the_disk(path: Path, labels: Any) -> Any:
    raise OSError(28, "No space left on device")


@scenario.check
def ones(path: Path, labels: Any, result: Any) -> None:
    whole = torch.cat(list(result))
    assert whole.numel() * 4 == path.stat().st_size - 128, "something is missing"
    assert bool((whole == 1).all()), "other values"
