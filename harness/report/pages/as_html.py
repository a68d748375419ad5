"""The page: one file with everything in it, which asks the network for nothing."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from harness.analysis.matrix import KINDS as CELL_KINDS
from harness.analysis.matrix import SYMBOLS
from harness.analysis.remarks import KINDS as FINDING_KINDS
from harness.charts.chart import Figure
from harness.charts.palette import LOOKS, PART_LOOKS, named_lines
from harness.charts.vega import height, specification
from harness.errors import UnableError
from harness.report.content.content import Content
from harness.report.content.machine import ceiling_table, host_lines, machine_pairs, run_pairs
from harness.report.content.variations import quantity
from harness.report.pages.highlighted_source import highlighted, prose, script_json
from harness.report.words.text import capital, plural, size_text
from harness.schema.description import StrategyInfo

_PACKAGE = "harness.report.pages"


def page(content: Content) -> str:
    """The report as HTML."""
    run = content.run

    def drawn(figure: Figure) -> dict[str, Any]:
        return {
            "spec": specification(figure, content.looks[figure.scenario]),
            "height": height(figure),
        }

    def source_of(strategy: StrategyInfo) -> str:
        """Where on the page the code of a borrowed strategy stands; "" where it does not."""
        place = f"{strategy.borrowed_from}.{strategy.name}"
        return place if place in content.sources else ""

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
            finding_kinds=FINDING_KINDS,
            cell_kinds=CELL_KINDS,
            symbols=SYMBOLS,
            palette=LOOKS,
            part_looks=PART_LOOKS,
            named_lines=named_lines,
            drawn=drawn,
            source_of=source_of,
            quantity=quantity,
            runtime=runtime(),
            style=asset("page.css"),
            script=asset("page.js"),
        )
    )


@cache
def runtime() -> Markup:
    """Vega, Vega-Lite and Vega-Embed as one script, about 0.9 MB.

    Raises:
        UnableError: the package that holds them is not installed.
    """
    try:
        import vl_convert  # a machine that only measures does without it
    except ImportError as error:
        raise UnableError(
            "a page needs vl-convert-python, which is not installed: install it, or make the "
            "report on another machine, from the journal alone"
        ) from error
    return _script(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def _script(text: str) -> Markup:
    """A script that cannot end its own element early."""
    return Markup(text.replace("</script", "<\\/script"))  # noqa: S704 — not from a user


def asset(name: str) -> Markup:
    """A style sheet or script of the package's, to stand in a page."""
    return _script(resources.files(_PACKAGE).joinpath("templates", name).read_text("utf-8"))


def environment() -> jinja2.Environment:
    """What every page's template is rendered with."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "capital": capital,
        "prose": prose,
        "python": highlighted,
        "script_json": script_json,
        "size": size_text,
    }
    environment.globals["plural"] = plural
    return environment
