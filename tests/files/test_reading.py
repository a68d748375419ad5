"""A file that may be anything is read within bounds, or refused in one line."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from harness.cli import run
from harness.cli.options import latest_journal
from harness.errors import EXIT_OK, EXIT_USAGE, UsageError
from harness.files import reading
from harness.files.reading import line_of, opened, rest_of
from harness.formats.open_results import read_run
from tests.journals import planned, trial, write_run
from tests.some import some


def journal(folder: Path) -> Path:
    return write_run(folder / "run.jsonl", [planned("base")], [trial(0, 0), trial(0, 1)])


def read(path: Path) -> bytes:
    with opened(path) as stream:
        return rest_of(stream, path)


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "pipe.jsonl"
    os.mkfifo(path)
    return path


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(
    fifo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = str(journal(tmp_path))
    commands = (
        ["export", str(fifo)],
        ["compare", str(fifo), good],
        ["compare", good, good, "--calibration", str(fifo)],
        ["report", str(fifo)],
        ["matrix", str(fifo)],
        ["history", str(fifo)],
        ["run", "--resume", "-o", str(fifo)],
        ["run", "--only", str(fifo)],
    )
    for command in some(commands):
        assert run(command) == EXIT_USAGE, command
        assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_with_such_a_pipe_is_looked_through(fifo: Path, tmp_path: Path) -> None:
    good = journal(tmp_path)
    assert latest_journal(fifo.parent) == good
    assert run(["history", str(tmp_path)]) != EXIT_USAGE


def test_a_pipe_that_something_writes_to_is_read_once(tmp_path: Path) -> None:
    data = journal(tmp_path).read_bytes()
    read_end, write_end = os.pipe()
    assert os.write(write_end, data) == len(data)  # less than a pipe holds
    os.close(write_end)
    try:
        assert len(read_run(Path(f"/dev/fd/{read_end}")).trials) == 2
    finally:
        os.close(read_end)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    address = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(address))
        for path in (Path("/dev/zero"), Path("/dev/full"), tmp_path, address, Path("a\0b")):
            with pytest.raises(UsageError, match="cannot be read: "):
                read(path)


def test_what_is_refused_is_not_left_open(tmp_path: Path) -> None:
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    for path in (Path("/dev/zero"), tmp_path, tmp_path / "none"):
        with pytest.raises(UsageError, match="cannot be read: "):
            read(path)
    assert len(list(descriptors.iterdir())) == before


def test_what_goes_wrong_with_the_content_is_not_taken_for_the_file(tmp_path: Path) -> None:
    path = journal(tmp_path)
    with pytest.raises(ValueError, match="got `null`"), opened(path):
        raise ValueError("Expected `int`, got `null`")


def test_no_more_is_read_than_anything_of_ours_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "long.jsonl"
    path.write_bytes(b"x" * 2000 + b"\n")
    monkeypatch.setattr(reading, "LONGEST_LINE", 1000)
    monkeypatch.setattr(reading, "MOST_BYTES", 1500)
    with opened(path) as stream, pytest.raises(UsageError, match="a line of more than"):
        line_of(stream, path)
    with pytest.raises(UsageError, match="larger than"):
        read(path)
    monkeypatch.setattr(reading, "MOST_BYTES", 2001)
    assert len(read(path)) == 2001


def test_a_journal_is_read_line_by_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer as a whole than what is read at once of any other file."""
    path = journal(tmp_path)
    longest = max(map(len, path.read_bytes().splitlines(keepends=True)))
    monkeypatch.setattr(reading, "MOST_BYTES", 1)
    monkeypatch.setattr(reading, "LONGEST_LINE", longest)
    assert len(read_run(path).trials) == 2
    assert run(["export", str(path)]) == EXIT_OK
