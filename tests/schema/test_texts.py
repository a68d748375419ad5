"""Names and messages of anybody's, as they are shown and as names of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.schema.records import Outcome, Trial
from harness.schema.texts import LONGEST_SHOWN, as_file_name, clipped, one_line, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain µs × größer 你好", "plain µs × größer 你好"),
        ("a\x1b[31mred", r"a\x1b[31mred"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("back\x08\x7f\x00", r"back\x08\x7f\x00"),
        ("over\rwritten", r"over\rwritten"),
        ("txt\u202egpj.exe", r"txt\u202egpj.exe"),
        ("\ud800", r"\ud800"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
    ],
)
def test_what_would_command_a_terminal_is_visible(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(shown) == shown


def test_one_line_is_one() -> None:
    for text in ("a\nb", "a\r\nb", " a \n\n b ", "a\n\tb"):
        assert one_line(text) == "a b"
    assert one_line("a\u2028b") == r"a\u2028b"


def test_long_names_that_differ_anywhere_are_shown_differently() -> None:
    names = ["x" * 10_000, "x" * 9_999 + "y", "x" * 9_999]
    shown = [clipped(name) for name in names]
    assert len(set(shown)) == len(names)
    assert max(map(len, shown)) <= LONGEST_SHOWN
    assert clipped("x" * LONGEST_SHOWN) == "x" * LONGEST_SHOWN


NAMES = [
    "../../x",
    "/etc/passwd",
    "..",
    ".",
    "",
    "a/b",
    "a\0b",
    "a\nb",
    "-rf",
    ".hidden",
    "C:\\x",
    "~root",
    "x" * 10_000,
    "你" * 200,
    "\ud800",
]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:20])
def test_a_name_becomes_a_file_of_the_folder_it_is_put_in(name: str, tmp_path: Path) -> None:
    given = as_file_name(name)
    path = tmp_path / f"{given}.png"
    path.write_bytes(b"")
    assert path.resolve().parent == tmp_path.resolve()
    assert given
    assert not given.startswith((".", "-"))
    assert as_file_name(name) == given != as_file_name(f"{name}/")


def test_usual_names_stay_as_they_are() -> None:
    for name in ("20260101-000000-abc123", "0001_base", "messung-ü", "v1.2"):
        assert as_file_name(name) == name


def test_what_was_raised_commands_no_terminal_wherever_it_is_told() -> None:
    """By a run, a measurement in a user's own process, the pytest plugin."""
    found = Outcome("error", "ValueError: \x1b[2J\ud800", where="mine.py:1: x = '\x9b'")
    assert found.reason == r"ValueError: \x1b[2J\ud800"
    assert found.where == r"mine.py:1: x = '\x9b'"
    one = Trial(case=0, kind="time", round=0, outcome=found, warnings=("\x1b]0;x\x07",))
    assert one.warnings == (r"\x1b]0;x\x07",)
