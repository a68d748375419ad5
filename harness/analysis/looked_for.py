"""What was looked for in the cases, and what came of it.

That nothing was found, that there was nothing to look at, and that nobody looked are three
different things.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.analysis.remarks import MODEL_FROM_BYTES, Remark
from harness.cases.summary import CaseSummary
from harness.codes.code import Code
from harness.codes.findings import FINDINGS
from harness.schema.description import ScenarioInfo

Result = Literal["found", "passed", "not measured", "not applicable"]
Looked = bool | None
"""Of one case: True where it was looked at, None where it should have been, False where it has
nothing to look at."""


@dataclass(frozen=True)
class Check:
    """One kind of finding, over all cases."""

    code: Code
    found: tuple[Remark, ...]
    looked_at: int  # cases
    unknown: int  # cases that have something to look at, which was not measured

    @property
    def result(self) -> Result:
        if self.found:
            return "found"
        if self.looked_at:
            return "passed"
        return "not measured" if self.unknown else "not applicable"


def checks(
    rows: Sequence[CaseSummary], infos: Iterable[ScenarioInfo], found: Sequence[Remark]
) -> tuple[Check, ...]:
    """Every kind of finding, the gravest first."""
    by_name = {info.name: info for info in infos}
    result = []
    for code in FINDINGS:
        looked = [LOOKED[code.name](row, by_name[row.scenario]) for row in rows if row.ours]
        own = tuple(one for one in found if one.kind == code.name)
        result.append(Check(code, own, looked.count(True), looked.count(None)))
    return tuple(result)


def _if(applies: bool, known: bool) -> Looked:
    return (known or None) if applies else False


def _verified(row: CaseSummary, info: ScenarioInfo) -> Looked:
    return _if(row.ok and not info.probe, known=True)


def _model(row: CaseSummary, _: ScenarioInfo) -> Looked:
    declared = not math.isnan(row.expected_copies) and row.payload_bytes >= MODEL_FROM_BYTES
    return _if(row.ok and declared and row.limit is None, not math.isnan(row.copies))


def _largest(row: CaseSummary, _: ScenarioInfo) -> Looked:
    return _if(row.limit is not None, row.limit is not None and row.limit.verified is not None)


def _shared(row: CaseSummary, info: ScenarioInfo) -> Looked:
    declared = bool(info.strategy(row.strategy).shares_memory)
    return _if(row.ok and declared, row.shares_memory is not None)


def _memory(row: CaseSummary, info: ScenarioInfo) -> Looked:
    return _if(row.ok and not info.probe and row.limit is None, row.ledger is not None)


def _cache(row: CaseSummary, _: ScenarioInfo) -> Looked:
    return _if(row.ok and "page_cache" in row.parameters, row.cache is not None)


def _tree(row: CaseSummary, _: ScenarioInfo) -> Looked:
    return _if(row.ok and (row.workers > 0 or row.tree is not None), row.tree is not None)


def _received(row: CaseSummary, info: ScenarioInfo) -> Looked:
    seen = row.tree is not None and row.tree.received_bytes is not None
    return seen or None if _tree(row, info) is not False else False


def _kept(row: CaseSummary, info: ScenarioInfo) -> Looked:
    return _if(
        row.ok and not info.probe and row.tree is None and row.limit is None,
        not math.isnan(row.left_bytes),
    )


def _pinned(row: CaseSummary, _: ScenarioInfo) -> Looked:
    known = row.device is not None and not math.isnan(row.device.pinned_taken_bytes)
    return _if(row.ok and row.device is not None, known)


def _ranks(row: CaseSummary, _: ScenarioInfo) -> Looked:
    several = row.ranks is not None and row.ranks.count > 1
    return _if(row.ok and several, row.ranks is not None and row.ranks.is_slow is not None)


def _left(row: CaseSummary, _: ScenarioInfo) -> Looked:
    return _if(bool(row.measured), known=True)


def _modes(row: CaseSummary, _: ScenarioInfo) -> Looked:
    return _if(row.timed, row.two_modes is not None)


LOOKED: Mapping[str, Callable[[CaseSummary, ScenarioInfo], Looked]] = {
    "not verified": _verified,
    "cost model": _model,
    "largest size": _largest,
    "not shared": _shared,
    "memory unknown": _memory,
    "page cache": _cache,
    "pickled": _received,
    "open files": _tree,
    "memory kept": _kept,
    "pinned memory kept": _pinned,
    "tree kept": _tree,
    "slow rank": _ranks,
    "processes left": _left,
    "two modes": _modes,
}
"""Whether each was looked for in a case."""
