"""A measurement as a block of text, and as a small table of HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from harness.cases.copies import copied_bytes
from harness.inline.costs import Costs
from harness.stats.intervals import Interval
from harness.units import MISSING, format_multiple, format_seconds, format_size

GIVEN_BACK_BYTES = 1024**2
"""What a process may hold less after a call, without the call having freed it: an arena."""
ONE_PROCESS = "in one process alone"
Row = tuple[str, str]
"""A label, which may be empty, and what it stands for."""


def as_text(found: Costs) -> str:
    """One block of lines, labels in a column."""
    rows = rows_of(found)
    width = max((len(label) for label, _ in rows), default=0)
    lines = [f"  {label:<{width}}  {text}" for label, text in rows]
    return "\n".join([_headline(found), *lines])


def as_html(found: Costs) -> str:
    """One table without styles of its own."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(label)}</th>"
        f"<td style='text-align:left'>{escape(text)}</td></tr>"
        for label, text in rows_of(found)
    )
    headline = f"<caption style='text-align:left'><b>{escape(_headline(found))}</b></caption>"
    return f"<table>{headline}<tbody>{rows}</tbody></table>"


def _headline(found: Costs) -> str:
    if found.ok:
        return f"{found.name}: ok" + (f", {found.verified}" if found.verified else "")
    return f"{found.name}: {found.outcome.name}: {found.outcome.reason}"


def rows_of(found: Costs) -> list[Row]:
    """What is known, line by line; what is not has none."""
    rows: list[Row] = [("where", found.outcome.where)] if found.outcome.where else []
    if found.result:
        rows.append(("result", _result(found)))
    rows += _time_rows(found) + _memory_rows(found)
    left = _left_behind(found)
    if left:
        rows.append(("left behind", left))
    rows += [("warned", text) for text in found.warnings]
    rows += [("note", text) for text in found.remarks]
    return rows


def _result(found: Costs) -> str:
    unknown = f", shared or not: {found.sharing_unknown}" if found.result_bytes else ""
    shares = {True: ", shares the payload's memory", False: ", memory of its own", None: unknown}
    return found.result + shares[found.shares_memory]


def _time_rows(found: Costs) -> list[Row]:
    rows = []
    if found.first_calls_s:
        rows.append(("first call", interval_text(found.first_call)))
    if found.samples_s:
        faults = found.faults_steady
        told = f", {faults.minor:.3g} page faults per call" if faults else ""
        rows.append(("steady state", interval_text(found.steady) + told))
    return rows


def interval_text(interval: Interval) -> str:
    """``12.3 ms (11.9 ms to 13 ms in 3 processes)``."""
    if math.isnan(interval.median):
        return MISSING
    low, high = format_seconds(interval.low), format_seconds(interval.high)
    around = f"{low} to {high} in {interval.count} processes"
    return f"{format_seconds(interval.median)} ({around if interval.count > 1 else ONE_PROCESS})"


def _memory_rows(found: Costs) -> list[Row]:
    ledger = found.ledger
    if ledger is None:
        return []
    least = "at least " if ledger.doubt else ""
    peak = f"{least}{format_size(copied_bytes(ledger.peak))} at the peak"
    if not math.isnan(found.copies):
        peak += f", {format_multiple(found.copies)} the {format_size(found.payload_bytes)} of its "
        peak += "payload" if found.payload_source == "given" else found.payload_source
    if ledger.peak.file_bytes:
        peak += f"; and {format_size(ledger.peak.file_bytes)} of mapped files"
    if ledger.doubt:
        return [("memory", peak), ("kept", "not known"), ("unknown", ledger.doubt)]
    kept = (
        f"{size_text(found.retained_bytes)} with the result, "
        f"{size_text(found.left_bytes)} without it"
    )
    return [("memory", peak), ("kept", kept)]


def size_text(size_bytes: float) -> str:
    """A growth in words; what allocators gave back of their own is none."""
    if math.isnan(size_bytes):
        return MISSING
    if size_bytes <= -GIVEN_BACK_BYTES:
        return f"{format_size(-size_bytes)} less than before"
    return format_size(max(0, size_bytes))


def _counted(what: str, names: Sequence[str]) -> list[str]:
    """``open: pipe (5 times)``: each name once."""
    times = ((name, names.count(name)) for name in dict.fromkeys(names))
    return [f"{what}: {name}" + (f" ({count} times)" if count > 1 else "") for name, count in times]


def _left_behind(found: Costs) -> str:
    parts = []
    if found.leftovers is not None:
        parts += _counted("open", found.leftovers.descriptors or ())
        parts += _counted("running", found.leftovers.processes or ())
    again = found.repeats
    if again is not None and (again.descriptors or again.processes):
        descriptors, processes = (
            "an unknown number of" if count is None else str(count)
            for count in (again.descriptors, again.processes)
        )
        parts.append(
            f"and in {again.calls} more calls {descriptors} descriptors, {processes} processes"
        )
    return "; ".join(parts)
