"""Trials with the user's data: fresh processes, each of which makes or reads it for itself."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.advising.data import Data
from harness.advising.tasks import Task
from harness.errors import UnableError
from harness.host.answers import answer_as
from harness.host.closing import Closing
from harness.host.host import OBSERVED_FOR, Host
from harness.host.inputs import PREFIX, temporary_folder
from harness.scenario.declaration import TINY_BYTES
from harness.scenario.discover import built_in_files
from harness.schema.records import Effort, Found, Ledger, Outcome, TrialKind, Value
from harness.schema.request import InputsRequest, TrialRequest
from harness.trial.meters.allocated import FREE
from harness.units import format_size, parse_size

OWN = built_in_files()[0].parent / "_own_data.py"
"""The scenarios in which strategies are given the user's data."""
LEAST_TIMEOUT_S = 2.0
STEADY_S = 0.05
MOST_SAMPLES = 20
_ROUNDED = 1.01  # to a size that was written with three digits
_ROOM = 1.1  # of free disk space to a file that is made


@dataclass(frozen=True)
class Reading:
    """What one process found out.

    Args:
        size_bytes: of the data it had.
        outcome: how it ended.
        time_s: of a call or an epoch, once it is repeated; None where that was not measured.
        first_s: of the first one.
        extra_bytes: what memory grew by at its highest, without pages of files; None: not known.
        more_bytes: by how much at most it may have been more.
        at_least: whether it may have been more, and nobody knows by how much.
        unverified: what the check could not judge.
        wall_s: what the whole trial took.
    """

    size_bytes: int
    outcome: Outcome
    time_s: float | None = None
    first_s: float | None = None
    extra_bytes: int | None = None
    more_bytes: float = 0.0
    at_least: bool = False
    unverified: str = ""
    wall_s: float = 0.0


def at_most_bytes(doubt: str) -> float | None:
    """By how much a peak may be too low for this reason; None where that is not known.

    Memory that was free when the call began is rarely more than a megabyte: that is no reason not
    to know whether a way fits.
    """
    if not doubt:
        return 0.0
    before, after = FREE.split("{}")
    if not (doubt.startswith(before) and doubt.endswith(after)):
        return None
    number, unit = doubt.removeprefix(before).removesuffix(after).split()
    return _ROUNDED * float(number) * parse_size(f"1{unit}")


@dataclass
class Bench(Closing):
    """Runs trials of one task.

    Args:
        host: forks them.
        task: whose strategies.
        data: the user's.
        parameters: that all trials have, beside what says which data.
        deadline: by the monotonic clock, when all must have ended.
        trials: how many there were.
    """

    host: Host
    task: Task
    data: Data
    parameters: Mapping[str, Value]
    deadline: float
    trials: int = field(default=0, init=False)
    _made: dict[int, Path] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        place = temporary_folder()
        # Of this name, what a killed process leaves is removed by the next run.
        self._folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=place))

    def close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def left_s(self) -> float:
        """Until the deadline; less than nothing after it."""
        return self.deadline - time.monotonic()

    def run(
        self,
        strategy: str,
        size_bytes: int,
        kind: TrialKind,
        round_: int = 0,
        *,
        checked: bool = False,
    ) -> Reading:
        """One trial of a strategy, with the first so many bytes of the data.

        Args:
            strategy: its name.
            size_bytes: of the data that it has.
            kind: whether time is found out, or memory.
            round_: trials of one have a layout of memory in common.
            checked: whether every value of the result is compared, or only how many there are.

        Raises:
            UnableError: its inputs cannot be made.
        """
        timeout_s = max(LEAST_TIMEOUT_S, self.left_s)
        own = self.data.parameters(size_bytes)
        parameters = {**own, **self.parameters, "checked": checked}
        request = TrialRequest(
            path=str(OWN),
            scenario=self.task.own,
            parameters=parameters,
            strategy=strategy,
            kind=kind,
            effort=Effort(1, STEADY_S, 1, MOST_SAMPLES, timeout_s),
            threads=0,  # as many as torch takes by itself, as in the code that is printed
            fixture=str(self._inputs(size_bytes)),
            tiny_fixture=str(self._inputs(self.data.first(TINY_BYTES))),
            folder=str(self._folder / "scratch"),
            layout_seed=round_,
        )
        began = time.monotonic()
        report = self.host.call(request, timeout_s, observe=OBSERVED_FOR.get(kind, ""))
        wall_s = time.monotonic() - began
        self.trials += 1
        shutil.rmtree(request.folder, ignore_errors=True)
        if report.answer is None:
            return Reading(size_bytes, report.failure(timeout_s), wall_s=wall_s)
        return self._read(answer_as(Found, report.answer), size_bytes, wall_s)

    def _read(self, found: Found, size_bytes: int, wall_s: float) -> Reading:
        timing, ledger = found.timing, found.ledger
        first_s = timing.first_call_s if timing else None
        more_bytes = 0.0 if ledger is None else at_most_bytes(ledger.doubt)
        if found.loading is not None:
            first_s = found.loading.build_s + found.loading.first.total_s
        return Reading(
            size_bytes,
            found.outcome,
            timing.median_s if timing and timing.samples_s else None,
            first_s,
            None if ledger is None else self._extra(ledger),
            more_bytes or 0.0,
            more_bytes is None,
            found.unverified,
            wall_s,
        )

    def _extra(self, ledger: Ledger) -> int:
        """Of files, the system can take back every page: they are not counted."""
        if self.task.holds:
            return ledger.peak_extra_bytes
        return ledger.peak.anon_bytes + ledger.peak.shmem_bytes

    def _inputs(self, size_bytes: int) -> Path:
        if size_bytes in self._made:
            return self._made[size_bytes]
        path = self._folder / f"{size_bytes}.bin"
        if self.task.writes(self.data, size_bytes):
            self._refuse_without_room(size_bytes)
        parameters = {**self.data.parameters(size_bytes), **self.parameters}
        request = InputsRequest(str(OWN), self.task.own, parameters, 0, str(path))
        timeout_s = max(LEAST_TIMEOUT_S, self.left_s)
        report = self.host.call(request, timeout_s)
        failed = None if report.answer is not None else report.failure(timeout_s)
        if report.answer is not None and "outcome" in report.answer:
            failed = answer_as(Outcome, report.answer["outcome"])
        if failed is not None:
            raise UnableError(f"the data cannot be made or read: {failed.reason}")
        self._made[size_bytes] = path
        return path

    def _refuse_without_room(self, size_bytes: int) -> None:
        free = shutil.disk_usage(self._folder).free
        if size_bytes * _ROOM > free:
            raise UnableError(
                f"a file of {format_size(size_bytes)} is needed in {self._folder.parent}, "
                f"which has {format_size(free)} free; set TMPDIR to a folder with room"
            )
