"""Everything a report says, before it has a form: pages and summaries are made of this alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.analysis.claims.of_run import Verdicts, verdicts
from harness.analysis.contests import in_contests
from harness.analysis.looked_for import Check, checks
from harness.analysis.matrix import Grid, grid
from harness.analysis.matrix_dangers import summary
from harness.analysis.one_side import base_alone
from harness.analysis.opportunities import opportunities, state
from harness.analysis.remarks import Remark, case_remarks
from harness.analysis.sweep import Sweep, sweep
from harness.analysis.verdict import Verdict, verdict
from harness.cases.summaries import summaries
from harness.cases.summary import CaseSummary
from harness.cases.throughput import limits_of
from harness.charts.chart import Figure
from harness.charts.palette import Style, styles
from harness.codes.code import Code
from harness.host.environment import Environment
from harness.journal.lines import Run
from harness.report.content.choices import Choice, choices
from harness.report.content.columns import Cell
from harness.report.content.costs import Costs, costs
from harness.report.content.device_tables import DeviceTable, device_table
from harness.report.content.every_case import CaseLine, case_lines
from harness.report.content.failures import Failure, failures
from harness.report.content.first_screen import Answered, FirstScreen, first_screen
from harness.report.content.limit_tables import LimitTable, limit_table
from harness.report.content.method import method, not_measured, notices
from harness.report.content.overview import LOOKS, OVERVIEW
from harness.report.content.reasons import Reasons, explained
from harness.report.content.sides import SideBySide, side_by_side
from harness.report.content.tables import Pane, panes
from harness.report.content.variations import Variation, further, variations
from harness.report.figures.all import figures
from harness.schema.description import ScenarioInfo
from harness.schema.records import Ceiling


@dataclass(frozen=True)
class ScenarioContent:
    """One measuring scenario."""

    info: ScenarioInfo
    sweep: Sweep
    verdict: Verdict
    choices: tuple[Choice, ...]
    panes: tuple[Pane, ...]
    device: DeviceTable | None
    limits: LimitTable | None  # in place of panes, where the largest sizes are searched
    figures: tuple[Figure, ...]
    costs: Costs | None  # where times were measured at several sizes, or with several workers
    reasons: Reasons | None  # where experiments on causes were measured
    variations: tuple[Variation, ...]
    further: tuple[tuple[str, str, str, Cell], ...]
    failures: tuple[Failure, ...]
    groups: tuple[str, ...]  # those with a look of their own


@dataclass(frozen=True)
class MatrixContent:
    """One probing scenario."""

    info: ScenarioInfo
    grid: Grid
    sentences: tuple[str, ...]
    first: int  # the panel to show first


@dataclass(frozen=True)
class Content:
    """The whole report of one run."""

    run: Run
    rows: tuple[CaseSummary, ...]
    first: FirstScreen
    cases: tuple[CaseLine, ...]
    scenarios: tuple[ScenarioContent, ...]
    matrices: tuple[MatrixContent, ...]
    claims: Verdicts  # about the scenarios of the run
    findings: tuple[Remark, ...]
    checks: tuple[Check, ...]  # what was looked for, with what came of it
    ceilings: tuple[Ceiling, ...]
    styles: Mapping[str, Mapping[str, Style]]  # of groups, by scenario
    notices: tuple[str, ...]  # what a reader must know before trusting anything below
    sides: SideBySide | None  # of an A/B run, whose scenarios are then shown of the base alone
    method: tuple[str, ...]
    not_measured: tuple[str, ...]

    @cached_property
    def sources(self) -> frozenset[str]:
        """The strategies whose code the report shows, each as ``scenario.strategy``."""
        return frozenset(
            f"{one.info.name}.{strategy.name}"
            for one in self.scenarios
            for strategy in one.info.strategies
            if strategy.source and not strategy.borrowed_from
        )

    @cached_property
    def codes(self) -> frozenset[Code]:
        """Those that the report names, and so has to explain."""
        return frozenset(
            [
                *(one.code for one in self.first.gains),
                *(code for one in self.first.gains for code, _ in one.cautions),
                *(one.code for one in self.first.unanswered),
                *(one.code for one in self.checks if one.result != "not applicable"),
                *(one.code for one in self.cases if one.code),
            ]
        )

    @property
    def figures(self) -> tuple[Figure, ...]:
        return (
            *self.first.figures,
            *(figure for one in self.scenarios for figure in one.figures),
        )


def content(run: Run) -> Content:
    """Analyse a run and gather what its report will say."""
    whole, run = run, in_contests(base_alone(run))
    rows = summaries(run)
    infos = run.header.scenarios
    measuring = [info for info in infos if not info.probe]
    found = case_remarks(rows, infos)
    scenarios = tuple(_scenario(info, rows, run.header.environment) for info in measuring)
    grids = [(info, grid(rows, info.name)) for info in infos if info.probe]
    return Content(
        run=run,
        rows=tuple(rows),
        first=first_screen([_answered(one) for one in scenarios]),
        cases=case_lines(run, rows),
        scenarios=scenarios,
        matrices=tuple(
            MatrixContent(info, one, summary(one), _first(info, one)) for info, one in grids
        ),
        claims=verdicts(run, rows).about_it,
        findings=tuple(found),
        checks=checks(rows, infos, found),
        ceilings=tuple(limits_of(run).values()),
        styles={
            OVERVIEW: LOOKS,
            **{info.name: styles(one.group for one in info.strategies) for info in measuring},
        },
        notices=notices(whole, rows),
        sides=side_by_side(whole),
        method=method(run, rows),
        not_measured=not_measured(run),
    )


def _scenario(
    info: ScenarioInfo, rows: Sequence[CaseSummary], environment: Environment
) -> ScenarioContent:
    own = sweep(info, rows)
    answer = verdict(own)
    return ScenarioContent(
        info=info,
        sweep=own,
        verdict=answer,
        choices=choices(own, answer.rankings),
        panes=() if own.by_size else panes(own),
        device=device_table(own),
        limits=limit_table(own),
        figures=figures(own, answer),
        costs=costs(own, environment),
        reasons=explained(own),
        variations=variations(own),
        further=further(own),
        failures=failures(info, rows),
        groups=tuple(dict.fromkeys(one.group for one in info.strategies if one.group)),
    )


def _answered(one: ScenarioContent) -> Answered:
    found = opportunities(one.sweep, one.verdict)
    return Answered(one.sweep, one.verdict, found, state(one.sweep, one.verdict, found))


def _first(info: ScenarioInfo, one: Grid) -> int:
    """The panel of the scenario's default dtype."""
    default = info.parameters["dtype"].default if "dtype" in info.parameters else ""
    return next((index for index, panel in enumerate(one.panels) if default in panel.dtypes), 0)
