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
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from harness.schema.records import Effort
from harness.schema.request import DuetRequest

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


def meet(duet: DuetRequest) -> InTurn:
    """Wait for the other half to come to the same place."""
    if duet.processor is not None and len(list(Path("/proc/self/task").iterdir())) == 1:
        os.sched_setaffinity(0, {duet.processor})
    partner = _accept(duet) if duet.leads else _connect(duet)
    return InTurn(partner, duet.leads, duet.patience_s)


def _waiting(duet: DuetRequest) -> Iterator[None]:
    deadline = time.monotonic() + duet.patience_s
    while Path(duet.folder).exists() and time.monotonic() < deadline:
        yield


def _accept(duet: DuetRequest) -> socket.socket | None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        with suppress(FileNotFoundError):
            listening.bind(str(Path(duet.folder, SOCKET)))
            listening.listen(1)
        listening.settimeout(_LOOK_S)
        for _ in _waiting(duet):
            with suppress(TimeoutError):
                partner = listening.accept()[0]
                partner.settimeout(None)
                return partner
    return None


def _connect(duet: DuetRequest) -> socket.socket | None:
    for _ in _waiting(duet):
        partner = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            partner.connect(str(Path(duet.folder, SOCKET)))
        except (FileNotFoundError, ConnectionRefusedError):
            partner.close()
            time.sleep(_LOOK_S / 40)
        else:
            return partner
    return None


def turns_of(duet: DuetRequest | None) -> Turns:
    """The turns of a process: its own where it is no half of a duet."""
    return meet(duet) if duet is not None else ALONE


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
