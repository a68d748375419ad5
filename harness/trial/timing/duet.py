"""Two processes that are timed in turn, sample by sample: a duet.

Whatever the machine does to one of them it does to the other a moment later, so the ratio of
neighbouring samples holds where neither of the two times would. Duets were proposed for shared
machines by Bulej et al., "Duet Benchmarking: Improving Measurement Accuracy in the Cloud", ICPE
2020 (doi:10.1145/3358960.3379132), with both halves running at once; here they take turns, since
on few processors halves that run at once disturb each other by more than the machine does.

The token travels through a socket: who has it may work, the other sleeps. When one of them ends,
the end of the socket tells the other.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from harness.schema.records import Effort

SOCKET = "duet"
PATIENCE = 4  # times the time meant for samples, after which two samples have to do
_TOKEN = b"t"
_LOOK_S = 0.02


class Turns(Protocol):
    """When a process may take its samples."""

    leads: bool  # decides when there are enough

    def wait(self) -> bool:
        """Wait for the turn; False when there is none any more."""

    def pass_on(self) -> None:
        """The turn is over."""

    def end(self) -> None:
        """No more turns are wanted."""


class Alone:
    """Always has the turn."""

    leads = True

    def wait(self) -> bool:
        return True

    def pass_on(self) -> None:
        pass

    def end(self) -> None:
        pass


ALONE: Turns = Alone()


class InTurn:
    """One half of a duet, after the two have met.

    Args:
        partner: connected to the other half; None where it did not come.
        leads: takes the first turn.
        patience_s: how long one turn of the other may take.
    """

    def __init__(self, partner: socket.socket | None, leads: bool, patience_s: float) -> None:
        self._partner = partner
        self.leads = leads
        self._patience_s = patience_s
        self._mine = leads

    def wait(self) -> bool:
        if self._partner is None:
            return False
        if not self._mine:
            ready, _, _ = select.select([self._partner], [], [], self._patience_s)
            with suppress(ConnectionResetError):
                self._mine = bool(ready) and bool(self._partner.recv(1))
        return self._mine

    def pass_on(self) -> None:
        self._mine = False
        if self._partner is not None:
            with suppress(BrokenPipeError, ConnectionResetError):  # the next wait will find out
                self._partner.sendall(_TOKEN)

    def end(self) -> None:
        if self._partner is not None:
            self._partner.close()
            self._partner = None


@dataclass(frozen=True)
class Duet:
    """Where two processes meet.

    Args:
        folder: of the socket, with a short path, as sockets want it. Who still waits for the
            other when it is gone waits no longer.
        leads: whether this one takes the first turn.
        patience_s: how long the other may take to come, and over one turn.
        processor: on which both are to run, if they have a single thread. Halves on processors of
            their own are not disturbed alike: whatever else is running runs beside one of them.
            Under a load of twice the processors there were, this alone brought the scatter of
            duets from 30% to 6%.
    """

    folder: str
    leads: bool
    patience_s: float
    processor: int | None = None

    def meet(self) -> InTurn:
        """Wait for the other to come here too."""
        if self.processor is not None and len(list(Path("/proc/self/task").iterdir())) == 1:
            os.sched_setaffinity(0, {self.processor})
        meet = self._accept if self.leads else self._connect
        return InTurn(meet(), self.leads, self.patience_s)

    def _waiting(self) -> Iterator[None]:
        deadline = time.monotonic() + self.patience_s
        while Path(self.folder).exists() and time.monotonic() < deadline:
            yield

    def _accept(self) -> socket.socket | None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
            with suppress(FileNotFoundError):
                listening.bind(str(Path(self.folder, SOCKET)))
                listening.listen(1)
            listening.settimeout(_LOOK_S)
            for _ in self._waiting():
                with suppress(TimeoutError):
                    partner = listening.accept()[0]
                    partner.settimeout(None)
                    return partner
        return None

    def _connect(self) -> socket.socket | None:
        for _ in self._waiting():
            partner = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                partner.connect(str(Path(self.folder, SOCKET)))
            except (FileNotFoundError, ConnectionRefusedError):
                partner.close()
                time.sleep(_LOOK_S / 40)
            else:
                return partner
        return None


def turns_of(duet: Mapping[str, Any] | None) -> Turns:
    """The turns of a process: its own where it is no half of a duet."""
    return Duet(**duet).meet() if duet else ALONE


def paced(effort: Effort, turns: Turns, now: Callable[[], int]) -> Iterator[None]:
    """Once for every sample to take, in turn, for about ``effort.steady_s``.

    Args:
        effort: how long, both halves of a duet together, and how many samples each.
        turns: when.
        now: the clock, in nanoseconds.
    """
    budget_ns = effort.steady_s * 1e9
    began = now()
    taken = 0
    while turns.wait():
        if turns.leads:
            elapsed = now() - began
            spent = elapsed >= budget_ns and taken >= effort.min_samples
            late = elapsed >= PATIENCE * budget_ns and taken >= 2
            if taken and (spent or late or taken >= effort.max_samples):
                break
        yield
        taken += 1
        turns.pass_on()
    turns.end()
