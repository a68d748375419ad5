"""What pages and summaries say of loaders and process trees."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.journal.read import read_journal
from harness.report.content.content import Content, content
from harness.report.content.variations import variations
from harness.report.pages.as_html import page
from harness.report.pages.as_markdown import summary
from tests.report.loader_runs import ARTICLE, batching_run, everything
from tests.report.runs import rich_run
from tests.report.test_page import Page


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Content:
    return content(read_journal(everything(tmp_path_factory.mktemp("every"))))


@pytest.fixture(scope="module")
def shown(every: Content) -> Page:
    return Page(page(every))


def test_the_page_is_whole(shown: Page) -> None:
    assert shown.unbalanced == []
    assert shown.open == []
    assert not re.search(r"\bnan\b|\bNone\b|\bNaN\b", shown.words)
    links = [attributes["href"] for tag, attributes in shown.elements if tag == "a"]
    ids = {attributes["id"] for _, attributes in shown.elements if "id" in attributes}
    assert {link.removeprefix("#") for link in links} <= ids


@pytest.mark.parametrize(
    "text",
    [
        "first batch per sample ratio",
        "batched fastest ok 6.78 ms 1.02 µs 1.01–1.03 µs 0.33×",
        "early as published error RuntimeError",
        "copies whole tree open files shares",
        "mapped leanest ok",
        "What to use, with sample_cost_us 10 µs",
        "paying, sample_cost_us 10 µs: small figures",
        "when use whole tree adding up RSS per sample",
        "By start_method : fork, spawn",
        "with num_workers=1. Time per sample, and the ratio to the baseline with the same values.",
        "Growth of the whole process tree, in multiples of the data.",
        "3 timed, 1 watched for memory, 1 with its workers",
        "is the time of a whole later epoch",
        "Its memory is summed as PSS",
        "what workers cost each other's caches",
    ],
)
def test_what_was_measured_is_on_the_page(shown: Page, text: str) -> None:
    assert text in shown.words


def test_the_article_is_named_where_a_strategy_is_as_published(shown: Page) -> None:
    titles = [a["title"] for _, a in shown.elements if a.get("title") == ARTICLE]
    assert len(titles) == 2 * 2 + 2  # two strategies: at both sizes, and beside their code
    assert ARTICLE not in shown.words


def test_runs_without_loaders_are_told_nothing_of_them(tmp_path: Path) -> None:
    words = Page(page(content(read_journal(rich_run(tmp_path))))).words
    assert not re.search(r"epoch|PSS|per sample|whole tree", words)


def test_variations_show_time_per_sample(tmp_path: Path) -> None:
    made = content(read_journal(batching_run(tmp_path)))
    tables = {table.title: table for table in variations(made.scenarios[0].sweep)}
    assert list(tables) == ["sample_bytes", "batch_size", "num_workers", "start_method"]
    rows = dict(tables["num_workers"].rows)
    assert tables["num_workers"].columns == ("0", "1", "4")
    assert list(rows) == ["plain", "batched", "printed"]  # views have no workers
    entry = rows["plain"][0]
    assert entry is not None
    assert (entry.text, entry.range) == ("3.06 µs", "")
    assert entry.tip == "6.27 ms an epoch of 32 batches, 2\u202f048 samples"
    started = dict(tables["start_method"].rows)["plain"]
    assert [entry.text for entry in started] == ["13 µs", "103 µs"]
    assert made.scenarios[0].further == ()


def test_the_summary_tells_samples_and_trees(every: Content) -> None:
    text = summary(every)
    assert "nan" not in text
    for line in (
        "| when | strategy | per sample at 32 MiB | against the baseline | first batch "
        "| extra memory | copies |",
        "| when | strategy | whole tree at 32 MiB | adding up RSS | processes | first batch |",
        "| among block | `mapped` | 0.40× | 1.20× | 3 | 114 ms |",
        "| baseline | `plain` | 3.06 µs (3.03–3.09 µs) | – | 20.2 ms | 0.25× | 0.25× |",
    ):
        assert line in text
