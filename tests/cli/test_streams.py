"""Where nothing can be written any more, a command ends as it would have, or says so in a line."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import termios
import time
import warnings
from array import array
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from harness.cli import main, run
from harness.errors import EXIT_NOT_JUDGED, EXIT_OK, EXIT_UNABLE, EXIT_USAGE, EXIT_WORSE
from harness.journal.read import read_journal
from harness.schema.records import Outcome
from tests.journals import planned, trial, write_run
from tests.some import some

FULL = "ferrybench: standard output cannot be written: No space left on device\n"
CLOSED = "ferrybench: standard output cannot be written: Bad file descriptor\n"


@dataclass(frozen=True)
class Done:
    """What became of a command, and what it wrote where it could."""

    code: int
    out: str
    err: str


def ferrybench(arguments: list[str], *, out: str = "", err: str = "") -> Done:
    """A command line in a process of its own.

    Args:
        arguments: the same.
        out: what is wrong with its standard output: it is "full", "unread" or "closed".
        err: the same of standard error.
    """
    with TemporaryFile() as written, TemporaryFile() as said, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads
        pid = os.fork()
        if pid == 0:
            code = 99
            try:
                _spoil(1, out, written.fileno())
                _spoil(2, err, said.fileno())
                main(arguments)
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 98
            finally:
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        for stream in (written, said):
            stream.seek(0)
        code = os.waitstatus_to_exitcode(status)
        return Done(code, written.read().decode(), said.read().decode())


def _spoil(descriptor: int, how: str, file: int) -> None:
    os.dup2(file, descriptor)
    if how == "closed":
        os.close(descriptor)
    elif how == "full":
        os.dup2(os.open("/dev/full", os.O_WRONLY), descriptor)
    elif how == "unread":
        read_end, write_end = os.pipe()
        os.close(read_end)
        os.dup2(write_end, descriptor)


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[str]]:
    """A command line that prints something, by the code that it ends with."""
    folder = tmp_path_factory.mktemp("journals")
    base, broken = (
        write_run(folder / f"{name}.jsonl", [planned("base")], [trial(0, 0, outcome=outcome)])
        for name, outcome in (("base", Outcome("ok")), ("broken", Outcome("error", "no")))
    )
    timed = write_run(folder / "timed.jsonl", [planned("base")], [])
    found = {
        EXIT_OK: ["export", str(base)],
        EXIT_WORSE: ["compare", str(base), str(broken)],
        EXIT_NOT_JUDGED: ["compare", str(timed), str(timed)],
    }
    for arguments in found.values():
        run(arguments)  # so that what it imports need not be imported by each that is forked
    return found


def test_what_nobody_reads_is_dropped_and_the_code_stays(commands: dict[int, list[str]]) -> None:
    for code, arguments in some(commands.items()):
        usual = ferrybench(arguments)
        assert (usual.code, usual.out == "") == (code, False)
        assert ferrybench(arguments, out="unread") == Done(code, "", usual.err)
        assert ferrybench(arguments, err="unread") == Done(code, usual.out, "")
    for arguments in (["--help"], ["compare", "--help"]):
        assert ferrybench(arguments, out="unread") == Done(EXIT_OK, "", "")


def test_a_full_device_is_one_line_and_never_says_worse(commands: dict[int, list[str]]) -> None:
    helps = (["--help"], ["run", "--help"], ["--version"])
    for arguments in some((*commands.values(), *helps)):
        assert ferrybench(arguments, out="full") == Done(EXIT_UNABLE, "", FULL)
        assert ferrybench(arguments, out="full", err="full") == Done(EXIT_UNABLE, "", "")


def test_a_mistake_is_told_though_standard_output_is_full() -> None:
    done = ferrybench(["rnu"], out="full")
    assert done.code == EXIT_USAGE
    assert FULL not in done.err
    assert ferrybench(["rnu"], err="full").code == EXIT_USAGE


def test_what_is_closed_takes_no_other_file_s_place(
    commands: dict[int, list[str]], tmp_path: Path
) -> None:
    assert ferrybench(commands[EXIT_OK], out="closed") == Done(EXIT_UNABLE, "", CLOSED)
    out = tmp_path / "out.csv"
    whole = ferrybench(commands[EXIT_OK]).out
    for streams in some(({"out": "closed"}, {"err": "closed"}, {"out": "closed", "err": "closed"})):
        done = ferrybench([*commands[EXIT_OK], "-o", str(out), "--force"], **streams)
        assert done.code == EXIT_OK  # nothing was to be printed there but a remark
        assert out.read_text() == whole


def test_what_an_encoding_lacks_is_written_as_an_escape(tmp_path: Path) -> None:
    journal = write_run(tmp_path / "run.jsonl", [planned("größer")], [trial(0, 0)])
    done = subprocess.run(
        [sys.executable, "-m", "harness", "export", str(journal)],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        stdout=subprocess.PIPE,
        check=True,
    )
    assert b"moving/gr\\xf6\\xdfer" in done.stdout


def test_a_pipe_that_does_not_wait_gets_everything(tmp_path: Path) -> None:
    cases = [planned("base", size=size) for size in range(1, 201)]
    journal = write_run(tmp_path / "run.jsonl", cases, [trial(0, 0)])
    whole = ferrybench(["export", str(journal), "--format", "json"]).out.encode()
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    holds = fcntl.fcntl(write_end, fcntl.F_GETPIPE_SZ)
    assert holds < len(whole)
    command = [sys.executable, "-m", "harness", "export", str(journal), "--format", "json"]
    with (
        subprocess.Popen(command, stdout=write_end) as process,
        os.fdopen(read_end, "rb") as stream,
    ):
        os.close(write_end)
        filled = array("i", [0])
        while filled[0] < holds and process.poll() is None:
            time.sleep(0.01)
            fcntl.ioctl(stream, termios.FIONREAD, filled)
        assert stream.read() == whole
        assert process.wait() == EXIT_OK


@pytest.mark.slow
def test_a_run_goes_on_where_nothing_can_be_printed(tmp_path: Path) -> None:
    journal = tmp_path / "run.jsonl"
    target = ["tensor_from_array/from_numpy", "--size", "4KiB", "--trials", "0"]
    done = ferrybench(["run", *target, "-o", str(journal)], out="full", err="full")
    assert done.code == EXIT_UNABLE
    assert read_journal(journal).ended == "complete"
    assert ferrybench(["list"], out="full") == Done(EXIT_UNABLE, "", FULL)
    assert ferrybench(["list"], out="unread") == Done(EXIT_OK, "", "")
