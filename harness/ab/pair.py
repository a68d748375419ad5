"""A duet as seen from outside: two hosts run a trial each, and the trials take turns."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Mapping
from concurrent.futures import Future, as_completed

from harness.ab.threads import DaemonThreads
from harness.host.closing import Closing
from harness.planning.order import Step
from harness.run.instrument import Asked, Instrument
from harness.schema.records import Trial
from harness.schema.request import DuetRequest

_LONGEST_PATH = 90
"""Of a folder in which a socket can be: its whole path may have 107 characters."""


class PairMeasuring(Closing):
    """Measures pairs of trials that neighbour each other sample by sample.

    Args:
        instrument: prepares and carries out each half.
        draw: decides which half leads, and on which processor.
    """

    def __init__(self, instrument: Instrument, draw: random.Random) -> None:
        self.instrument = instrument
        self.draw = draw
        self._threads = DaemonThreads(2)
        self._processors = _processors()

    def close(self) -> None:
        self._threads.close()

    def measure(self, base: Step, candidate: Step) -> tuple[Trial, Trial]:
        """Run both halves; each is told whatever became of the other."""
        halves = [self.instrument.prepare(step) for step in (base, candidate)]
        over = {i: half for i, half in enumerate(halves) if isinstance(half, Trial)}
        asked = {i: half for i, half in enumerate(halves) if isinstance(half, Asked)}
        with self.instrument.fixtures.clean_scratch():
            done = over | self._together(asked)
        return done[0], done[1]

    def _together(self, asked: Mapping[int, Asked]) -> dict[int, Trial]:
        first = self.draw.choice((0, 1))
        processor = self.draw.choice(self._processors) if self._processors else None
        folder = _short_folder()
        try:
            running: dict[Future[Trial], int] = {}
            for index, half in asked.items():
                duet = DuetRequest(
                    folder=folder,
                    leads=index == first,
                    patience_s=self.instrument.plan.effort.timeout_s,
                    processor=processor if _stays_alone(half) else None,
                )
                running[self._threads.submit(self.instrument.carry_out, half, duet)] = index
            if len(running) == 1:
                shutil.rmtree(folder)
            done = {}
            for future in as_completed(running):
                # Where the two have not met by now, they never will: nobody has to wait.
                shutil.rmtree(folder, ignore_errors=True)
                done[running[future]] = future.result()
            return done
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _stays_alone(half: Asked) -> bool:
    """Whether a trial keeps to one thread, so that one processor is all it would use."""
    return half.request.threads == 1 and not half.request.parameters.get("num_workers")


def _processors() -> list[int]:
    """Where processes can be told to run; empty where the system does not let them."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def _short_folder() -> str:
    folder = tempfile.mkdtemp(prefix="fb-")
    if len(folder) <= _LONGEST_PATH:
        return folder
    shutil.rmtree(folder)
    return tempfile.mkdtemp(prefix="fb-", dir="/tmp")  # where a socket's path is short
