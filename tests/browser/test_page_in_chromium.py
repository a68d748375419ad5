"""The page in a browser: silent, offline, accessible, inert, and with controls that work."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.selfcheck.browser import Browser
from tests.some import some

pytestmark = pytest.mark.slow
GRAVE = ("serious", "critical")
LOOKS: dict[str, dict[str, Any]] = {
    "wide": {"width": 1280},
    "phone": {"width": 400},
    "dark": {"width": 1280, "dark": True},
    "dark phone": {"width": 400, "dark": True},
}
DRAWN = "document.querySelectorAll('.chart:not(:has(svg))').length === 0"
FIRST_TABLE = "document.querySelector('.pane.shown table.strategies')"


def wait_for(condition: Callable[[], Any]) -> None:
    """Until something is so, or long enough."""
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.05)


def violations(chrome: Browser, axe: str) -> list[dict[str, Any]]:
    """What axe-core objects to, with everything open that can be opened."""
    chrome.value("for (const one of document.querySelectorAll('details')) one.open = true")
    chrome.value(f"{axe}; 0")
    found = chrome.value("axe.run(document).then((result) => JSON.stringify(result.violations))")
    return [one for one in json.loads(found) if one["impact"] in GRAVE]


@pytest.mark.parametrize("look", LOOKS)
def test_it_is_silent_offline_and_fits(chrome: Browser, report: Path, look: str) -> None:
    chrome.open(report, **LOOKS[look])
    wait_for(lambda: chrome.value(DRAWN))
    assert chrome.value("document.querySelectorAll('.chart svg').length") == 5
    assert chrome.complaints == []
    assert chrome.fetched == []
    assert chrome.value("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("look", LOOKS)
def test_axe_objects_to_nothing_grave(chrome: Browser, report: Path, axe: str, look: str) -> None:
    chrome.open(report, **LOOKS[look])
    wait_for(lambda: chrome.value(DRAWN))
    found = violations(chrome, axe)
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


def test_axe_would_object(chrome: Browser, report: Path, axe: str) -> None:
    chrome.open(report)
    chrome.value(
        "document.body.insertAdjacentHTML('beforeend', '<button></button>"
        '<p style="color: #999; background: #aaa">words</p>\')'
    )
    assert {one["id"] for one in violations(chrome, axe)} == {"button-name", "color-contrast"}


def test_hostile_names_are_inert(chrome: Browser, report: Path) -> None:
    chrome.open(report)
    assert chrome.value("document.body.innerText.includes('alert(1)')")
    assert chrome.value("document.querySelectorAll('img, iframe, object, embed').length") == 0
    assert chrome.value(
        "[...document.querySelectorAll('*')].every((one) => [...one.attributes]"
        ".every((attribute) => !attribute.name.startsWith('on')))"
    )
    assert chrome.complaints == []


def names_of(chrome: Browser) -> list[str]:
    """The strategies of the first table, as they stand; the first group has several."""
    found = chrome.value(
        f"[...{FIRST_TABLE}.tBodies[0].querySelectorAll('tbody > tr:not(.group) a')]"
        ".map((one) => one.textContent)"
    )
    assert isinstance(found, list)
    return found


def heading(text: str) -> str:
    return (
        f"[...{FIRST_TABLE}.tHead.rows[0].cells]"
        f".find((one) => one.textContent.startsWith({text!r}))"
    )


def test_headings_sort_by_the_keyboard_too(chrome: Browser, report: Path) -> None:
    chrome.open(report)
    ratio = heading("ratio")
    before = names_of(chrome)
    chrome.value(f"{ratio}.querySelector('button').focus()")
    orders = []
    for _ in range(3):
        chrome.press("Enter", "\r")
        orders.append((chrome.value(f"{ratio}.getAttribute('aria-sort')"), names_of(chrome)))
    # base took 40 ms and clone 10 ms; what has no ratio comes last either way
    assert orders == [
        ("ascending", ["clone", "base", "skipped"]),
        ("descending", ["base", "clone", "skipped"]),
        (None, before),
    ]


def test_every_column_of_numbers_sorts_as_its_numbers_do(chrome: Browser, report: Path) -> None:
    chrome.open(report)
    texts = ["1.5 ms", "–", "2 s", "1/50\u202f000", "0.42×", "900 ns", "64 MiB", "1\u202f200", "7%"]
    values = chrome.value(
        f"{json.dumps(texts)}.map((text) => numberIn({{firstChild: {{textContent: text}}}}))"
    )
    expected = [1.5e-3, None, 2, 2e-5, 0.42, 9e-7, 64 * 2**20, 1200, 0.07]
    assert values == pytest.approx(expected, nan_ok=True)


def test_the_filter_leaves_what_has_all_its_words(chrome: Browser, report: Path) -> None:
    chrome.open(report)
    shown = "[...document.querySelectorAll('.cases tbody tr')].filter((one) => !one.hidden)"
    every = chrome.value(f"{shown}.length")
    chrome.value("document.querySelector('#page-cases .filter input').focus()")
    for letter in "clone 64":
        chrome.press(letter, letter)
    rows = chrome.value(f"{shown}.map((one) => one.innerText)")
    for row in some(rows):
        assert "clone" in row
        assert "64 MiB" in row
    said = chrome.value("document.querySelector('#page-cases [role=status]').textContent")
    assert said == f"{len(rows)} of {every} rows"
    # AND a link to a case that is hidden brings it back
    chrome.value("location.hash = '#page-case-1'")
    wait_for(lambda: chrome.value("!document.getElementById('page-case-1').hidden"))
    assert chrome.value(f"{shown}.length") == every


def test_buttons_copy_what_they_say(chrome: Browser, report: Path) -> None:
    chrome.open(report)
    chrome.value(
        "window.copied = []; Object.defineProperty(navigator, 'clipboard', "
        "{value: {writeText: async (text) => { copied.push(text); }}})"
    )
    row = "document.querySelector('#page-case-4')"
    said = chrome.value(
        f"(async (button) => {{ button.click(); await new Promise((done) => setTimeout(done)); "
        f"return button.textContent; }})({row}.querySelector('[data-text]'))"
    )
    assert said == "copied"
    chrome.value(f"{row}.querySelector('[data-source]').click()")
    chrome.value("document.querySelector('.gain[open] .copy').click()")
    command, code, gain = chrome.value("copied")
    assert command == (
        "ferrybench run moving/clone --quick --scenarios moving.py --set size=64MiB --set dtype=f4"
    )
    assert code.startswith("def clone(")
    assert gain == chrome.value("document.querySelector('.gain[open] pre').textContent")
    assert "Copied" in chrome.value("document.getElementById('page-said').textContent")


def test_sizes_switch_tables_and_links_open_code(chrome: Browser, report: Path) -> None:
    chrome.open(report)
    caption = "document.querySelector('.pane.shown caption').textContent"
    assert "64 MiB" in chrome.value(caption)
    chrome.value(
        "[...document.querySelectorAll('[data-sizes] button')]"
        ".find((one) => one.textContent === '1 MiB').click()"
    )
    assert "1 MiB" in chrome.value(caption)
    assert not chrome.value("document.getElementById('moving.clone').open")
    chrome.value("location.hash = '#moving.clone'")
    wait_for(lambda: chrome.value("document.getElementById('moving.clone').open"))
    chrome.value("location.hash = '#page-FB102'")
    wait_for(lambda: chrome.value("document.getElementById('page-FB102').open"))


def test_it_can_be_printed_without_controls(chrome: Browser, report: Path) -> None:
    chrome.open(report)
    chrome.call("Emulation.setEmulatedMedia", media="print")
    hidden = "nav, .switch, .copy, .filter, .cases td button"
    shown = chrome.value(
        f"[...document.querySelectorAll({hidden!r})].filter((one) => one.offsetParent).length"
    )
    chrome.call("Emulation.setEmulatedMedia", media="")
    assert shown == 0
    assert len(chrome.call("Page.printToPDF")["data"]) > 10_000


def test_without_scripts_everything_is_there(chrome: Browser, report: Path) -> None:
    chrome.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        chrome.open(report)
    finally:
        chrome.call("Emulation.setScriptExecutionDisabled", value=False)
    words = chrome.value("document.body.innerText")
    for text in ("4.0× faster", "the same figure is a PNG file", "FB102"):
        assert text in words
    assert chrome.value("[...document.querySelectorAll('.pane')].every((one) => one.offsetParent)")


@pytest.mark.parametrize("look", LOOKS)
def test_runs_side_by_side_are_silent_and_accessible(
    chrome: Browser, two_runs: Path, axe: str, look: str
) -> None:
    chrome.open(two_runs, **LOOKS[look])
    assert chrome.complaints == []
    assert chrome.fetched == []
    assert chrome.value("document.documentElement.scrollWidth <= innerWidth")
    assert [(one["id"], one["nodes"][0]["html"]) for one in violations(chrome, axe)] == []
