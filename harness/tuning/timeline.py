"""What processes did when, as a timeline: trace events, as Perfetto and viztracer's viewer read.

Source: Trace Event Format (Google, 2016), complete events ("ph": "X"), in microseconds. All stamps
are of the system's monotonic clock, which processes share.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.files.writing import write_whole
from harness.trial.loader import stamps

Event = dict[str, Any]
MAKING, PICKLING, USING = 0, 1, 2
"""Threads of a process, by which rows are told apart."""


def events(folder: str) -> list[Event]:
    """Everything that was noted in a folder, from its first moment on."""
    found = [*_made(folder), *_pickled(folder), *_used(folder)]
    first = min((one["ts"] for one in found if "ts" in one), default=0.0)
    for one in found:
        if "ts" in one:
            one["ts"] -= first
    return found


def write(found: Sequence[Event], path: Path) -> None:
    """Write a file of events.

    Raises:
        UnableError: it cannot be written.
    """
    text = json.dumps({"traceEvents": found, "displayTimeUnit": "ms"})
    write_whole({path: text.encode()})


def _made(folder: str) -> Iterator[Event]:
    for who, path in stamps.files(folder, stamps.FETCHED):
        pid = _pid(path)
        yield _named(pid, who)
        for number, note in enumerate(stamps.read(path)[0]):
            began, collated, ended = (int(one) for one in note[:3])
            yield _span("fetch", pid, MAKING, began, collated, batch=number, samples=len(note) - 3)
            yield _span("collate", pid, MAKING, collated, ended, batch=number)


def _pickled(folder: str) -> Iterator[Event]:
    for _, path in stamps.files(folder, stamps.PICKLED):
        for note in stamps.read(path)[0]:
            began, ended, size = (int(one) for one in note)
            yield _span("pickle", _pid(path), PICKLING, began, ended, bytes=size)


def _used(folder: str) -> Iterator[Event]:
    """The training process, as a row of its own: without workers it makes batches as well."""
    for who, path in stamps.files(folder, stamps.USED):
        pid = _pid(path)
        yield _named(pid, who)
        for number, note in enumerate(stamps.read(path)[0]):
            asked, came, used = (int(one) for one in note)
            yield _span("wait for batch", pid, USING, asked, came, batch=number)
            yield _span("step", pid, USING, came, used, batch=number)


def _pid(path: Path) -> int:
    return int(path.name.rpartition(".")[2])


def _named(pid: int, who: str) -> Event:
    return {"name": "process_name", "ph": "M", "pid": pid, "args": {"name": who}}


def _span(name: str, pid: int, thread: int, began: int, ended: int, **told: int) -> Event:
    return {
        "name": name,
        "ph": "X",
        "ts": began / 1e3,
        "dur": (ended - began) / 1e3,
        "pid": pid,
        "tid": thread,
        "args": told,
    }
