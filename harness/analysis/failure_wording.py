"""How a case ended that did not end well, in words: by what gave way, else by its outcome."""

from __future__ import annotations

import re

ENDED = {
    "wrong": ("gives a wrong result", "give wrong results"),
    "error": ("fails", "fail"),
    "oom": ("runs out of memory", "run out of memory"),
    "timeout": ("does not end", "do not end"),
    "crash": ("ends the process", "end the process"),
}
"""By outcome: what one strategy does, and what several do."""
GAVE_WAY = {
    "abort": ("aborts the process", "abort the process"),
    "segmentation fault": ("ends in a segmentation fault", "end in a segmentation fault"),
    "bus error": ("ends in a bus error", "end in a bus error"),
    "killed": ("is killed", "are killed"),
    "killed for memory": ("is killed for its memory", "are killed for their memory"),
    "hang": ("hangs", "hang"),
    "open files": ("runs out of open files", "run out of open files"),
    "disk full": ("fills the disk", "fill the disk"),
    "shared memory full": ("fills the shared memory", "fill the shared memory"),
    "read-only": ("cannot write", "cannot write"),
}
"""By kind, where that says more than the outcome."""
_RAISED = re.compile(r"\w*(Error|Exception|Interrupt|Exit)\b")
CAUGHT = (
    "array memory",
    "tensor memory",
    "Python memory",
    "system memory",
    "open files",
    "disk full",
    "shared memory full",
    "read-only",
)
"""Kinds that are exceptions: a program can catch them and live on."""


def ends(outcome: str, kind: str, *, several: bool = False) -> str:
    """What a strategy does, or several do, that ended so: ``aborts the process``."""
    said = ENDED.get(outcome, ("fails", "fail"))
    # Of a worker that died, its parent raises an exception: that strategy merely fails.
    if outcome != "error" or kind in CAUGHT:
        said = GAVE_WAY.get(kind, said)
    return said[several]


def is_fatal(kind: str, reason: str) -> bool:
    """Whether a process ended, or hung, rather than raise what a program can catch."""
    return kind not in ("", *CAUGHT) and not _RAISED.match(reason)


def place_of(where: str) -> str:
    """``file.py:12`` of ``file.py:12: the line``."""
    return ":".join(where.split(":")[:2])


def code_of(where: str) -> str:
    """The line itself; "" where it is not known."""
    return ":".join(where.split(":")[2:]).strip()
