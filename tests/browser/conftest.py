"""One Chromium for all tests of pages in it; without one they are skipped, with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.journal.read import read_journal
from harness.report.content.beside import beside
from harness.report.content.content import content
from harness.report.pages.as_html import page
from harness.report.pages.beside_page import beside_page
from harness.selfcheck.browser import Browser, axe_script, browser, chromium
from tests.report.runs import rich_run

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def chrome() -> Iterator[Browser]:
    if not chromium():
        pytest.skip("no Chromium here, which the page could be opened in")
    with browser() as found:
        yield found


@pytest.fixture(scope="session")
def axe() -> str:
    found = axe_script(ROOT)
    if found is None:
        pytest.skip("no axe-core here: make page-check installs it")
    return found.read_text("utf-8")


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of everything that can happen, with names that try to be obeyed."""
    folder = tmp_path_factory.mktemp("page")
    made = folder / "index.html"
    made.write_text(page(content(read_journal(rich_run(folder)))), "utf-8")
    return made


@pytest.fixture(scope="session")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of two runs side by side."""
    folder = tmp_path_factory.mktemp("beside")
    one = content(read_journal(rich_run(folder)))
    made = folder / "index.html"
    made.write_text(beside_page(beside([one, one], ["a/index.html", "b/index.html"])), "utf-8")
    return made
