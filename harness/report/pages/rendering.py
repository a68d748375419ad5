"""What every page is rendered with: templates, style sheets and scripts of its package."""

from __future__ import annotations

from functools import cache
from importlib import resources

import jinja2
from markupsafe import Markup

from harness.errors import UnableError
from harness.report.pages.highlighted_source import highlighted, prose, script_json
from harness.report.words.text import capital, plural
from harness.units import size_text

PAGES = "harness.report.pages"


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


def asset(name: str, package: str = PAGES) -> Markup:
    """A style sheet or script from a package's templates, to stand in a page."""
    return _script(resources.files(package).joinpath("templates", name).read_text("utf-8"))


def environment(package: str = PAGES) -> jinja2.Environment:
    """What every template of a package's is rendered with."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package),
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
