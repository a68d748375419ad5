"""A journal as a frame."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness
from harness.cases.quantities.registry import CASE_COLUMNS
from harness.errors import FerrybenchError
from tests.journals import planned, trial, write_run


def test_a_journal_becomes_a_frame(tmp_path: Path) -> None:
    cases = [planned("base", baseline=True), planned("other")]
    trials = [trial(index, number) for index in (0, 1) for number in range(3)]
    write_run(tmp_path / "run.jsonl", cases, trials)
    frame = harness.load(str(tmp_path / "run.jsonl"))
    assert list(frame["strategy"]) == ["base", "other"]
    assert set(CASE_COLUMNS) <= set(frame.columns)
    assert frame.attrs["remarks"] == []


def test_a_journal_that_was_cut_short_says_so(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    write_run(file, [planned("base", baseline=True)], [trial(0, number) for number in range(3)])
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.warns(UserWarning, match="the last line is incomplete"):
        frame = harness.load(file)
    assert len(frame.attrs["remarks"]) == 1


@pytest.mark.parametrize("content", [None, "not a journal\n"], ids=["none", "other"])
def test_what_is_no_journal_is_one_line(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "run.jsonl"
    if content is not None:
        file.write_text(content)
    with pytest.raises(FerrybenchError) as caught:
        harness.load(file)
    assert "\n" not in str(caught.value)
    assert "run.jsonl" in str(caught.value)
