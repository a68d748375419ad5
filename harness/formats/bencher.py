"""Bencher Metric Format, for ``bencher run --adapter json``.

An object of benchmarks, each an object of measures, each with ``value`` and perhaps
``lower_value`` and ``upper_value``: https://bencher.dev/docs/reference/bencher-metric-format.
``latency``, the measure that every Bencher project has, is in nanoseconds; the others in bytes.

This is version 0 of the format, which Bencher takes every file for that declares no other. One
name that is too long, and it refuses the file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, TextIO

import pandas as pd

from harness.formats.rows import has_interval, known, records
from harness.journal.lines import Run

LONGEST_NAME = 1024
"""Bytes of UTF-8: MAX_BENCHMARK_NAME_LEN in Bencher's lib/bencher_valid."""


def write(run: Run, cases: pd.DataFrame, stream: TextIO) -> int:
    """Write every case that has something to tell."""
    benchmarks: dict[str, dict[str, dict[str, float]]] = {}
    for row in records(cases):
        measures = dict(_measures(row))
        if measures:
            benchmarks[_name(str(row["case"]))] = measures
    if benchmarks:
        json.dump(benchmarks, stream, indent=1, allow_nan=False)
        stream.write("\n")
    return len(benchmarks)


def _name(case: str) -> str:
    """A name that Bencher takes; of a longer one, its beginning and what tells it from others."""
    if len(case.encode()) <= LONGEST_NAME:
        return case
    digest = hashlib.sha256(case.encode()).hexdigest()[:12]
    beginning = case.encode()[: LONGEST_NAME - len(digest) - 1].decode(errors="ignore")
    return f"{beginning}~{digest}"


def _measures(row: dict[str, Any]) -> Iterator[tuple[str, dict[str, float]]]:
    if row["outcome"] != "ok":
        return
    if known(row["steady_median_s"]):
        latency = {"value": row["steady_median_s"]}
        if has_interval(row):
            latency |= {"lower_value": row["steady_low_s"], "upper_value": row["steady_high_s"]}
        yield "latency", {name: value * 1e9 for name, value in latency.items()}
    for measure, column in (
        ("memory-peak", "peak_extra_bytes"),
        ("memory-retained", "retained_bytes"),
        ("memory-of-process-tree", "tree_grown_bytes"),
    ):
        if known(row.get(column)):
            yield measure, {"value": float(row[column])}
