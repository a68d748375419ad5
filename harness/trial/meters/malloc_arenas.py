"""Whether Python's small objects made a process take whole arenas.

Objects up to 512 bytes live in arenas, of 1 MiB each since Python 3.10, which the interpreter takes
from the system and gives back whole. How much room the last one still has is a matter of what was
imported before. So a strategy that makes many such objects, a list of numbers above all, takes an
arena more or less on another machine, or after another package was installed, without having
changed: comparisons must not be finer than that (:mod:`harness.comparison.amounts`).

``sys._debugmallocstats`` counts arenas; it writes to standard error, and nothing else does tell.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

_EVER = re.compile(rb"# arenas allocated total\s+=\s+([\d,]+)")
_EACH = re.compile(rb"arenas \* ([\d,]+) bytes/arena")
_STDERR = 2


@dataclass(frozen=True)
class Arenas:
    """What this process has taken so far; zeros where its allocator has no arenas."""

    ever: int = 0
    each_bytes: int = 0

    @classmethod
    def now(cls) -> Arenas:
        """Read it, which takes about a millisecond."""
        if not hasattr(sys, "_debugmallocstats"):
            return cls()
        try:
            with tempfile.TemporaryFile() as file:
                with _standard_error_to(file):
                    sys._debugmallocstats()  # noqa: SLF001 — the only way
                file.seek(0)
                return cls.parse(file.read())
        except OSError:  # nowhere to write
            return cls()

    @classmethod
    def parse(cls, text: bytes) -> Arenas:
        """Read what the interpreter has written."""
        ever, each = _EVER.search(text), _EACH.search(text)
        if ever is None or each is None:  # PYTHONMALLOC=malloc, or an interpreter without the GIL
            return cls()
        return cls(int(ever[1].replace(b",", b"")), int(each[1].replace(b",", b"")))


def grain_bytes(before: Arenas, after: Arenas) -> int:
    """The size of an arena, if any was taken in between, else 0."""
    return after.each_bytes if after.ever > before.ever else 0


@contextlib.contextmanager
def _standard_error_to(file: IO[bytes]) -> Iterator[None]:
    """The descriptor itself, since it is C that writes."""
    kept = os.dup(_STDERR)
    try:
        os.dup2(file.fileno(), _STDERR)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
