"""Columns: which a table has, and that page and summary take them from one place."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.journal.read import read_journal
from harness.report.content import columns
from harness.report.content.choices import CHOICE_COLUMNS, SUMMARY_COLUMNS
from harness.report.content.columns import STRATEGY_COLUMNS, Cell, Column, chosen
from harness.report.content.content import Content, content
from harness.report.pages.as_html import page
from harness.report.pages.as_markdown import summary
from harness.report.words.kinds import kind_of
from tests.report.file_runs import feeding_run, limiting_run
from tests.report.loader_runs import holding_run
from tests.report.runs import rich_run
from tests.some import some


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Content:
    return content(read_journal(rich_run(tmp_path_factory.mktemp("rich"))))


def test_a_column_changed_in_one_place_changes_page_and_summary(
    rich: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(vars(columns.PEAK), "heading", "peak of a test")
    assert page(rich).count("peak of a test") == 3  # two sizes, and what to use
    assert summary(rich).count("peak of a test") == 1


def test_a_column_without_anything_to_show_is_left_out(rich: Content) -> None:
    sweep = rich.scenarios[0].sweep
    shown = [column.head(sweep) for column in chosen(STRATEGY_COLUMNS, sweep, sweep.main)]
    assert "shares" in shown
    assert "whole tree" not in shown
    assert "stalled" not in shown


def test_every_line_is_as_wide_as_its_table(tmp_path: Path) -> None:
    for made in (feeding_run, limiting_run, holding_run, rich_run):
        found = content(read_journal(made(tmp_path)))
        for scenario in some(found.scenarios):
            tables = [pane.table for pane in scenario.panes]
            if scenario.limits:
                tables += [scenario.limits.found, scenario.limits.failing]
            lines = [(one, line) for one in tables for group in one.groups for line in group.lines]
            assert lines
            for table, line in lines:
                width = sum(cell.width for _, cell in line.cells)
                assert width == (len(table.columns) if line.row.ok else 0)


def test_every_kind_of_scenario_has_columns(tmp_path: Path) -> None:
    kinds = set()
    for made in (feeding_run, limiting_run, holding_run, rich_run):
        for scenario in some(content(read_journal(made(tmp_path))).scenarios):
            kind = kind_of(scenario.sweep)
            kinds.add(kind)
            for chosen_columns in (CHOICE_COLUMNS[kind], SUMMARY_COLUMNS[kind]):
                assert all(column.head(scenario.sweep) for column in chosen_columns)
    assert kinds == {"time", "training", "memory", "size"}


def test_a_cell_in_one_text_has_its_interval_behind_it() -> None:
    assert Cell("12 ms", "11–13 ms").whole == "12 ms (11–13 ms)"
    assert Cell("12 ms").whole == "12 ms"


def test_a_cell_may_cover_the_next_columns() -> None:
    wide = Column("first", lambda _: Cell("all", width=2))
    covered = Column("second", lambda _: None)
    found = columns.cells((wide, covered), None)  # type: ignore[arg-type]  # no cell asks for it
    assert [(column.heading, cell.text) for column, cell in found] == [("first", "all")]
