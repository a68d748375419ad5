"""A journal has one writer, and can be read again whatever a trial said."""

from __future__ import annotations

import errno
import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cases.frame import case_frame
from harness.cases.summaries import summaries
from harness.cli import run as ferrybench
from harness.errors import EXIT_UNABLE, UnableError
from harness.journal.lines import EndLine, JournalError, ResumeLine
from harness.journal.read import read_journal
from harness.journal.write import Journal
from harness.schema.records import Case, Outcome, PlannedCase, Training, TrialKind
from tests.full_disk import room_for
from tests.journals import ENVIRONMENT, MIB, header, planned, trial, write_run

HOLDS_IT = """
import sys
from pathlib import Path
from harness.journal.write import Journal
from tests.journals import header, planned
journal = Journal.create(Path(sys.argv[1]), header([planned("base")]), force=True)
print("has it", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run.jsonl", [planned("base")], [trial(0, 0)], end="interrupted")


COMMANDS = [
    ["run", "-o", "PATH", "--force", "tensor_from_array"],
    ["run", "-o", "PATH", "--resume"],
    ["ab", "-o", "PATH", "--force", "--candidate", "A=1", "tensor_from_array"],
    ["matrix", "-o", "PATH", "--force"],
    ["doctor", "--calibrate", "-o", "PATH", "--force"],
]


def test_every_command_refuses_what_another_process_writes(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-c", HOLDS_IT, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "has it\n"
        before = path.read_bytes()
        for arguments in COMMANDS:
            given = [str(path) if one == "PATH" else one for one in arguments]
            assert ferrybench(given) == EXIT_UNABLE, arguments
            said = capsys.readouterr().err
            assert said.count("\n") == 1
            assert "is being written by another ferrybench" in said
        assert path.read_bytes() == before
        writer.kill()  # and with its process the lock is gone
        writer.wait()
    with Journal.create(path, header([planned("base")]), force=True) as journal:
        journal.append(trial(0, 0))
    assert len(read_journal(path).trials) == 1


def test_two_writers_of_one_process_are_two(path: Path) -> None:
    run = read_journal(path)
    with Journal.extend(run) as journal:
        journal.append(trial(0, 1))
        with pytest.raises(UnableError, match="another ferrybench"):
            Journal.extend(run)
        with pytest.raises(UnableError, match="another ferrybench"):
            Journal.create(path, header([planned("base")]), force=True)
    assert [one.round for one in read_journal(path).trials] == [0, 1]


def test_what_was_finished_meanwhile_is_not_continued(path: Path) -> None:
    run = read_journal(path)
    with Journal.extend(run) as journal:
        journal.append(trial(0, 1))
    with pytest.raises(UnableError, match="after it had been read"):
        Journal.extend(run)
    assert len(read_journal(path).trials) == 2


def test_a_link_is_one_file_with_what_it_leads_to(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.jsonl"
    link.symlink_to(path)
    with (
        Journal.extend(read_journal(path)),
        pytest.raises(UnableError, match="another ferrybench"),
    ):
        Journal.create(link, header([planned("base")]), force=True)


def test_a_disk_that_is_full_is_said_once(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "run.jsonl", header([planned("base")]))
    full = os.open("/dev/full", os.O_RDWR)
    os.dup2(full, journal._stream.fileno())
    os.close(full)
    with pytest.raises(UnableError, match="No space left"), journal:
        journal.append(trial(0, 0))


def test_half_a_line_does_not_stay_for_another_to_follow(path: Path) -> None:
    whole = path.read_bytes()
    with Journal.extend(read_journal(path)) as journal:
        for _ in range(2):
            with room_for(len(whole) + 20), pytest.raises(UnableError, match="too large"):
                journal.append(trial(0, 1))
            assert path.read_bytes() == whole
        journal.append(trial(0, 1))
    assert [one.round for one in read_journal(path).trials] == [0, 1]


def test_a_header_that_cannot_be_written_leaves_no_file_to_refuse(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with room_for(20), pytest.raises(UnableError, match="too large"):
        Journal.create(path, header([planned("base")]))
    assert not path.exists()
    path.write_text("mine\n")
    with room_for(20), pytest.raises(UnableError, match="too large"):
        Journal.create(path, header([planned("base")]), force=True)
    assert path.read_text() == "mine\n"
    assert list(tmp_path.iterdir()) == [path]
    Journal.create(path, header([planned("base")]), force=True).close()


def test_what_fails_at_the_beginning_is_said_in_one_line_and_leaves_no_lock(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    run = read_journal(path)
    with monkeypatch.context() as broken:
        broken.setattr("harness.journal.write.cut", fail)
        with pytest.raises(UnableError, match="cannot be written: Input/output error") as first:
            Journal.extend(run)
        broken.setattr("harness.journal.write.os.fchmod", fail)
        with pytest.raises(UnableError, match="cannot be written: Input/output error") as second:
            Journal.create(path, header([planned("base")]), force=True)
    assert first.traceback is not second.traceback  # which keep alive whatever was left open
    Journal.extend(run).close()


def test_a_device_has_any_number_of_writers() -> None:
    null = Path("/dev/null")
    with Journal.create(null, header([planned("base")]), force=True) as first:
        with Journal.create(null, header([planned("base")]), force=True) as second:
            second.append(trial(0, 0))
        first.append(trial(0, 0))


@pytest.mark.parametrize("written", ['"abc"', "null", "1", '["nan"]', '"infinity"'])
def test_what_is_no_such_number_is_damage(written: str, path: Path) -> None:
    text = path.read_text()
    assert '"wall_s":0.1' in text
    path.write_text(text.replace('"wall_s":0.1', f'"wall_s":{{"$float":{written}}}'))
    with pytest.raises(JournalError, match="line 2: damaged"):
        read_journal(path)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan], ids=str)
def test_numbers_that_are_none_come_back(value: float, tmp_path: Path) -> None:
    one = replace(trial(0, 1, [1e-3, value]), training=Training(3, value, 0.5))
    case = PlannedCase(Case("moving", "base", {"size": MIB, "rate": value}))
    path = write_run(tmp_path / "run.jsonl", [case], [one])
    for line in path.read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)  # NaN is no JSON
    run = read_journal(path)
    (found,) = run.trials
    assert found.training is not None
    assert found.timing is not None
    rate = run.header.plan.cases[0].case.parameters["rate"]
    assert isinstance(rate, float)
    for read in (found.training.first_loss, found.timing.samples_s[1], rate):
        assert repr(read) == repr(value)
    assert found.training.last_loss == 0.5


def test_numbers_that_were_written_as_null_are_not_known(tmp_path: Path) -> None:
    one = replace(trial(0, 1, [1e-3, 2e-3]), training=Training(3, 0.25, 0.5))
    path = write_run(tmp_path / "run.jsonl", [planned("base")], [one])
    text = path.read_text().replace('"first_loss":0.25', '"first_loss":null')
    path.write_text(text.replace("[0.001,0.002]", "[null,0.002]"))
    (found,) = read_journal(path).trials
    assert found.training is not None
    assert found.timing is not None
    assert math.isnan(found.training.first_loss)
    assert repr(found.timing.samples_s) == "(nan, 0.002)"


SURROGATE = "caf\udce9"


def test_text_that_is_none_is_written_with_escapes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = PlannedCase(Case("moving", "base", {"size": MIB, SURROGATE: "\ud800"}))
    bad = trial(0, 1, outcome=Outcome("error", f"ValueError: {SURROGATE} é"))
    warned = replace(trial(0, 0), warnings=(SURROGATE,))
    path = write_run(tmp_path / "run.jsonl", [case], [warned, bad])
    run = read_journal(path)
    assert run.trials[1].outcome.reason == r"ValueError: caf\udce9 é"
    assert run.trials[0].warnings == (r"caf\udce9",)
    assert run.header.plan.cases[0].case.parameters[r"caf\udce9"] == r"\ud800"
    assert ferrybench(["export", str(path)]) == 0
    assert r"caf\udce9 é" in capsys.readouterr().out


def test_bytes_are_text(tmp_path: Path) -> None:
    case = PlannedCase(Case("moving", "base", {"size": b"\xff\x00raw"}))  # type: ignore[dict-item]
    path = write_run(tmp_path / "run.jsonl", [case], [])
    assert read_journal(path).header.plan.cases[0].case.parameters == {"size": "\\xff\x00raw"}


@pytest.mark.parametrize("kind", ["memory", "time", "probe"])
def test_a_second_trial_of_one_round_is_of_a_second_writer(tmp_path: Path, kind: TrialKind) -> None:
    one = replace(trial(0, 1), kind=kind)
    path = write_run(tmp_path / "run.jsonl", [planned("base")], [one, replace(one, round=2), one])
    with pytest.raises(JournalError, match=f"line 4: a second {kind} trial of case 0 in round 1"):
        read_journal(path)


@pytest.mark.parametrize(
    "line",
    [
        b'{"kind": []}\n',
        b'{"kind": {"a": 1}}\n',
        b'{"kind": "end", "reason": ' + b"[" * 100_000 + b"\n",
        b"null\n",
    ],
    ids=["list", "object", "deep", "null"],
)
def test_no_line_ends_in_a_traceback(path: Path, line: bytes) -> None:
    path.write_bytes(path.read_bytes() + line)
    with pytest.raises(JournalError, match="line 4"):
        read_journal(path)


def test_a_journal_of_no_day_is_damaged(path: Path) -> None:
    path.write_text(path.read_text().replace("2026-01-01T00:00:00+00:00", "yesterday"))
    with pytest.raises(JournalError, match=r"line 1: damaged header: .*yesterday"):
        read_journal(path)


def interrupted(path: Path, before: int, after: int) -> Path:
    """Both cases in some rounds, and one of them alone in the one that an interruption cut."""
    cases = [planned("base", baseline=True), planned("other")]
    with Journal.create(path, header(cases)) as journal:
        for number in range(1, before + 1):
            journal.append(trial(0, number, 1e-3))
            journal.append(trial(1, number, 2e-3))
        journal.append(trial(0, before + 1, 1e-3))
        journal.append(EndLine("interrupted"))
        journal.append(ResumeLine(ENVIRONMENT))
        journal.append(trial(1, before + 1, 9e-3))
        for number in range(before + 2, before + 2 + after):
            journal.append(trial(0, number, 1e-3))
            journal.append(trial(1, number, 2e-3))
        journal.append(EndLine("complete"))
    return path


@pytest.mark.parametrize(("before", "after"), [(2, 1), (0, 3), (3, 0)])
def test_rounds_are_not_paired_across_an_interruption(
    tmp_path: Path, before: int, after: int
) -> None:
    run = read_journal(interrupted(tmp_path / "run.jsonl", before, after))
    assert sorted({one.sitting for one in run.trials}) == [0, 1]
    other = summaries(run)[1]
    assert other.ratio.count == before + after
    assert (other.ratio.low, other.ratio.high) == (2.0, 2.0)
    assert other.steady.count == before + after + 1  # its time counts for itself
    assert case_frame(run)["ratio"].tolist() == [1.0, 2.0]


def test_a_round_of_which_both_halves_are_whole_counts(tmp_path: Path) -> None:
    path = interrupted(tmp_path / "run.jsonl", 0, 0)
    assert summaries(read_journal(path))[1].ratio.count == 0
