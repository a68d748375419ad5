"""Files are written whole or not at all, and never over what the same command reads."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import run
from harness.errors import EXIT_OK, EXIT_UNABLE, EXIT_USAGE, UnableError
from harness.files.writing import write_whole
from tests.full_disk import room_for
from tests.journals import planned, trial, write_run
from tests.some import some


def journal(folder: Path, name: str = "run.jsonl") -> Path:
    trials = [trial(case, number) for case in (0, 1) for number in (0, 1)]
    return write_run(folder / name, [planned("base"), planned("other")], trials)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_several_files_are_replaced_all_or_none(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    write_whole({first: b"old", second: b"old"})
    with room_for(10), pytest.raises(UnableError, match="second cannot be written: File too large"):
        write_whole({first: b"new", second: bytes(100)})
    assert contents(tmp_path) == {str(first): b"old", str(second): b"old"}
    write_whole({first: b"new", second: bytes(100)})
    assert contents(tmp_path) == {str(first): b"new", str(second): bytes(100)}


def test_a_link_stays_one_and_a_file_keeps_who_may_read_it(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    real.chmod(0o600)
    link.symlink_to(real)
    write_whole({link: b"new"})
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


def test_what_keeps_nothing_is_written_to(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    write_whole({Path(f"/dev/fd/{write_end}"): b"through a pipe", Path("/dev/null"): b"gone"})
    os.close(write_end)
    assert os.read(read_end, 100) == b"through a pipe"
    os.close(read_end)
    assert Path("/dev/null").is_char_device()


COMMANDS: tuple[tuple[str, ...], ...] = (
    ("export", "JOURNAL", "-o", "OUT", "--force"),
    ("export", "JOURNAL", "--format", "pytest-benchmark", "-o", "OUT", "--force"),
    ("compare", "JOURNAL", "OTHER", "--markdown", "OUT", "--force"),
    ("compare", "JOURNAL", "OTHER", "--junit", "OUT", "--force"),
    ("history", "JOURNAL", "-o", "OUT", "--force"),
)
SUSPECTS = ("compare", "JOURNAL", "OTHER", "--suspects", "OUT", "--force")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_full_disk_leaves_what_was_there(
    command: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"JOURNAL": journal(tmp_path), "OTHER": journal(tmp_path, "other.jsonl")}
    out = tmp_path / "out"
    out.write_text("good")
    before = contents(tmp_path)
    with room_for(30):
        code = run([str({**given, "OUT": out}.get(one, one)) for one in command])
    assert code == EXIT_UNABLE
    assert f"{out} cannot be written: File too large\n" in capsys.readouterr().err
    assert contents(tmp_path) == before


def test_a_full_disk_leaves_a_report_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, folder = journal(tmp_path), tmp_path / "report"
    with room_for(100_000):
        assert run(["report", str(path), "-o", str(folder)]) == EXIT_UNABLE
    assert "index.html cannot be written: File too large\n" in capsys.readouterr().err
    assert list(folder.iterdir()) == []
    assert run(["report", str(path), "-o", str(folder)]) == EXIT_OK
    before = contents(folder)
    with room_for(100_000):
        assert run(["report", str(path), "-o", str(folder), "--force"]) == EXIT_UNABLE
    assert contents(folder) == before


def by_its_name(path: Path, folder: Path) -> Path:
    return path


def by_a_link(path: Path, folder: Path) -> Path:
    link = folder / "link"
    link.symlink_to(path)
    return link


def by_a_second_name(path: Path, folder: Path) -> Path:
    link = folder / "second"
    link.hardlink_to(path)
    return link


def by_a_detour(path: Path, folder: Path) -> Path:
    return path.parent / ".." / path.parent.name / path.name


@pytest.mark.parametrize("named", [by_its_name, by_a_link, by_a_second_name, by_a_detour])
def test_what_is_read_is_never_written(
    named: Callable[[Path, Path], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, other = journal(tmp_path), journal(tmp_path, "other.jsonl")
    target = named(path, tmp_path)
    before = contents(tmp_path)
    for command in some((*COMMANDS, SUSPECTS)):
        given = {"JOURNAL": path, "OTHER": other, "OUT": target}
        assert run([str(given.get(one, one)) for one in command]) == EXIT_USAGE, command
        assert "is read by this command; write to another file" in capsys.readouterr().err
    assert contents(tmp_path) == before


def test_files_of_the_user_s_own_are_read_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import numpy as np

    array, raw = tmp_path / "x.npy", tmp_path / "x.bin"
    cases, module = tmp_path / "cases", tmp_path / "mine.py"
    np.save(array, np.zeros((4, 4), "f4"))
    raw.write_bytes(bytes(64))
    cases.write_text("tensor_from_array/from_numpy size=1\n")
    module.write_text("from harness import Scenario\n")
    before = contents(tmp_path)
    for command in (
        ("run", "--npy", str(array), "-o", str(array), "--force"),
        ("run", "--raw", str(raw), "--dtype", "u1", "--shape", "8,8", "-o", str(raw), "--force"),
        ("run", "--only", str(cases), "-o", str(cases), "--force"),
        ("run", "--scenarios", str(module), "-o", str(module), "--force"),
        ("tune", f"{module}:make_loader", "-o", str(module), "--force"),
        ("tune", f"{module}:make_loader", "--timeline", str(module), "--force"),
        ("ab", "--candidate", "A=1", "--scenarios", str(module), "-o", str(module), "--force"),
        ("doctor", "--calibrate", "--scenarios", str(module), "-o", str(module), "--force"),
    ):
        assert run(command) == EXIT_USAGE, command
        assert "is read by this command" in capsys.readouterr().err
    assert contents(tmp_path) == before


def test_two_outputs_are_two_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = journal(tmp_path), str(tmp_path / "out")
    assert run(["compare", str(path), str(path), "--markdown", out, "--junit", out]) == EXIT_USAGE
    assert "is named for two outputs" in capsys.readouterr().err
    assert not Path(out).exists()
