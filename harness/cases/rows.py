"""The rows of a case frame as typed records, so that analysis and reports need no frame idioms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

import pandas as pd

from harness.cases.cells import Record, interval, number, text, truth
from harness.cases.columns.loader import watched_tree
from harness.cases.device_rows import DeviceRow, device_row
from harness.cases.limit_rows import LimitRow, limit_row
from harness.cases.training_rows import CacheRow, TrainingRow, cache_row, training_row
from harness.journal.lines import Run
from harness.schema.records import DEFAULT_HOST, Epoch, Tree, Trial, Value
from harness.stats.intervals import Interval

NEGLIGIBLE_BYTES = 512 * 1024
"""Memory below this is within what the ledger itself is accurate to."""


@dataclass(frozen=True)
class LoadingRow:
    """What driving a loader took; phases are medians over processes."""

    samples: int  # of an epoch, as the following are
    batches: int
    data_bytes: float
    sample: Interval  # steady state: an epoch's time, divided by its samples
    build_s: float
    first: Epoch
    steady: Epoch

    @property
    def phases(self) -> tuple[tuple[str, float, float], ...]:
        """The phases of a fresh process: name, time, and time in steady state.

        In their order, but for the training steps, which come between batches.
        """
        pairs = [
            (field.name.removesuffix("_s"), getattr(self.first, field.name), field.name)
            for field in fields(Epoch)
        ]
        return (
            ("build", self.build_s, math.nan),
            *((name, first, getattr(self.steady, key)) for name, first, key in pairs),
        )


@dataclass(frozen=True)
class CaseRow:
    """One case and what its trials found out. Sizes are bytes, times seconds."""

    scenario: str
    strategy: str
    host: str
    group: str
    parameters: Mapping[str, Value]  # as planned, without the size
    size_bytes: int | None
    baseline: bool
    outcome: str
    reason: str
    trials: int
    threads: int  # in force, as torch reported; 0 when nothing ran
    first: Interval
    steady: Interval
    steady_min_s: float
    ratio: Interval
    payload_bytes: float
    peak_extra_bytes: float
    peak_anon_bytes: float
    peak_file_bytes: float
    peak_shmem_bytes: float
    left_bytes: float
    copies: float
    expected_copies: float
    shares_memory: bool | None
    faults_first: float
    faults_steady: float
    rate_bytes_per_s: float
    ceiling: str
    ceiling_fraction: float
    in_cache: bool
    two_modes: bool
    reaped: int
    memory_source: str
    loading: LoadingRow | None = None
    tree: Tree | None = None
    training: TrainingRow | None = None
    cache: CacheRow | None = None
    limit: LimitRow | None = None
    device: DeviceRow | None = None
    kind: str = ""  # what gave way, of a case that failed
    where: str = ""  # the line of the scenario's code: ``tensor_from_array.py:57: return …``

    @property
    def ok(self) -> bool:
        return self.outcome == "ok"

    @property
    def timed(self) -> bool:
        """Whether there is a steady-state time that may be compared with others."""
        return self.ok and self.steady.median > 0

    @property
    def pace(self) -> Interval:
        """The steady state in what can be compared over a sweep: per sample of a loader, or call.

        An epoch's own time depends on how many samples it has.
        """
        return self.loading.sample if self.loading else self.steady

    @property
    def batch(self) -> Interval:
        """The steady state per batch of a loader; nothing for what is none."""
        return self.steady.divided(self.loading.batches if self.loading else 0)

    @property
    def extra_bytes(self) -> float:
        """Extra memory at the peak of the first call.

        Of what trains from files, without their pages: those are the data, and the system's.
        """
        if self.training is None or math.isnan(self.peak_file_bytes):
            return self.peak_extra_bytes
        return max(0.0, self.peak_extra_bytes - self.peak_file_bytes)

    @property
    def peak_multiple(self) -> float:
        """The same in multiples of the data."""
        return self.extra_bytes / self.payload_bytes if self.payload_bytes > 0 else math.nan

    @property
    def tree_bytes(self) -> float:
        """Most growth of the whole process tree: every shared page once, file pages not at all."""
        return self.tree.peak.own_bytes if self.tree else math.nan

    @property
    def tree_multiple(self) -> float:
        """The same in multiples of the data."""
        return self.tree_bytes / self.payload_bytes if self.payload_bytes > 0 else math.nan

    @property
    def tree_rss_bytes(self) -> float:
        """What adding up RSS would have made of that growth: shared pages many times."""
        if self.tree is None or not self.tree.course:
            return math.nan
        return self.tree.peak.rss_bytes - self.tree.course[0].rss_bytes

    @property
    def tree_rss_multiple(self) -> float:
        """The same in multiples of the data."""
        return self.tree_rss_bytes / self.payload_bytes if self.payload_bytes > 0 else math.nan

    @property
    def workers(self) -> int:
        """Worker processes that the case asks for."""
        asked = self.parameters.get("num_workers", 0)
        return asked if isinstance(asked, int) else 0

    @property
    def point(self) -> tuple[tuple[str, Value], ...]:
        """All parameters but the size: rows of equal size and point may be compared."""
        return tuple(self.parameters.items())

    @property
    def name(self) -> str:
        """The strategy, and the host where it is not the default one."""
        return self.strategy if self.host == DEFAULT_HOST else f"{self.strategy} @{self.host}"


def case_rows(run: Run, cases: pd.DataFrame) -> list[CaseRow]:
    """The frame of a run as records, in the order of its plan."""
    records = cases.to_dict("records")
    trials: dict[int, list[Trial]] = {}
    for trial in run.trials:
        trials.setdefault(trial.case, []).append(trial)
    return [
        _row(
            {str(key): value for key, value in record.items()},
            dict(one.case.parameters),
            watched_tree(trials.get(index, ())),
        )
        for index, (record, one) in enumerate(zip(records, run.header.plan.cases, strict=True))
    ]


def _row(record: Record, parameters: dict[str, Value], tree: Tree | None) -> CaseRow:
    size = parameters.pop("size", None)
    return CaseRow(
        scenario=text(record["scenario"]),
        strategy=text(record["strategy"]),
        host=text(record["host"]),
        group=text(record["group"]),
        parameters=parameters,
        size_bytes=size if isinstance(size, int) else None,
        baseline=bool(truth(record["baseline"])),
        outcome=text(record["outcome"]),
        reason=text(record["reason"]),
        trials=int(record["trials"]),
        threads=0 if math.isnan(number(record["threads"])) else int(record["threads"]),
        first=interval(record, "first_call_s", "first_low_s", "first_high_s"),
        steady=interval(record, "steady_median_s", "steady_low_s", "steady_high_s"),
        steady_min_s=number(record["steady_min_s"]),
        ratio=interval(record, "ratio", "ratio_low", "ratio_high"),
        payload_bytes=number(record["payload_bytes"]),
        peak_extra_bytes=number(record["peak_extra_bytes"]),
        peak_anon_bytes=number(record["peak_anon_bytes"]),
        peak_file_bytes=number(record["peak_file_bytes"]),
        peak_shmem_bytes=number(record["peak_shmem_bytes"]),
        left_bytes=number(record["left_bytes"]),
        copies=number(record["copies"]),
        expected_copies=number(record["expected_copies"]),
        shares_memory=truth(record["shares_memory"]),
        faults_first=number(record["minor_faults_first"]),
        faults_steady=number(record["minor_faults_steady"]),
        rate_bytes_per_s=number(record["throughput_bytes_per_s"]),
        ceiling=text(record["ceiling"]),
        ceiling_fraction=number(record["ceiling_fraction"]),
        in_cache=bool(truth(record["in_cache"])),
        two_modes=bool(truth(record["two_modes"])),
        reaped=int(record["reaped"]),
        memory_source=text(record["memory_source"]),
        loading=_loading(record),
        tree=tree,
        training=training_row(record),
        cache=cache_row(record),
        limit=limit_row(record),
        device=device_row(record),
        kind=text(record["failure_kind"]),
        where=text(record["failure_where"]),
    )


def _loading(record: Record) -> LoadingRow | None:
    samples = number(record["epoch_samples"])
    if math.isnan(samples):
        return None
    names = [field.name for field in fields(Epoch)]
    return LoadingRow(
        samples=int(samples),
        batches=int(record["epoch_batches"]),
        data_bytes=number(record["epoch_bytes"]),
        sample=interval(record, "sample_s", "sample_low_s", "sample_high_s"),
        build_s=number(record["build_s"]),
        first=Epoch(*(number(record[f"first_{name}"]) for name in names)),
        steady=Epoch(*(number(record[name]) for name in names)),
    )
