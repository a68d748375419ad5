"""A user's file is imported as it would be run, and left as it is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.schema.profile import FileProfileRequest, Watching
from harness.trial.profiling.targets import file_target

MINE = """\
import sys

import beside_mine_left_alone as beside


def called():
    return beside.NUMBER, sys.argv
"""


def test_a_file_is_imported_as_it_would_be_run_and_nothing_is_left_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "argv", ["ferrybench", "profile"])
    mine, beside = tmp_path / "mine_left_alone.py", tmp_path / "beside_mine_left_alone.py"
    mine.write_text(MINE)
    beside.write_text("NUMBER = 7\n")
    target = file_target(FileProfileRequest(str(mine), "called", (), Watching("lines")))
    assert target.call() == (7, [str(mine)])
    assert set(tmp_path.iterdir()) == {mine, beside}
