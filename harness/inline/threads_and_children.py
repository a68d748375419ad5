"""What a process has open and has started: compared before and after a call."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from harness.trial.base.children import (
    children,
    children_are_told,
    descriptors_are_told,
    helpers_pipes,
    is_helper,
    open_descriptors,
    served,
)

_OURS = ("/status", "/clear_refs")
"""Files of /proc/PID that a trial itself opens, to read its memory."""
_SERVED = "a process that multiprocessing's fork server started"
_LONGEST = 80


@dataclass(frozen=True)
class Holdings:
    """Descriptors and child processes at one instant, by what they are; each as often as it is.

    None where the system does not say.
    """

    descriptors: tuple[str, ...] | None = ()  # a path, ``socket``, ``pipe``
    processes: tuple[str, ...] | None = ()  # by their command

    def beyond(self, before: Holdings) -> Holdings:
        """What was not there before; one that took the place of its like is not new."""
        return Holdings(
            _more(self.descriptors, before.descriptors), _more(self.processes, before.processes)
        )


def left_since(before: Holdings, patience_s: float = 0.2) -> Holdings:
    """What there is now beyond what was; what threads are just about to close gets a moment."""
    deadline = time.monotonic() + patience_s
    left = holdings().beyond(before)
    while (left.descriptors or left.processes) and time.monotonic() < deadline:
        time.sleep(0.005)
        left = holdings().beyond(before)
    return left


def _more(names: tuple[str, ...] | None, before: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if names is None or before is None:
        return None
    return tuple(sorted((Counter(names) - Counter(before)).elements()))


def holdings() -> Holdings:
    """What this process has open and has started.

    Python's own helpers and the pipes to them are left out: it keeps them, not the call that was
    the first to need them.
    """
    ignored = helpers_pipes()
    descriptors = [
        _plain(target)
        for _, target in open_descriptors()
        if not (target.startswith("/proc/") and target.endswith(_OURS)) and target not in ignored
    ]
    processes = [_command(pid) for pid in children() if not is_helper(pid)]
    processes += [_SERVED for _ in served()]
    return Holdings(
        tuple(descriptors) if descriptors_are_told() else None,
        tuple(processes) if children_are_told() else None,
    )


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
