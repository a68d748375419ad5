"""The page that sets several runs side by side, with nothing on it but text and tables."""

from __future__ import annotations

from markupsafe import Markup

from harness.report.content.beside import FACTS, MOST_NAMES, Beside
from harness.report.pages.rendering import asset, environment

STYLE_SHEETS = ("page.css", "first_screen.css", "tables.css")


def beside_page(found: Beside) -> str:
    """Several runs as one page of HTML."""
    return (
        environment()
        .get_template("beside.html.j2")
        .render(
            found=found,
            facts=FACTS,
            most=MOST_NAMES,
            style=Markup("\n").join(map(asset, STYLE_SHEETS)),
            script=asset("tables.js"),
        )
    )
