"""Verdicts on a terminal, narrow or wide, and in a log."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from harness.cli.verdicts import INDENT, show_verdicts, verdicts_of
from harness.console import Plain
from harness.journal.read import read_journal
from tests.journals import planned, trial, write_run

LINE = "moving at 1 MiB: if you need your own copy, other: 2.0× faster than base, [not markup]"


def shown(width: int, *, terminal: bool) -> list[str]:
    stream = io.StringIO()
    console = Plain(file=stream, width=width, force_terminal=terminal)
    show_verdicts([LINE], console)
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("width", [20, 80, 300])
def test_in_a_log_a_verdict_is_one_line(width: int) -> None:
    assert shown(width, terminal=False) == [LINE]


@pytest.mark.parametrize("width", [45, 60, 300])
def test_on_a_terminal_it_is_folded_to_its_width(width: int) -> None:
    first, *rest = shown(width, terminal=True)
    assert all(len(line) <= width for line in (first, *rest))
    assert all(line.startswith(INDENT) for line in rest)
    assert " ".join([first, *(line.strip() for line in rest)]) == LINE
    assert bool(rest) == (width < len(LINE))


def test_each_scenario_of_a_run_has_one(tmp_path: Path) -> None:
    cases = [planned("base", baseline=True)]
    trials = [trial(0, number) for number in range(4)]
    run = read_journal(write_run(tmp_path / "run.jsonl", cases, trials))
    (line,) = verdicts_of(run)
    assert line.startswith("moving at 1 MiB: ")
