"""No cell of a CSV file is a formula to a spreadsheet; everything else is as it was."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
import pytest

from harness.formats.csv import write
from harness.formats.open_results import read_run
from tests.journals import planned, trial, write_run


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", r"\r=1"),
        ("\n=1", "'\n=1"),
        ("a\x1b[2J", r"a\x1b[2J"),
        ("-1.5e3", "-1.5e3"),
        ("+7", "+7"),
        ("-inf", "-inf"),
        ("plain - text", "plain - text"),
        ("", ""),
    ],
)
def test_a_cell_that_would_be_a_formula_begins_with_an_apostrophe(
    text: str, written: str, tmp_path: Path
) -> None:
    run = read_run(write_run(tmp_path / "run.jsonl", [planned("base")], [trial(0, 0)]))
    frame = pd.DataFrame({"name": [text, "other"], "n": [-1, 2], "x": [-0.5, float("nan")]})
    frame[f"param.{text}"] = [True, None]
    stream = io.StringIO()
    assert write(run, frame, stream) == 2
    head, first, second = csv.reader(io.StringIO(stream.getvalue(), newline=""))
    assert first[:3] == [written, "-1", "-0.5"]
    assert second[:3] == ["other", "2", ""]
    assert head[:3] == ["name", "n", "x"]
