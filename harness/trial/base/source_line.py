"""Which line of a scenario's file, or of a file in its folder, something went wrong in.

An exception brings its traceback along, and one from a worker the worker's as text. A process that
died has printed its own, if it could: faulthandler does so on a fatal signal, or when asked.
"""

from __future__ import annotations

import faulthandler
import itertools
import linecache
import re
import signal
import traceback
from collections.abc import Iterator
from pathlib import Path

from harness.scenario.discover import is_part

ASK = getattr(signal, "SIGUSR2", None)
"""The signal at which a trial prints where it is; systems without it cannot be asked."""
_LONGEST = 120
_RAISED = re.compile(r'^\s*File "(.+)", line (\d+), in ', re.MULTILINE)
_DUMPED = re.compile(r'^  File "(.+)", line (\d+) in ', re.MULTILINE)
_STACK = re.compile(r"^(?:Current thread|Thread|Stack).*\(most recent call first\):$", re.MULTILINE)
_FATAL = re.compile(r"^Fatal Python error: (.+)$", re.MULTILINE)
_OF_SIGNALS = (
    "Aborted",
    "Bus error",
    "Floating",
    "Illegal instruction",
    "Segmentation fault",
)


def say_where_on_death(fd: int) -> None:
    """Have this process print its stack to ``fd`` on a fatal signal, and when it is asked."""
    faulthandler.enable(fd, all_threads=False)
    if ASK is not None:
        faulthandler.register(ASK, fd, all_threads=True)


def remember(scenario: str) -> None:
    """Read a scenario's lines now: later there may be no memory or open file to be had for it."""
    path = Path(scenario)
    for file in path.glob("**/*.py") if path.is_dir() else [path]:
        linecache.getlines(str(file))


def place(file: str, line: int, scenario: str) -> str:
    """A line as people look for it: ``tensor_from_array.py:57: return torch.from_numpy(array)``.

    A file in the folder of a scenario comes with that: ``memmap_training/gathering.py:12: …``.
    """
    text = linecache.getline(file, line).strip()
    shown = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    name = Path(file).relative_to(Path(scenario).parent).as_posix()
    return f"{name}:{line}" + (f": {shown}" if shown else "")


def place_of(error: BaseException, scenario: str) -> str:
    """The innermost line of a scenario that an exception came through; empty where it did not.

    What happened in a worker is in the exception's message, as text.
    """
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        own = [
            (frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(one.__traceback__)
        ]
        raised = [(name, int(line)) for name, line in _RAISED.findall(str(one))]
        for name, line in (*reversed(raised), *reversed(own)):
            if is_part(name, scenario):
                return place(name, line, scenario)
        one = one.__cause__ or one.__context__
    return ""


def place_in_dump(text: str, scenario: str) -> str:
    """The innermost line of a scenario in what faulthandler printed; the thread it spoke of first.

    A worker of torch's tells its own end by other means; its parent's stack is then all there is.
    """
    for stack in _stacks(text):
        for name, line in _DUMPED.findall(stack):
            if is_part(name, scenario):
                return place(name, int(line), scenario)
    return ""


def _stacks(text: str) -> Iterator[str]:
    """What was printed of each thread, the one first that a signal met."""
    starts = [head.start() for head in _STACK.finditer(text)]
    parts = [text[start:end] for start, end in itertools.pairwise([*starts, len(text)])]
    yield from sorted(parts, key=lambda part: not part.startswith("Current thread"))


def without_dump(text: str) -> str:
    """What a process printed, without what faulthandler added, unless that says why it ended."""
    kept = []
    inside = False
    for line in text.splitlines():
        fatal = _FATAL.match(line)
        if fatal or _STACK.match(line):
            inside = True
        if fatal and not fatal[1].startswith(_OF_SIGNALS):
            kept.append(fatal[1])
        if not inside:
            kept.append(line)
        if line.startswith("Extension modules:"):
            inside = False
    return "\n".join(kept)
