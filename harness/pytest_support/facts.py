"""What is reported about a test's memory: the same names in ``extra_info``, tables and exports."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from harness.cases.columns.copies import copied_bytes, copies_of
from harness.schema.records import Ledger, Trial

if TYPE_CHECKING:
    from harness.inline.measurement import Measurement

EXTRA_INFO = "ferrybench"
"""The key of a benchmark's ``extra_info``, and of a test's ``user_properties``."""


def of_trial(trial: Trial) -> dict[str, Any]:
    """What a trial found out, as plain data; what it did not is left out."""
    timing, faults, tree = trial.timing, trial.faults_first, trial.tree
    return _known(
        outcome=trial.outcome.name,
        reason=trial.outcome.reason,
        **_of_ledger(trial.ledger, trial.payload_bytes),
        shares_memory=trial.shares_memory,
        minor_faults_first=faults.minor if faults else None,
        first_call_s=timing.first_call_s if timing else None,
        tree_grown_bytes=tree.peak.own_bytes if tree else None,
    )


def of_measurement(measurement: Measurement) -> dict[str, Any]:
    """The same of a measurement of a function."""
    return _known(
        outcome=measurement.outcome.name,
        reason=measurement.outcome.reason,
        **_of_ledger(measurement.ledger, measurement.payload_bytes),
        shares_memory=measurement.shares_memory,
        minor_faults_first=measurement.minor_faults_first,
        minor_faults_steady=measurement.minor_faults_steady,
        first_call_s=measurement.first_call_s,
    )


def _of_ledger(ledger: Ledger | None, payload_bytes: int) -> dict[str, Any]:
    """Memory in bytes and, where there is enough of it to tell, in copies of the payload."""
    if ledger is None:
        return {}
    return {
        "peak_extra_bytes": ledger.peak_extra_bytes,
        "peak_anon_bytes": ledger.peak.anon_bytes,
        "peak_file_bytes": ledger.peak.file_bytes,
        "peak_shmem_bytes": ledger.peak.shmem_bytes,
        "retained_bytes": copied_bytes(ledger.retained),
        "left_bytes": copied_bytes(ledger.left),
        "arena_bytes": ledger.arena_bytes,
        "payload_bytes": payload_bytes,
        "copies": copies_of(ledger, payload_bytes),
    }


def _known(**found: Any) -> dict[str, Any]:
    return {
        name: value
        for name, value in found.items()
        if value not in (None, "") and not (isinstance(value, float) and math.isnan(value))
    }
