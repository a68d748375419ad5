"""One timeline of what viztracer wrote for each process: trace events, as Perfetto reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.files.writing import write_whole
from harness.schema.profile import TIMELINE_EVENTS
from harness.units import plural

TIMELINE = "timeline.json"
_OF_TORCH = ("cpu_op", "user_annotation", "python_function", "cuda_runtime", "kernel")
_TORCH_ROWS = 1 << 22  # more than there are thread numbers: pid_max(5)


@dataclass(frozen=True)
class Timeline:
    """What was written.

    Args:
        spans: how many.
        processes: the names of those that are in it.
        full: those that had more to tell than there was room: their first spans are missing.
        cut_off: how many others ended before they had written theirs whole.
    """

    spans: int
    processes: tuple[str, ...]
    full: tuple[str, ...]
    cut_off: int

    @property
    def text(self) -> str:
        """``1,204 spans of the call, worker 0 and worker 1``."""
        names = ", ".join(self.processes)
        lost = f"; the first ones of {', '.join(self.full)} had no room" if self.full else ""
        cut = f"; {plural(self.cut_off, 'process', 'processes')} ended before all was written"
        spans = f"{self.spans:,} span{'' if self.spans == 1 else 's'}"
        return f"{spans} of {names}{lost}{cut if self.cut_off else ''}"


def write_timeline(records: Path, folder: Path) -> Timeline:
    """Put the files of all processes together.

    torch's operators have rows of their own: they are timed by another clock, and would not nest
    within Python's functions to the microsecond.
    """
    events: list[dict[str, Any]] = []
    names: list[str] = []
    full: list[str] = []
    spans = cut_off = 0
    for file in sorted(records.glob("*.json"), key=lambda one: int(one.stem)):
        try:
            found = json.loads(file.read_bytes())["traceEvents"]
        except ValueError:  # a loader ends its workers, whatever they are doing
            cut_off += 1
            continue
        own = [event for event in found if str(event.get("pid")) == file.stem]
        name = _process_name(own) or file.stem
        names.append(name)
        count = sum(event.get("ph") == "X" for event in own)
        spans += count
        if sum(event.get("cat") == "FEE" for event in own) >= TIMELINE_EVENTS:
            full.append(name)
        events += _in_rows(own)
        events.append({"ph": "M", "name": "process_name", "pid": int(file.stem), "tid": 0})
        events[-1]["args"] = {"name": name}
    names.sort(key=lambda name: (name != "the call", name))
    whole = {"traceEvents": events, "displayTimeUnit": "ms"}
    write_whole({folder / TIMELINE: json.dumps(whole, separators=(",", ":")).encode()})
    return Timeline(spans, tuple(names), tuple(full), cut_off)


def _process_name(events: list[dict[str, Any]]) -> str:
    named = [event for event in events if event.get("name") == "process_name"]
    return str(named[-1]["args"]["name"]) if named else ""


def _in_rows(events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each event in the row of its thread, or of torch's operators in that thread."""
    rows: dict[tuple[int, int], None] = {}
    for event in events:
        if event.get("ph") == "X" and event.get("cat") in _OF_TORCH:
            rows[event["pid"], event["tid"]] = None
            yield {**event, "tid": event["tid"] + _TORCH_ROWS}
        elif event.get("cat") == "FEE" or event.get("name") == "thread_name":
            yield event
    for pid, tid in rows:
        args = {"name": f"torch's operators, thread {tid}"}
        yield {"ph": "M", "name": "thread_name", "pid": pid, "tid": tid + _TORCH_ROWS, "args": args}
