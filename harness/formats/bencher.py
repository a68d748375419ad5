"""Bencher Metric Format, for ``bencher run --adapter json``.

An object of benchmarks, each an object of measures, each with ``value`` and perhaps
``lower_value`` and ``upper_value``: https://bencher.dev/docs/reference/bencher-metric-format.
``latency``, the measure that every Bencher project has, is in nanoseconds; the others in bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TextIO

import pandas as pd

from harness.formats import known, records
from harness.journal import Run

LONGEST_NAME = 1024


def write(run: Run, cases: pd.DataFrame, stream: TextIO) -> None:
    """Write every case that has something to tell."""
    benchmarks = {}
    for row in records(cases):
        measures = dict(_measures(row))
        if measures:
            benchmarks[str(row["case"])[:LONGEST_NAME]] = measures
    json.dump(benchmarks, stream, indent=1)
    stream.write("\n")


def _measures(row: dict[str, Any]) -> Iterator[tuple[str, dict[str, float]]]:
    if row["outcome"] != "ok":
        return
    if known(row["steady_median_s"]):
        ends = {"lower_value": row["steady_low_s"], "upper_value": row["steady_high_s"]}
        latency = {"value": row["steady_median_s"], **ends}
        yield "latency", {name: value * 1e9 for name, value in latency.items() if known(value)}
    for measure, column in (
        ("memory-peak", "peak_extra_bytes"),
        ("memory-retained", "retained_bytes"),
        ("memory-of-process-tree", "tree_grown_bytes"),
    ):
        if known(row[column]):
            yield measure, {"value": float(row[column])}
