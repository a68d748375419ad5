"""A scenario's cases as rows of text: what was measured of each strategy at one size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.contest import Pick, picks
from harness.analysis.findings import model_error
from harness.analysis.rows import CaseRow
from harness.analysis.sweep import Sweep, setting
from harness.analysis.wording import comparison, promise
from harness.description import ScenarioInfo
from harness.report.order import by_group
from harness.report.text import (
    MISSING,
    SMALL_RATIO,
    ceiling_text,
    count_text,
    epoch_text,
    format_ratio,
    interval_text,
    rate_text,
    ratio_text,
    seconds_text,
    share_text,
    size_text,
    standing_at,
    tree_text,
    yes_no,
)
from harness.units import format_multiple, format_seconds, format_size


@dataclass(frozen=True)
class Line:
    """One strategy; every figure as text, and what a reader should notice about it."""

    name: str
    setting: str
    baseline: bool
    published: str  # where it was printed, if it is kept as published
    standing: str  # "fastest" or "leanest", "level" with that one, or ""
    outcome: str
    reason: str
    first: str  # a call, or a loader's first batch
    first_range: str
    steady: str  # a call, or a sample of a loader
    steady_range: str
    epoch: str  # what the same comes to in an epoch; "" of what is no loader
    two_modes: bool
    ratio: str
    ratio_range: str
    rate: str
    share: str
    ceiling: str
    in_cache: bool
    peak: str
    peak_bytes: str
    copies: str
    declared: str
    contradicted: bool
    shares: str
    faults: str  # of the first call, and of each one in steady state
    tree: str  # growth of the process tree
    tree_parts: str
    open_files: str

    @property
    def ok(self) -> bool:
        return self.outcome == "ok"


@dataclass(frozen=True)
class Group:
    """Strategies that make the same promise."""

    name: str
    promise: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Pane:
    """A scenario's table at one size."""

    size_bytes: int
    title: str
    where: str  # the size, and what stands at one value of several
    reference: bool
    groups: tuple[Group, ...]

    @property
    def trees(self) -> bool:
        """Whether any process tree was watched."""
        return any(line.tree != MISSING for group in self.groups for line in group.lines)


@dataclass(frozen=True)
class Choice:
    """Which strategies to use under one promise."""

    group: str
    promise: str
    setting: str
    names: tuple[str, ...]  # more than one: none is clearly the fastest
    best: str  # "fastest" or "leanest", where that is clear
    steady: str
    against: str
    peak: str
    tree: str
    added: str  # what adding up RSS would make of it
    among: int
    leaner: str  # a strategy that needs much less memory, and how much; "" when there is none


def panes(sweep: Sweep) -> tuple[Pane, ...]:
    """One table for every size, ascending."""
    groups = by_group(sweep)
    return tuple(
        Pane(
            size or 0,
            size_text(size),
            ", ".join([*([size_text(size)] if size is not None else []), *standing_at(sweep)]),
            size == sweep.reference,
            _groups(sweep, sweep.at(size), groups),
        )
        for size in sweep.sizes
    )


def _groups(
    sweep: Sweep, rows: Sequence[CaseRow], order: Sequence[tuple[str, list[str]]]
) -> tuple[Group, ...]:
    standing = _standings(picks(sweep, rows))
    by_name = {row.strategy: row for row in rows}
    info = sweep.info
    groups = []
    for group, names in order:
        lines = tuple(
            line(by_name[name], info, standing.get(name, "")) for name in names if name in by_name
        )
        if lines:
            groups.append(Group(group, promise(group) if group else "", lines))
    return tuple(groups)


def _standings(found: Sequence[Pick]) -> dict[str, str]:
    contested = [pick for pick in found if len(pick.rows) > 1 and not pick.too_few]
    return {
        row.strategy: _best(pick) if pick.winner is row else "level"
        for pick in contested
        for row in pick.leaders
    }


def _best(pick: Pick) -> str:
    return "leanest" if pick.by_memory else "fastest"


def line(row: CaseRow, info: ScenarioInfo, standing: str) -> Line:
    """The cells of one case."""
    return Line(
        name=row.strategy,
        setting=setting(row, info),
        published=info.strategy(row.strategy).published,
        baseline=row.baseline,
        standing=standing,
        outcome=row.outcome,
        reason=row.reason,
        first=format_seconds(row.first.median),
        first_range=interval_text(row.first, format_seconds),
        steady=format_seconds(row.pace.median),
        steady_range=interval_text(row.pace, format_seconds),
        epoch=epoch_text(row),
        two_modes=row.two_modes,
        ratio=format_ratio(row.ratio.median),
        ratio_range=_ratio_range(row),
        rate=rate_text(row).removesuffix(" GB/s"),
        share=share_text(row),
        ceiling=f"of memcpy {ceiling_text(row.ceiling)}" if row.ceiling else "",
        in_cache=row.in_cache,
        peak=format_multiple(row.peak_multiple),
        peak_bytes=format_size(row.peak_extra_bytes),
        copies=format_multiple(row.copies),
        declared=format_multiple(row.expected_copies),
        contradicted=bool(row.ok and model_error(row)),
        shares=yes_no(row.shares_memory),
        faults=f"{count_text(row.faults_first)} / {count_text(row.faults_steady)}",
        tree=format_multiple(row.tree_multiple),
        tree_parts=tree_text(row),
        open_files=MISSING if row.tree is None else str(row.tree.most_open_files),
    )


def choices(found: Sequence[Pick]) -> tuple[Choice, ...]:
    """A verdict's picks as rows: what to use, and when."""
    return tuple(_choice(pick) for pick in found)


def _choice(pick: Pick) -> Choice:
    best, leaner = pick.leaders[0], pick.leanest
    return Choice(
        group=pick.group,
        promise=promise(pick.group),
        setting=pick.setting,
        names=tuple(row.strategy for row in pick.leaders),
        best=_best(pick) if pick.winner is not None else "",
        steady=seconds_text(best.pace),
        against=_against(best),
        peak=format_multiple(best.peak_multiple),
        tree=format_multiple(best.tree_multiple),
        added=format_multiple(best.tree_rss_multiple),
        among=len(pick.rows),
        leaner=f"{leaner.strategy}: {format_multiple(leaner.peak_multiple)}" if leaner else "",
    )


def _against(row: CaseRow) -> str:
    if row.baseline:
        return "the baseline"
    if math.isnan(row.ratio.median):
        return MISSING
    return comparison(row.ratio) or ratio_text(row.ratio)


def _ratio_range(row: CaseRow) -> str:
    """The interval of a ratio, where it is of interest: not of what costs next to nothing."""
    if row.baseline or row.ratio.high < SMALL_RATIO:
        return ""
    return interval_text(row.ratio, format_ratio)
