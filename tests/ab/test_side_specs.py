"""How the sides of an A/B run are written."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from harness.ab.spec import parse_side
from harness.errors import UsageError


def test_nothing_is_this_interpreter() -> None:
    side = parse_side("", "--base")
    assert side.label == "this interpreter"
    assert side.host("base").python == ""


def test_parts_add_up(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    side = parse_side(f"{sys.executable},OMP_NUM_THREADS=4,path={tmp_path}", "--base")
    host = side.host("base", Path(side.path))
    assert host.python == sys.executable
    assert host.env["OMP_NUM_THREADS"] == "4"
    assert host.env["PYTHONPATH"].split(os.pathsep)[:2] == [str(tmp_path), str(tmp_path / "src")]


def test_a_virtual_environment_stands_for_its_interpreter(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    assert parse_side(str(tmp_path), "--base").python == str(tmp_path / "bin" / "python")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nowhere/python", "does not exist"),
        ("a-b=1", "write an interpreter"),
        ("path=/nowhere", "no such folder"),
        ("path=.,rev=HEAD", "exclude each other"),
    ],
)
def test_what_is_no_side_is_told(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_side(text, "--candidate")


def test_a_folder_without_an_interpreter_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a virtual environment"):
        parse_side(str(tmp_path), "--base")
