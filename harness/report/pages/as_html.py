"""The page: one file with everything in it, which asks the network for nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from markupsafe import Markup

from harness.analysis.claims.wording import counts_text, evidence_text
from harness.analysis.matrix import CELL_KINDS, SYMBOLS
from harness.charts.chart import Figure
from harness.charts.palette import STYLES, named_lines, part_styles
from harness.charts.vega import height, specification
from harness.codes.registry import FAMILIES, TITLES
from harness.report.content.choices import CHOICE_COLUMNS
from harness.report.content.columns import pace_name
from harness.report.content.content import Content
from harness.report.content.first_screen import SHOWN
from harness.report.content.gains import Gain
from harness.report.content.machine import ceiling_table, host_lines, machine_pairs, run_pairs
from harness.report.content.variations import quantity
from harness.report.pages.profiles import ProfileLink
from harness.report.pages.rendering import asset, environment, runtime
from harness.report.words.kinds import kind_of
from harness.schema.description import StrategyInfo

STYLE_SHEETS = ("page.css", "first_screen.css", "tables.css")
SCRIPTS = ("page.js", "copy.js", "tables.js")


def page(
    content: Content, profiles: Mapping[str, Sequence[ProfileLink]] = MappingProxyType({})
) -> str:
    """The report as HTML.

    Args:
        content: of it.
        profiles: that lie beside it, of each ``SCENARIO/STRATEGY``.
    """
    run = content.run

    def drawn(figure: Figure) -> dict[str, Any]:
        return {
            "spec": specification(figure, content.styles[figure.scenario]),
            "height": height(figure),
        }

    def source_of(strategy: StrategyInfo) -> str:
        """Where on the page the code of a borrowed strategy stands; "" where it does not."""
        place = f"{strategy.borrowed_from}.{strategy.name}"
        return place if place in content.sources else ""

    infos = {one.info.name: one.info for one in content.scenarios}

    def source_code(gain: Gain) -> str:
        return infos[gain.scenario].strategy(gain.strategy).source

    return (
        environment()
        .get_template("page.html.j2")
        .render(
            content=content,
            run=run,
            machine=machine_pairs(run.header.environment),
            about_run=run_pairs(run),
            hosts=host_lines(run),
            ceilings=ceiling_table(run, content.ceilings),
            choice_columns=CHOICE_COLUMNS,
            kind_of=kind_of,
            pace_name=pace_name,
            code_families=FAMILIES,
            code_titles=TITLES,
            most_gains=SHOWN,
            source_code=source_code,
            sources=content.sources,
            claim_counts=counts_text,
            claim_evidence=evidence_text,
            cell_kinds=CELL_KINDS,
            symbols=SYMBOLS,
            palette=STYLES,
            part_styles=part_styles,
            named_lines=named_lines,
            drawn=drawn,
            source_of=source_of,
            profiles=profiles,
            quantity=quantity,
            runtime=runtime(),
            style=Markup("\n").join(map(asset, STYLE_SHEETS)),
            script=Markup("\n").join(map(asset, SCRIPTS)),
        )
    )
