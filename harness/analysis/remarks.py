"""Where what was measured contradicts what was declared, or should make a reader careful."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.analysis.sweep import setting
from harness.analysis.wording import percent
from harness.cases.summary import NEGLIGIBLE_BYTES, CaseSummary
from harness.codes.findings import FINDINGS
from harness.schema.description import ScenarioInfo
from harness.units import format_multiple, format_seconds, format_size

RemarkKind = Literal[
    "not verified",
    "cost model",
    "largest size",
    "not shared",
    "memory unknown",
    "page cache",
    "pickled",
    "open files",
    "memory kept",
    "pinned memory kept",
    "tree kept",
    "slow rank",
    "processes left",
    "two modes",
]
"""What is found; :mod:`harness.codes.findings` says what each means."""
MODEL_FROM_BYTES = 1024**2
"""Cost models are checked from this size on: below it, stray pages would count as copies."""
MODEL_SHARE = 0.05
PICKLED_SHARE = 0.5
"""Messages of this share of an epoch's bytes carry the data themselves."""
OPEN_FILES_PARAMETER = "open_files"
USUAL_OPEN_FILES = 1024
"""The limit on open files where none was set: what most systems begin with."""
OPEN_SHARE = 0.75
TREE_KEPT_BYTES = 16 * 1024**2
"""What a process keeps anyway that has had workers: modules, threads, and a resource tracker."""
TREE_KEPT_SHARE = 0.05


@dataclass(frozen=True)
class Remark:
    """One thing that a reader should know, in the case that shows it most."""

    kind: RemarkKind
    scenario: str
    strategy: str  # with the host where it is not the default one
    case: str  # the size and setting it was seen at
    text: str
    also: int  # further cases of the same strategy that show it
    weight: float  # how bad it is, to order findings of one kind


def case_remarks(rows: Sequence[CaseSummary], infos: Iterable[ScenarioInfo]) -> list[Remark]:
    """Everything worth telling of the cases, one finding per kind and strategy."""
    by_name = {info.name: info for info in infos}
    worst: dict[tuple[str, ...], Remark] = {}
    rank: dict[tuple[str, ...], tuple[float, float]] = {}
    count: dict[tuple[str, ...], int] = {}
    for row in rows:
        for found in remarks_of(row, by_name[row.scenario]):
            key = (found.kind, found.scenario, found.strategy)
            count[key] = count.get(key, -1) + 1
            own = (round(found.weight, 2), row.payload_bytes)  # of equals, the largest data
            if key not in worst or own > rank[key]:
                worst[key], rank[key] = found, own
    order = [code.name for code in FINDINGS]
    merged = [Remark(**{**found.__dict__, "also": count[key]}) for key, found in worst.items()]
    return sorted(merged, key=lambda found: (order.index(found.kind), -found.weight))


def remarks_of(row: CaseSummary, info: ScenarioInfo) -> Iterator[Remark]:
    """Everything worth telling of one case."""
    where = [format_size(row.size_bytes)] if row.size_bytes is not None else []
    if departs := setting(row, info):
        where.append(departs)

    def found(kind: RemarkKind, text: str, weight: float) -> Remark:
        return Remark(kind, row.scenario, row.name, ", ".join(where), text, 0, weight)

    if row.ok:
        excess = model_error(row)
        if excess:
            declared = format_multiple(row.expected_copies)
            text = f"{format_multiple(row.copies)} copied, {declared} declared"
            yield found("cost model", text, abs(excess))
        if info.strategy(row.strategy).shares_memory and row.shares_memory is False:
            yield found("not shared", "the result does not overlap the inputs", 0.0)
        for kind, text, weight in _of_memory(row):
            yield found(kind, text, weight)
        if row.two_modes:
            low, high = format_seconds(row.steady_min_s), format_seconds(row.steady.high)
            text = f"fastest sample {low}, median of the slowest process {high}"
            yield found("two modes", text, row.steady.high / row.steady_min_s)
        others = (*_of_check(row), *_of_tree(row), *_of_cache(row), *_of_limit(row))
        others += tuple(_of_ranks(row))
        for kind, text, weight in others:
            yield found(kind, text, weight)
    if row.reaped:
        yield found("processes left", f"{row.reaped} had to be killed", float(row.reaped))


def _of_memory(row: CaseSummary) -> Iterator[tuple[RemarkKind, str, float]]:
    """What is not known of a case's memory, and what is still held of it."""
    if row.memory_unknown:
        yield "memory unknown", row.memory_unknown, 0.0
    for kind, left_bytes in _left(row):
        yield kind, f"{format_size(left_bytes)} still held", left_bytes


def _left(row: CaseSummary) -> Iterator[tuple[RemarkKind, float]]:
    """Memory still held after the result was dropped; what is pinned of it by itself."""
    if row.tree is not None:
        return
    pinned_bytes = row.device.pinned_taken_bytes if row.device else math.nan
    pinned_bytes = 0.0 if math.isnan(pinned_bytes) else min(pinned_bytes, row.left_bytes)
    if pinned_bytes > NEGLIGIBLE_BYTES:
        yield "pinned memory kept", pinned_bytes
    if row.left_bytes - pinned_bytes > NEGLIGIBLE_BYTES:
        yield "memory kept", row.left_bytes - pinned_bytes


def _of_check(row: CaseSummary) -> Iterator[tuple[RemarkKind, str, float]]:
    """What it could not judge."""
    if row.unverified:
        yield "not verified", row.unverified, 0.0


def _of_tree(row: CaseSummary) -> Iterator[tuple[RemarkKind, str, float]]:
    """What a case's process tree shows: its messages, its open files, and what it leaves."""
    tree = row.tree
    if tree is None:
        return
    data_bytes = row.loading.data_bytes if row.loading else row.payload_bytes
    if tree.received_bytes and tree.received_bytes >= PICKLED_SHARE * data_bytes > 0:
        sizes = f"{format_size(tree.received_bytes)} in messages for {format_size(data_bytes)}"
        yield "pickled", f"{sizes} of batches", tree.received_bytes / data_bytes
    limit = row.parameters.get(OPEN_FILES_PARAMETER, USUAL_OPEN_FILES)
    if isinstance(limit, int) and tree.most_open_files >= OPEN_SHARE * limit > 0:
        text = f"{tree.most_open_files} of {limit} that one process may have open"
        yield "open files", text, tree.most_open_files / limit
    left = tree.left.own_bytes
    if left > TREE_KEPT_BYTES + TREE_KEPT_SHARE * max(0.0, row.payload_bytes):
        yield "tree kept", f"{format_size(left)} still held", float(left)


def _of_cache(row: CaseSummary) -> Iterator[tuple[RemarkKind, str, float]]:
    """Whether the files were where the case wanted them."""
    if row.cache is not None and not row.cache.obeyed:
        share, state = row.cache.before, row.cache.state
        text = f"{percent(share)} of the file in memory before an epoch, but {state} was requested"
        yield "page cache", text, share if state == "cold" else 1 - share


def _of_limit(row: CaseSummary) -> Iterator[tuple[RemarkKind, str, float]]:
    """Whether a search found what the cost model predicts."""
    limit = row.limit
    if limit is None:
        return
    if limit.verified is False:
        found, declared = limit.found_multiple, limit.predicted_multiple
        text = f"{format_multiple(found)} the data taken, {format_multiple(declared)} declared"
        yield "largest size", text, abs(found - declared)
    if not limit.monotonic:
        yield "largest size", "a size survived that is larger than one that failed", 0.0


def _of_ranks(row: CaseSummary) -> Iterator[tuple[RemarkKind, str, float]]:
    """Which rank is slow, if one surely is."""
    ranks = row.ranks
    if ranks is not None and ranks.is_slow:
        low, high = format_multiple(ranks.skew.low), format_multiple(ranks.skew.high)
        text = f"rank {ranks.slowest} of {ranks.count} waits {low} to {high} the median of all"
        yield "slow rank", text, ranks.skew.median


def model_error(row: CaseSummary) -> float:
    """Measured minus declared copies, where the difference is more than error; else 0.

    What counts as error is 5% of the declared copies, of one copy at least, and never less than
    0.5 MiB. Cases without a cost model or below ``MODEL_FROM_BYTES`` have none. The parts of a
    peak are observed and may read low, so a shortfall counts only if the whole peak, which is
    exact, falls short too.
    """
    if not row.payload_bytes >= MODEL_FROM_BYTES:
        return 0.0
    most = (row.peak_extra_bytes - row.peak_file_bytes) / row.payload_bytes
    copies = min(max(row.copies, most), max(row.copies, row.expected_copies))
    difference = copies - row.expected_copies
    slack = max(MODEL_SHARE * max(1.0, row.expected_copies), NEGLIGIBLE_BYTES / row.payload_bytes)
    return difference if abs(difference) > slack else 0.0
