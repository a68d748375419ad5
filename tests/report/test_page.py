"""The page: whole, offline, escaped, and with the numbers that were measured."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.journal.read import read_journal
from harness.report.content.content import content
from harness.report.content.machine import ceiling_table
from harness.report.pages.as_html import page
from harness.report.pages.highlighted_source import prose, script_json
from harness.report.pages.rendering import runtime
from tests.journals import MIB, ceiling, planned, trial, write_run
from tests.report.runs import EVIL, poor_runs, rich_run
from tests.some import some

VOID = {"meta", "br", "img", "link", "hr", "input"}
DRAWN = {"path"}  # self-closing, inside svg


class Page(HTMLParser):
    """A page taken apart: elements, their attributes, and texts by element."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self.unbalanced: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    @property
    def words(self) -> str:
        """What a reader sees."""
        shown = (text for tag, text in self.texts if tag not in ("script", "style"))
        return " ".join(" ".join(shown).split())


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return page(content(read_journal(rich_run(tmp_path_factory.mktemp("rich")))))


@pytest.fixture(scope="module")
def shown(source: str) -> Page:
    return Page(source)


def own(source: str) -> str:
    """The page without the charts' runtime, which is not ours to look through."""
    return source.replace(str(runtime()), "")


def test_elements_are_balanced_and_ids_unique(shown: Page) -> None:
    assert shown.unbalanced == []
    assert shown.open == []
    ids = Counter(attributes["id"] for _, attributes in shown.elements if "id" in attributes)
    assert [name for name, count in ids.items() if count > 1] == []


def test_every_link_leads_somewhere_on_the_page(shown: Page) -> None:
    ids = {attributes["id"] for _, attributes in shown.elements if "id" in attributes}
    links = [attributes["href"] for tag, attributes in shown.elements if tag == "a"]
    assert links
    assert {link.removeprefix("#") for link in links} <= ids


def test_nothing_is_fetched(source: str, shown: Page) -> None:
    for tag, attributes in some(shown.elements):
        assert tag not in ("link", "iframe", "object", "embed", "img", "base"), tag
        assert not {"src", "srcset", "data", "action"} & attributes.keys(), (tag, attributes)
    ours = own(source)
    assert not re.search(r"url\(|@import|\bimport\s*\(|fetch\(|XMLHttpRequest", ours)
    policy = [a["content"] for _, a in shown.elements if "http-equiv" in a]
    assert policy == [
        "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'unsafe-inline'; img-src data:"
    ]


def test_texts_of_users_are_shown_and_never_obeyed(source: str, shown: Page) -> None:
    assert "alert(1)" in shown.words
    assert "onerror" not in {name for _, attributes in shown.elements for name in attributes}
    scripts = [text for tag, text in shown.texts if tag == "script"]
    assert not any(text.strip().startswith("alert(1)") for text in scripts)
    assert EVIL not in source
    assert "<b>evil" not in source


def test_every_figure_has_its_specification(shown: Page) -> None:
    kinds = [attributes.get("type") for tag, attributes in shown.elements if tag == "script"]
    specifications = kinds.count("application/json")
    charts = sum(a.get("class") == "chart" for _, a in shown.elements)
    assert specifications == charts == 5
    texts = [t for tag, t in shown.texts if tag == "script" and t.startswith('{"$schema"')]
    assert all(json.loads(text)["description"] for text in texts)
    assert len(texts) == 5


def test_the_answer_comes_first_with_its_numbers(shown: Page) -> None:
    words = shown.words
    answer = "At 64 MiB, sharing the memory ( view ) takes 2.04 µs and no extra memory"
    assert answer in words
    assert words.index(answer) < words.index("Measured on")
    assert "`" not in words.partition("Opportunities 4 By what was saved")[0]


@pytest.mark.parametrize(
    "text",
    [
        "A Processor · virtual machine",
        "2.13.0+cpu",
        "Copying 1 20 GB/s 12 GB/s",
        "clone fastest ok 30 ms 10.2 ms 10.1–10.3 ms 0.25×",
        "crashes crash SIGABRT",
        "skipped skipped needs a thing, which is not installed",
        "2.00× ≠ 1.00×",  # copies, and what was declared
        "By dtype : f4, f8",
        "By host : default, huge",
        "Findings 1",
        "2.00× copied, 1.00× declared (and 2 more cases)",
        "Copies differ from the declared cost model FB102 1 finding 12 –",
        "Results that could not be verified in every respect FB101 passed 12 –",
        "No case here has anything to look at for FB103, FB106, FB107, FB108, FB110, FB111, FB114.",
        "2 end the process: two with layout step (f4, f8)",
        "which contains it with 75% here",
        "Memory on an accelerator",
    ],
)
def test_what_was_measured_is_on_the_page(shown: Page, text: str) -> None:
    assert text in shown.words


def test_cells_of_the_matrix_carry_their_messages(shown: Page) -> None:
    cells = [a for tag, a in shown.elements if tag == "td" and "data-tip" in a]
    assert Counter(a["class"] for a in cells) == {
        "cell shares": 2,
        "cell copies": 1,
        "cell aborts": 1,
    }
    assert any(a["data-tip"] == f"SIGABRT: {EVIL}" for a in cells)


def test_the_page_is_small(source: str) -> None:
    assert len(source.encode()) < 3e6
    assert len(own(source).encode()) < 150e3


@pytest.mark.parametrize(
    ("lack", "text"),
    [
        ("no cases", "Nothing was planned."),
        ("no trials", "This run is incomplete: it was cut off when 2 of 2 cases had not been"),
        ("no success", "all 2 cases ended as error: ValueError: no."),
        ("no second process", "other skipped not reached"),
        ("no size", "takes 1 ms and 1.00× the data in extra memory"),
        ("no groups", "By batch : 32, 64"),
        ("no ceilings", "No ceilings were measured"),
        ("no ceilings of this size", "measured at one size, which no case has"),
        ("too low a ceiling", "2 cases were faster than their ceiling by more than 5%"),
        ("no payload", "takes 1 ms"),
        ("no measuring scenario", "Of 8 conversions 6 work"),
    ],
)
def test_a_poor_run_still_makes_a_page(tmp_path: Path, lack: str, text: str) -> None:
    source = page(content(read_journal(poor_runs(tmp_path)[lack])))
    found = Page(source)
    assert text in found.words
    assert found.unbalanced == []
    assert not re.search(r"\bnan\b|\bNone\b|\bNaN\b", found.words)


@pytest.mark.parametrize(
    ("end", "words"), [("budget", "its budget was spent"), ("interrupted", "it was interrupted")]
)
def test_a_run_that_stopped_early_says_so_above_all(tmp_path: Path, end: str, words: str) -> None:
    text = Page(page(content(read_journal(rich_run(tmp_path, end=end))))).words
    assert text.index(f"This run is incomplete: {words}") < text.index("At 64 MiB")


def test_a_run_that_reached_every_case_but_not_every_process_does_not_count_none(
    tmp_path: Path,
) -> None:
    trials = [trial(index, number) for index in (0, 1) for number in range(4)]
    cases = [planned("base", baseline=True), planned("other")]
    run = read_journal(write_run(tmp_path / "run.jsonl", cases, trials[:-1], end="budget"))
    assert content(run).notices[0] == (
        "This run is incomplete: its budget was spent after 7 of 8 trials; every case was reached."
    )


def test_script_json_cannot_end_its_element() -> None:
    text = str(script_json({"name": EVIL, "line": "\u2028"}))
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"name": EVIL, "line": "\u2028"}


def test_not_a_number_is_refused_rather_than_written_as_broken_json() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        script_json({"value": float("nan")})


def test_prose_is_escaped_before_it_is_marked_up() -> None:
    assert prose("`a<b` and **c**") == "<code>a&lt;b</code> and <strong>c</strong>"


def test_works_that_write_more_or_less_have_ceilings_of_their_own(tmp_path: Path) -> None:
    made = [
        ceiling("copy", 2e9, MIB),
        ceiling("copy", 3e9, MIB, written=MIB // 2),
        ceiling("copy", 4e9, 4 * MIB, written=2 * MIB),
        ceiling("read", 5e9, MIB, written=0),
    ]
    run = read_journal(write_run(tmp_path / "run.jsonl", [planned("base")], [trial(0, 0)]))
    table = ceiling_table(run, made)
    assert table is not None
    assert {name: rates for name, _, rates in table.rows} == {
        "Copying, writing 1.00× what is read": ("2 GB/s", "–"),
        "Copying, writing 0.50× what is read": ("3 GB/s", "4 GB/s"),
        "Read": ("5 GB/s", "–"),
    }


@pytest.mark.parametrize(
    ("load", "said"), [(None, "busy with other work at the start is not known"), (0.1, "")]
)
def test_a_load_that_is_not_known_is_not_taken_for_an_idle_machine(
    load: float | None, said: str, tmp_path: Path
) -> None:
    run = read_journal(write_run(tmp_path / "run.jsonl", [planned("base")], [trial(0, 0)]))
    environment = replace(run.header.environment, load_1m=load)
    run = replace(run, header=replace(run.header, environment=environment))
    told = " ".join(content(run).notices)
    assert said in told
    assert ("at the start" in told) == bool(said)


@pytest.mark.parametrize("rate", [0.0, 2e9])
def test_ceilings_that_could_not_be_measured_are_none(rate: float, tmp_path: Path) -> None:
    tried = [replace(ceiling("copy", 0.0), note="not measured: it took too long")]
    path = write_run(
        tmp_path / "run.jsonl",
        [planned("base")],
        [trial(0, number) for number in range(3)],
        ceilings=[*tried, ceiling("read", rate)],
    )
    told = " ".join(content(read_journal(path)).notices)
    assert ("No ceilings were measured" in told) == (rate == 0)
