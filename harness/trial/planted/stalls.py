"""Loaders of known delay beside steps of known length: what stalls are checked with.

Both are sleeps. Each notes how long it really took, by a clock of its own, and the loader writes
that down when it is dropped, for the other side to work out how long the steps must have waited.
"""

from __future__ import annotations

import json
import queue
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from harness.scenario import Parameter, Scenario

BATCHES = 25
LOG = "sleeps.jsonl"
"""Beside the inputs: a line for every loader that was dropped, of the epochs it gave."""
STEPS: list[float] = []

stalls = Scenario(
    "stall_truths",
    question="Is found how long a training step waits for data?",
    baseline="at_once",
    epochs=True,
    parameters={"delay_ms": Parameter(5.0), "step_ms": Parameter(5.0)},
)


@stalls.inputs
def log(folder: str) -> Path:
    path = Path(folder) / LOG
    path.touch()
    return path


def slept_s(milliseconds: float) -> float:
    """Sleep; returns the seconds that it took."""
    began = time.monotonic()
    time.sleep(milliseconds / 1e3)
    return time.monotonic() - began


@stalls.step
def make(step_ms: float) -> Any:
    def step(batch: Any) -> None:
        STEPS.append(slept_s(step_ms))

    return step


class Delayed:
    """Gives numbers after a delay each, and notes the sleeps of every epoch."""

    def __init__(self, log: Path, delay_ms: float) -> None:
        self.delay_ms = delay_ms
        self.epochs: list[dict[str, list[float]]] = []
        weakref.finalize(self, _write, log, self.epochs)

    def __iter__(self) -> Iterator[torch.Tensor]:
        began = len(STEPS)
        delays: list[float] = []
        yield from self.given(delays)
        self.epochs.append({"delays": delays, "steps": STEPS[began:]})

    def given(self, delays: list[float]) -> Iterator[torch.Tensor]:
        for index in range(BATCHES):
            delays.append(slept_s(self.delay_ms))
            yield torch.full((1,), float(index))


class Prefetching(Delayed):
    """Has a thread that sleeps meanwhile, and puts what it has by until there is room for it."""

    def given(self, delays: list[float]) -> Iterator[torch.Tensor]:
        put_by: queue.Queue[torch.Tensor] = queue.Queue(1)

        def produce() -> None:
            for batch in super(Prefetching, self).given(delays):
                put_by.put(batch)

        thread = threading.Thread(target=produce, daemon=True)
        thread.start()
        for _ in range(BATCHES):
            yield put_by.get()
        thread.join()


def _write(log: Path, epochs: list[dict[str, list[float]]]) -> None:
    with log.open("a") as stream:
        stream.write(json.dumps(epochs) + "\n")


@stalls.strategy()
def at_once(log: Path, delay_ms: float) -> Any:
    """Every step waits for the delay of its batch."""
    return Delayed(log, delay_ms)


@stalls.strategy()
def prefetching(log: Path, delay_ms: float) -> Any:
    """Steps wait for what delays are longer than they are, and for the first batch."""
    return Prefetching(log, delay_ms)


@stalls.check
def every_number(log: Path, result: Any) -> None:
    got = [float(item) for item in result]
    assert got == list(range(BATCHES)), f"got {got}"
