"""The quantities that every case has: what it is, its times, its memory, its page faults."""

from __future__ import annotations

import math
from typing import Any

from harness.cases.quantities import memory
from harness.cases.quantities.quantity import (
    Compared,
    Heading,
    Quantity,
    middle,
    observed,
    pooled,
)
from harness.cases.summary import CaseSummary
from harness.schema.records import Trial


def known(value: float) -> float | None:
    """None for NaN."""
    return None if math.isnan(value) else value


def _payload(case: CaseSummary) -> Any:
    return case.observed.payload_bytes if case.observed else known(case.payload_bytes)


def _first_call(trial: Trial) -> float | None:
    return trial.timing.first_call_s if trial.timing else None


def _switches(field: str, phase: str) -> Quantity:
    """Context switches, for information: they depend on what else the machine does."""

    def read(trial: Trial) -> float | None:
        if trial.kind == "duet":  # it waits for its turns, too
            return None
        found = trial.switches_first if phase == "first" else trial.switches_steady
        value: float | None = getattr(found, field, None)
        return value

    name = f"{field}_switches_{phase}"
    why = "it waited" if field == "voluntary" else "another had the processor"
    doc = f"{field} context switches ({why}) " + (
        "of the first call" if phase == "first" else "per call in the steady state"
    )
    label = f"{field} switches, {'first call' if phase == 'first' else 'steady'}"
    compared = Compared(label, name.replace("_", "-"), "", stray=1.0)
    return pooled(name, "", doc, read, middle, compared=compared)


CASES = (
    Quantity("run_id", "name", "the run", lambda case: case.run_id),
    Quantity("scenario", "name", "the scenario", lambda case: case.scenario),
    Quantity("strategy", "name", "the strategy", lambda case: case.strategy),
    Quantity(
        "case", "name", "scenario, strategy, host and parameters", lambda c: c.planned.case.key
    ),
    Quantity(
        "size_bytes", "bytes", "the requested size",
        lambda case: case.planned.case.parameters.get("size") if case.ours else None,
    ),
    Quantity(
        "payload_bytes", "bytes", "size of the inputs, as the strategy sees them", _payload,
        read=lambda trial: trial.payload_bytes, noted=13,
    ),
    Quantity(
        "dtype", "name", "parameter: the type of the data",
        lambda case: case.parameters.get("dtype"),
    ),
    Quantity(
        "layout", "name", "parameter: the memory layout of the data",
        lambda case: case.parameters.get("layout"),
    ),
    Quantity(
        "threads", "", "threads in use, as torch reported them",
        lambda case: case.threads if case.measured else None,
    ),
    Quantity("host", "name", "the interpreter and its environment", lambda case: case.host),
    Quantity(
        "outcome", "name", "ok, wrong, error, oom, timeout, crash or skipped",
        lambda case: case.outcome, read=lambda trial: trial.outcome.name, noted=1,
    ),
    Quantity("reason", "text", "why, for every outcome but ok", lambda case: case.reason),
    Quantity(
        "first_call_s", "s",
        "first call in a fresh process, median over processes; of a loader, up to its first batch",
        lambda case: case.first.median, read=_first_call, noted=12,
    ),
    Quantity(
        "steady_median_s", "s",
        "steady state, median of the medians of processes; of a loader, an epoch",
        lambda case: case.steady.median,
    ),
    Quantity("steady_min_s", "s", "fastest sample", lambda case: case.steady_min_s),
    Quantity(
        "steady_low_s", "s", "lower end of the interval of steady_median_s",
        lambda case: case.steady.low,
    ),
    Quantity("steady_high_s", "s", "upper end of that interval", lambda case: case.steady.high),
    Quantity("samples", "", "number of samples of the steady state", lambda case: case.samples),
    Quantity("trials", "", "number of processes", lambda case: case.trials),
    pooled(
        "peak_extra_bytes", "bytes",
        "memory at the peak of the first call, above what was there before",
        memory.of_ledger(lambda ledger: ledger.peak_extra_bytes), observed,
        compared=Compared(
            "memory at the peak", "peak", "memory", memory.RUN_TO_RUN_BYTES,
            memory.copied_at_peak, memory.told_apart, of_ledger=True,
        ),
        heading=Heading(1, "Peak", "memory above what was there before"), noted=2,
    ),
    pooled(
        "peak_anon_bytes", "bytes", "its part in anonymous memory",
        memory.of_ledger(lambda ledger: ledger.peak.anon_bytes), observed, noted=3,
    ),
    pooled(
        "peak_file_bytes", "bytes", "its part in mapped files",
        memory.of_ledger(lambda ledger: ledger.peak.file_bytes), observed, noted=4,
    ),
    pooled(
        "peak_shmem_bytes", "bytes", "its part in shared memory",
        memory.of_ledger(lambda ledger: ledger.peak.shmem_bytes), observed, noted=5,
    ),
    pooled(
        "retained_bytes", "bytes", "memory while the result is alive, without mapped files",
        memory.copied_at(lambda ledger: ledger.retained), observed,
        compared=Compared(
            "memory kept with the result", "kept", "memory", memory.RUN_TO_RUN_BYTES,
            memory.growth_at(lambda ledger: ledger.retained), of_ledger=True,
        ),
        heading=Heading(3, "Kept", "while the result is alive"), noted=6,
    ),
    pooled(
        "copies", "×",
        "copies of the payload at the peak: (anonymous + shared) ÷ payload_bytes, from 64 KiB on",
        memory.copies, observed,
        heading=Heading(2, "Copies", "of the payload, without mapped files"), noted=8,
    ),
    pooled(
        "shares_memory", "yes/no",
        "by addresses: whether the result, or a batch, can reach the inputs' memory",
        lambda trial: trial.shares_memory, observed,
        heading=Heading(6, "Shares", "the result shares the payload's memory"), noted=9,
    ),
    pooled(
        "minor_faults_first", "faults", "minor page faults of the first call",
        memory.or_nan(memory.minor_first), observed,
        compared=Compared(
            "page faults of the first call", "faults", "faults", memory.RUN_TO_RUN_FAULTS,
            memory.minor_first,
        ),
        heading=Heading(5, "Faults", "page faults of the first call"), noted=10,
    ),
    Quantity(
        "throughput_bytes_per_s", "bytes/s",
        "payload ÷ steady time; for a cast, the mean of what is read and written",
        lambda case: known(case.rate_bytes_per_s),
    ),
    Quantity(
        "ceiling_fraction", "share", "throughput ÷ the ceiling of the same work, of this size",
        lambda case: known(case.ceiling_fraction),
    ),
    Quantity(
        "ceiling", "name", "that work, whose ceiling was measured in the same run",
        lambda case: case.ceiling.name if case.ceiling else None,
    ),
    Quantity(
        "above_ceiling", "yes/no",
        "faster than its ceiling by more than 5%, which casts doubt on the ceiling",
        lambda case: case.above_ceiling if case.ceiling else None,
    ),
    Quantity("group", "name", "the group of the strategy", lambda case: case.group),
    Quantity("baseline", "yes/no", "whether ratios are to this case", lambda case: case.baseline),
    Quantity(
        "ratio", "×", "steady time ÷ the baseline's, paired round by round",
        lambda case: case.ratio.median,
    ),
    Quantity("ratio_low", "×", "lower end of its interval", lambda case: case.ratio.low),
    Quantity("ratio_high", "×", "upper end of its interval", lambda case: case.ratio.high),
    Quantity(
        "first_low_s", "s", "lower end of the interval of first_call_s",
        lambda case: case.first.low,
    ),
    Quantity("first_high_s", "s", "upper end of that interval", lambda case: case.first.high),
    Quantity(
        "coverage", "share",
        "probability that steady_low_s to steady_high_s holds the true median",
        lambda case: case.steady.coverage,
    ),
    pooled(
        "left_bytes", "bytes", "memory after the result was dropped, without mapped files",
        memory.copied_at(lambda ledger: ledger.left), observed,
        compared=Compared(
            "memory left after it was dropped", "left", "memory", memory.RUN_TO_RUN_BYTES,
            memory.growth_at(lambda ledger: ledger.left), of_ledger=True,
        ),
        heading=Heading(4, "Left", "after it was dropped"), noted=7,
    ),
    pooled(
        "minor_faults_steady", "faults", "minor page faults per call in the steady state",
        memory.minor_steady, middle,
        compared=Compared(
            "page faults per steady call", "steady-faults", "faults", memory.RUN_TO_RUN_FAULTS
        ),
        noted=11,
    ),
    pooled(
        "major_faults_first", "faults", "page faults of the first call that waited for a disk",
        memory.or_nan(memory.major_first), observed,
    ),
    Quantity(
        "expected_copies", "×", "copies that the strategy declares",
        lambda case: known(case.expected_copies),
    ),
    Quantity(
        "two_modes", "yes/no", "the samples fall into two clusters, and a median is in neither",
        lambda case: case.two_modes,
    ),
    pooled("result", "text", "type and shape of the result", lambda t: t.result, observed),
    pooled("result_bytes", "bytes", "size of the result", lambda t: t.result_bytes, observed),
    Quantity("warnings", "text", "what the strategy warned of", lambda case: case.warnings),
    Quantity(
        "unverified", "text", "what the check could not judge of a result, such as its order",
        lambda case: case.unverified, read=lambda trial: trial.unverified, noted=17,
    ),
    Quantity(
        "reaped", "", "processes that a trial left behind, and that were killed",
        lambda case: case.reaped,
    ),
    pooled(
        "memory_source", "text", "where the peak was read",
        memory.noted_in_ledger(lambda ledger: ledger.source), observed, noted=16,
    ),
    pooled(
        "memory_split_source", "text", "where its parts were read",
        memory.noted_in_ledger(lambda ledger: ledger.split_source), observed, noted=15,
    ),
    pooled(
        "memory_unknown", "text", "why memory is not known, though it was measured",
        memory.noted_in_ledger(lambda ledger: ledger.doubt), observed, noted=14,
    ),
    _switches("voluntary", "first"),
    _switches("involuntary", "first"),
    _switches("voluntary", "steady"),
    _switches("involuntary", "steady"),
)  # fmt: skip
