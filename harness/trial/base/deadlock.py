"""Whether a process waits for a lock that nobody is there to free, told from outside.

A fork takes along locks that other threads held, but not these threads. A process of one thread
that waits, without a time limit, on a futex which is private to it (futex(2)) waits for ever: only
a thread of its own could wake it, or the handler of a signal.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from pathlib import Path

_FUTEX = {"x86_64": "202", "aarch64": "98"}.get(platform.machine(), "")
_WAITS = (0, 9)  # FUTEX_WAIT, FUTEX_WAIT_BITSET
_PRIVATE, _OPERATION = 128, 127
_ALARMS = (14, 26, 27)  # SIGALRM, SIGVTALRM, SIGPROF: a process may have one of them wake it
CERTAIN_S = 2.0
"""How long it has to be seen in one and the same wait."""


class DeadlockWatch:
    """Asked from time to time, says whether a process is stuck.

    Args:
        pid: of the process, a child of this one.
        now: a clock, in seconds.
    """

    def __init__(self, pid: int, now: Callable[[], float] = time.monotonic) -> None:
        self._place = Path(f"/proc/{pid}")
        self._now = now
        self._seen = ""
        self._since_s = 0.0
        self.is_certain = False

    def is_stuck(self) -> bool:
        """Whether it has been waiting for :data:`CERTAIN_S`; False where the system hides that."""
        try:
            wait = self._endless_wait()
        except (OSError, ValueError, IndexError):  # it has ended, or this may not be read
            return False
        if not wait or wait != self._seen:
            self._seen, self._since_s = wait, self._now()
        self.is_certain = bool(wait) and self._now() - self._since_s >= CERTAIN_S
        return self.is_certain

    def _endless_wait(self) -> str:
        """What identifies the wait it is in; empty where that may end."""
        if not _FUTEX or len(list((self._place / "task").iterdir())) != 1:
            return ""
        call = (self._place / "syscall").read_text()
        if not call.startswith(f"{_FUTEX} "):  # another call, or "running"
            return ""
        _, _, operation, _, limit, *_ = call.split()
        kind = int(operation, 16)
        endless = int(limit, 16) == 0 and kind & _OPERATION in _WAITS and kind & _PRIVATE
        if not endless:
            return ""
        status = dict(
            line.split(":\t", 1) for line in (self._place / "status").read_text().splitlines()
        )
        caught = int(status["SigCgt"], 16)
        if any(caught >> (number - 1) & 1 for number in _ALARMS):
            return ""
        return f"{call} {status['voluntary_ctxt_switches']}"
