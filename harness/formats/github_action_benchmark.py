"""The custom JSON of github-action-benchmark, for its tool ``customSmallerIsBetter``.

An array of objects with ``name``, ``unit`` and ``value``, and perhaps ``range`` and ``extra``:
https://github.com/benchmark-action/github-action-benchmark. Of every case, its time and its
memory are benchmarks of their own.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any, TextIO

import pandas as pd

from harness.formats.rows import has_interval, known, records
from harness.journal.lines import Run
from harness.schema.records import TIMED
from harness.units import plural


def write(run: Run, cases: pd.DataFrame, stream: TextIO) -> int:
    """Write every case that has something to tell."""
    timed = Counter(t.case for t in run.trials if t.kind in TIMED and t.timing and t.outcome.ok)
    rows = records(cases)
    found = [list(_benchmarks(row, timed[index])) for index, row in enumerate(rows)]
    if entries := list(chain.from_iterable(found)):
        json.dump(entries, stream, indent=1, allow_nan=False)
        stream.write("\n")
    return sum(map(bool, found))


def _rests_on(row: dict[str, Any], processes: int) -> str:
    """What a time was made of: processes, or what another program says."""
    if known(row["trials"]):
        return plural(processes, "process", "processes")
    return plural(int(row["samples"]), "round") if known(row["samples"]) else ""


def _benchmarks(row: dict[str, Any], processes: int) -> Iterator[dict[str, Any]]:
    if row["outcome"] != "ok":
        return
    time_s, low_s, high_s = (row[f"steady_{end}_s"] for end in ("median", "low", "high"))
    if known(time_s):
        half = f"± {(high_s - low_s) / 2 * 1e9:.0f}" if has_interval(row) else None
        yield {
            "name": f"{row['case']} (time)",
            "unit": "ns",
            "value": time_s * 1e9,
            **({"range": half} if half else {}),
            "extra": _rests_on(row, processes),
        }
    if known(row["peak_extra_bytes"]):
        yield {
            "name": f"{row['case']} (memory at the peak)",
            "unit": "bytes",
            "value": int(row["peak_extra_bytes"]),
            "extra": str(row["memory_source"]),
        }
