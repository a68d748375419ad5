"""Every wrong input is one clear line on stderr and the documented exit code."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import run
from harness.errors import EXIT_UNABLE, EXIT_USAGE
from tests.journals import planned, trial, write_run
from tests.some import some

Said = Callable[..., tuple[int, str]]


@pytest.fixture
def said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Said:
    """Run a command line in an empty folder; returns its exit code and its one line on stderr."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> tuple[int, str]:
        code = run(arguments)
        text = capsys.readouterr().err
        assert text.count("\n") == 1, text
        assert text.startswith("ferrybench: ")
        assert "Traceback" not in text
        return code, text

    return command


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rnu"], ["rnu"]),
        (["run", "--colour"], ["--colour"]),
        (["run", "--quick", "--full"], ["--quick", "--full"]),
        (["run", "--budget", "soon"], ["--budget", "'soon'", "5m"]),
        (["run", "--budget", "0s"], ["--budget", "'0s'"]),
        (["run", "--timeout", "-3"], ["--timeout"]),
        (["run", "--trials=-1"], ["--trials -1: give 0 or more", "memory and outcomes alone"]),
        (["run", "--trials", "many"], ["--trials", "many"]),
        (["run", "--set", "dtype"], ["--set dtype", "NAME=VALUE"]),
        (["run", "--set", "dtype=,"], ["--set dtype=,", "NAME=VALUE"]),
        (["run", "--host", "mine"], ["--host mine", "NAME:VARIABLE=VALUE"]),
        (["run", "--start", "teleport"], ["--start", "teleport", "fork"]),
        (["run", "--scenarios", "nowhere.py"], ["nowhere.py", "no such file"]),
        (["run", "--resume"], ["no journal in results/", "ferrybench run"]),
        (["run", "--resume", "--quick"], ["--resume", "as it was planned"]),
        (["run", "--resume", "-o", "gone.jsonl"], ["gone.jsonl", "cannot be read"]),
        (["matrix", "gone.jsonl"], ["gone.jsonl", "cannot be read"]),
        (
            ["matrix", "matrix_array_to_tensor"],
            ["is no journal but a scenario", "ferrybench run matrix_array_to_tensor"],
        ),
        (
            ["matrix", "preprocess/loop_in_place"],
            ["is no journal but a scenario", "ferrybench run preprocess/loop_in_place"],
        ),
        (["export"], ["no journal in results/"]),
        (["export", "gone.jsonl"], ["gone.jsonl"]),
        (["export", "--format", "xml"], ["--format", "xml", "csv"]),
    ],
)
def test_wrong_input_names_what_is_wrong(
    said: Said, arguments: list[str], words: list[str]
) -> None:
    code, text = said(*arguments)
    assert code == EXIT_USAGE
    for word in some(words):
        assert word in text


def test_nothing_is_overwritten_without_force(said: Said, tmp_path: Path) -> None:
    journal = write_run(tmp_path / "run.jsonl", [planned("base")], [trial(0, 0)])
    target = tmp_path / "out.csv"
    target.write_text("precious")
    code, text = said("export", str(journal), "-o", str(target))
    assert (code, target.read_text()) == (EXIT_USAGE, "precious")
    assert "--force" in text
    before = journal.read_bytes()
    code, text = said("run", "-o", str(journal))
    assert (code, journal.read_bytes()) == (EXIT_USAGE, before)
    assert run(["export", str(journal), "-o", str(target), "--force"]) == 0
    assert target.read_text().startswith("run_id,")


def test_an_unwritable_place_is_said(said: Said, tmp_path: Path) -> None:
    journal = write_run(tmp_path / "run.jsonl", [planned("base")], [trial(0, 0)])
    place = tmp_path / "file"
    place.write_text("not a folder")
    code, text = said("export", str(journal), "-o", str(place / "out.csv"))
    assert code == EXIT_UNABLE
    assert "out.csv cannot be written: Not a directory" in text


def test_a_damaged_journal_names_file_line_and_problem(said: Said, tmp_path: Path) -> None:
    journal = write_run(tmp_path / "run.jsonl", [planned("base")], [trial(0, 0)])
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(lines[0] + b"{nonsense\n" + lines[1])
    code, text = said("export", str(journal))
    assert code == EXIT_USAGE
    assert f"{journal}, line 2: damaged" in text


def test_a_half_written_last_line_is_tolerated_and_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    journal = write_run(tmp_path / "run.jsonl", [planned("base")], [trial(0, 0)])
    journal.write_bytes(journal.read_bytes()[:-10])
    assert run(["export", str(journal)]) == 0
    captured = capsys.readouterr()
    assert "last line is incomplete" in captured.err
    assert captured.out.startswith("run_id,")


def test_help_and_version_succeed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    for verb in ("list", "run", "report", "matrix", "export", "doctor"):
        assert verb in text
    assert run(["--version"]) == 0


@pytest.mark.new_hosts
def test_no_process_is_left_after_an_error(said: Said) -> None:
    import psutil

    before = psutil.Process(os.getpid()).children()  # hosts that other tests share
    said("run", "nothing_of_that_name")
    assert psutil.Process(os.getpid()).children() == before
