"""The summary for pull requests: short, valid Markdown, and with the numbers."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from harness.formats.markdown import cell, escape, table_row
from harness.journal.read import read_journal
from harness.report.content.content import content
from harness.report.pages.as_markdown import summary
from tests.report.runs import poor_runs, rich_run


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    return summary(content(read_journal(rich_run(tmp_path_factory.mktemp("rich")))))


def tables(text: str) -> list[list[str]]:
    found = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    return [table.splitlines() for table in found]


def test_tables_are_rectangular(text: str) -> None:
    (table,) = tables(text)
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table}
    assert len(widths) == 1
    assert re.fullmatch(r"\|( -*-:? \|)+", table[1])


def test_the_best_of_each_group_stands_beside_the_baseline(text: str) -> None:
    (table,) = tables(text)
    assert table[2:] == [
        "| baseline | `base` | 40.8 ms (40.4–41.2 ms) | – | 120 ms | 1.00× | 1.00× |",
        "| if you need your own copy | `clone` | 10.2 ms (10.1–10.3 ms) | 4.0× faster | 30 ms "
        "| 2.00× | 2.00× |",
        "| if the memory may be shared | `view` | 2.04 µs (2.02–2.06 µs) "
        "| 20\u202f000× faster | 6 µs | 0× | 0× |",
        "| if the data may go into memory you keep | `kept` | 8.16 ms (8.08–8.24 ms) "
        "| 5.0× faster | 24 ms | 0× | 0× |",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "- [FB102](index.html#page-FB102) cost model: `clone` (moving, 64 MiB), "
        "2.00× copied, 1.00× declared",
        "A better way than the usual one was measured for 1 of 1 question.",
        "- [FB001](index.html#page-FB001) moving at 64 MiB: use `view`, "
        "if the memory may be shared; saves 40.8 ms a call (40.4–41.2 ms)",
        "16 cases: 12 ok, 2 crash, 2 skipped.",
        "torch 2.13.0+cpu",
        "2 end the process: `two` with layout step (f4, f8).",
        "At 64 MiB, sharing the memory (`view`) takes 2.04 µs",
    ],
)
def test_the_rest_is_told_in_a_line_each(text: str, line: str) -> None:
    assert line in text


def test_a_run_that_stopped_early_says_so_first(tmp_path: Path) -> None:
    run = read_journal(rich_run(tmp_path, end="budget"))
    lines = summary(content(run)).splitlines()
    assert lines[2].startswith("> This run is incomplete: its budget was spent")


def test_poor_runs_are_summed_up_too(tmp_path: Path) -> None:
    runs = poor_runs(tmp_path)
    assert runs
    for lack, path in runs.items():
        text = summary(content(read_journal(path)))
        assert "nan" not in text, lack
        assert text.startswith("## ferrybench: 20260101-000000-abc123\n"), lack


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("array_from_tensor", "array_from_tensor"),
        ("_emphasis_ *strong* <b>", "\\_emphasis\\_ \\*strong\\* \\<b\\>"),
        ("a|b [x](y) #1 &amp;", "a\\|b \\[x\\](y) \\#1 \\&amp;"),
        ("`code_*` and *not*", "`code_*` and \\*not\\*"),
        ("one ` alone", "one \\` alone"),
        ("```<b>`x", "\\`\\`\\`\\<b\\>\\`x"),
    ],
)
def test_markup_in_texts_is_escaped(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@pytest.mark.parametrize(
    "text", ["<b>", "`a|b`", "```<b>`x", "a ``<b>`c", "``` `<b>` `", "\\`<b>`", "`<b>` | `<b>"]
)
def test_no_text_is_html_or_ends_its_cell(text: str) -> None:
    markdown = MarkdownIt("commonmark").enable("table")
    shown = markdown.render(f"| a | b |\n|---|---|\n{table_row([cell(text), 'end'])}\n")
    assert "<b>" not in shown
    assert shown.count("<td>") == 2
    assert "<td>end</td>" in shown
    said = html.unescape(re.sub("</?code>", "`", shown.split("</td>")[0].rpartition("<td>")[2]))
    assert said == text
