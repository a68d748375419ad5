"""What is reported about a test's memory: the same names in ``extra_info``, tables and exports."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from harness.cases.quantities.registry import QUANTITIES
from harness.schema.records import Timing, Trial

if TYPE_CHECKING:
    from harness.inline.measurement import Measurement

VERIFIED = "verified"
"""How a result was checked, where anybody asked for that."""
EXTRA_INFO = "ferrybench"
"""The key of a benchmark's ``extra_info``, and of a test's ``user_properties``."""


def of_trial(trial: Trial) -> dict[str, Any]:
    """What a trial found out, as plain data; what it did not is left out."""
    found = {
        one.name: one.read(trial) for one in QUANTITIES if one.read and (one.noted or one.heading)
    }
    found["reason"] = trial.outcome.reason
    if trial.ledger:
        found["arena_bytes"] = trial.ledger.arena_bytes
    else:
        del found["payload_bytes"]  # of interest beside memory alone
    return {
        name: value
        for name, value in found.items()
        if value not in (None, "") and not (isinstance(value, float) and math.isnan(value))
    }


def of_measurement(measurement: Measurement) -> dict[str, Any]:
    """The same of a measurement of a function."""
    found = of_trial(
        Trial(
            case=0,
            kind="memory",
            round=0,
            outcome=measurement.outcome,
            payload_bytes=measurement.payload_bytes,
            shares_memory=measurement.shares_memory,
            timing=Timing(measurement.first_call_s, (), 0, True, 0.0),
            ledger=measurement.ledger,
            faults_first=measurement.faults_first,
            faults_steady=measurement.faults_steady,
        )
    )
    verified = {} if measurement.is_verified is None else {VERIFIED: measurement.verified}
    return found | verified
