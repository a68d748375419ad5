"""A scenario's cases as rows of text: what was measured of each strategy at one size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.failure_wording import code_of, place_of
from harness.analysis.ranking import Ranking, rankings
from harness.analysis.remarks import model_error
from harness.analysis.stalls import stall_text
from harness.analysis.sweep import Sweep, setting
from harness.cases.rows import CaseRow
from harness.report.content.choices import best_word
from harness.report.words.order import by_group
from harness.report.words.text import (
    SMALL_RATIO,
    cache_text,
    ceiling_text,
    count_text,
    epoch_text,
    format_ratio,
    interval_text,
    loss_text,
    peak_text,
    rate_text,
    samples_per_s_text,
    share_text,
    standing_at,
    tree_text,
    yes_no,
)
from harness.schema.description import ScenarioInfo
from harness.units import MISSING, format_multiple, format_seconds, size_text


@dataclass(frozen=True)
class TableLine:
    """One strategy; every figure as text, and what a reader should notice about it."""

    name: str
    setting: str
    baseline: bool
    published: str  # where it was printed, if it is kept as published
    standing: str  # "fastest" or "leanest", "level" with that one, or ""
    outcome: str
    reason: str
    place: str  # where it failed, and the line there
    code: str
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
    stall: str  # of training: how much of an epoch the step stands still
    samples: str
    loss: str
    cache: str  # what of the files lay in memory

    @property
    def ok(self) -> bool:
        return self.outcome == "ok"


@dataclass(frozen=True)
class TableGroup:
    """Strategies that make the same promise."""

    name: str
    promise: str
    lines: tuple[TableLine, ...]


@dataclass(frozen=True)
class Pane:
    """A scenario's table at one size."""

    size_bytes: int
    title: str
    where: str  # the size, and what stands at one value of several
    reference: bool
    groups: tuple[TableGroup, ...]

    @property
    def trees(self) -> bool:
        """Whether any process tree was watched."""
        return any(line.tree != MISSING for group in self.groups for line in group.lines)


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
) -> tuple[TableGroup, ...]:
    standing = standings(rankings(sweep, rows))
    by_name = {row.strategy: row for row in rows}
    info = sweep.info
    groups = []
    for group, names in order:
        lines = tuple(
            line(by_name[name], info, standing.get(name, "")) for name in names if name in by_name
        )
        if lines:
            groups.append(TableGroup(group, info.meaning(group) if group else "", lines))
    return tuple(groups)


def standings(found: Sequence[Ranking]) -> dict[str, str]:
    """By strategy: ``fastest`` or its like, or ``level`` with that one."""
    contested = [ranking for ranking in found if len(ranking.rows) > 1 and not ranking.too_few]
    return {
        row.strategy: best_word(ranking) if ranking.winner is row else "level"
        for ranking in contested
        for row in ranking.leaders
    }


def line(row: CaseRow, info: ScenarioInfo, standing: str) -> TableLine:
    """The cells of one case."""
    return TableLine(
        name=row.strategy,
        setting=setting(row, info),
        published=info.strategy(row.strategy).published,
        baseline=row.baseline,
        standing=standing,
        outcome=row.outcome,
        reason=row.reason,
        place=place_of(row.where),
        code=code_of(row.where),
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
        ceiling=f"of {ceiling_text(row.ceiling)}" if row.ceiling else "",
        in_cache=row.in_cache,
        peak=format_multiple(row.peak_multiple),
        peak_bytes=peak_text(row),
        copies=format_multiple(row.copies),
        declared=format_multiple(row.expected_copies),
        contradicted=bool(row.ok and model_error(row)),
        shares=yes_no(row.shares_memory),
        faults=f"{count_text(row.faults_first)} / {count_text(row.faults_steady)}",
        tree=format_multiple(row.tree_multiple),
        tree_parts=tree_text(row),
        open_files=MISSING if row.tree is None else str(row.tree.most_open_files),
        stall=stall_text(row.training.stall) if row.training else MISSING,
        samples=samples_per_s_text(row).removesuffix("/s"),
        loss=loss_text(row),
        cache=cache_text(row),
    )


def _ratio_range(row: CaseRow) -> str:
    """The interval of a ratio, where it is of interest: not of what costs next to nothing."""
    if row.baseline or row.ratio.high < SMALL_RATIO:
        return ""
    return interval_text(row.ratio, format_ratio)
