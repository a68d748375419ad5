"""The custom JSON of github-action-benchmark, for its tool ``customSmallerIsBetter``.

An array of objects with ``name``, ``unit`` and ``value``, and perhaps ``range`` and ``extra``:
https://github.com/benchmark-action/github-action-benchmark. Of every case, its time and its
memory are benchmarks of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TextIO

import pandas as pd

from harness.formats.rows import has_interval, known, records
from harness.journal.lines import Run
from harness.units import plural


def write(run: Run, cases: pd.DataFrame, stream: TextIO) -> None:
    """Write every case that has something to tell."""
    found = [one for row in records(cases) for one in _benchmarks(row)]
    json.dump(found, stream, indent=1, allow_nan=False)
    stream.write("\n")


def _benchmarks(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
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
            "extra": plural(row["trials"], "process", "processes"),
        }
    if known(row["peak_extra_bytes"]):
        yield {
            "name": f"{row['case']} (memory at the peak)",
            "unit": "bytes",
            "value": int(row["peak_extra_bytes"]),
            "extra": str(row["memory_source"]),
        }
