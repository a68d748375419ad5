"""What a process has open and has started: compared before and after a call."""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from harness.trial.base.process import children

_DESCRIPTORS = Path("/proc/self/fd")
_OURS = ("/status", "/clear_refs")
"""Files of /proc/PID that a trial itself opens, to read its memory."""
_TRACKER = "multiprocessing.resource_tracker"
"""A process that Python starts once and keeps, by design."""
_LONGEST = 80


@dataclass(frozen=True)
class Holdings:
    """Descriptors and child processes at one instant, by what they are; each as often as it is."""

    descriptors: tuple[str, ...] = ()  # a path, ``socket``, ``pipe``
    processes: tuple[str, ...] = ()  # by their command

    def beyond(self, before: Holdings) -> Holdings:
        """What was not there before; one that took the place of its like is not new."""
        return Holdings(
            _more(self.descriptors, before.descriptors), _more(self.processes, before.processes)
        )


def left_since(before: Holdings, patience_s: float = 0.2) -> Holdings:
    """What there is now beyond what was; what threads are just about to close gets a moment."""
    deadline = time.monotonic() + patience_s
    while (left := holdings().beyond(before)) != Holdings() and time.monotonic() < deadline:
        time.sleep(0.005)
    return left


def _more(names: tuple[str, ...], before: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted((Counter(names) - Counter(before)).elements()))


def holdings() -> Holdings:
    """What this process has open and has started; nothing where the system does not tell."""
    if not _DESCRIPTORS.exists():
        return Holdings()
    descriptors = []
    for name in os.listdir(_DESCRIPTORS):  # noqa: PTH208 — a Path for each would be waste
        with contextlib.suppress(OSError):  # the one of this very listing is closed by now
            target = str((_DESCRIPTORS / name).readlink())
            if not (target.startswith("/proc/") and target.endswith(_OURS)):
                descriptors.append(_plain(target))
    processes = [_command(pid) for pid in children()]
    return Holdings(tuple(descriptors), tuple(name for name in processes if _TRACKER not in name))


def _plain(target: str) -> str:
    """``socket:[123]`` → ``socket``; a path stays."""
    return target if target.startswith("/") else target.partition(":[")[0]


def _command(pid: int) -> str:
    place = Path(f"/proc/{pid}")
    try:
        name, _, state = (place / "stat").read_text().partition("(")[2].rpartition(") ")
        if state.startswith("Z"):
            return f"{name}, ended but not waited for"
        words = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return words.strip()[:_LONGEST] or name
    except OSError:
        return "ended"
