"""The host process and its tasks: in a process of their own, as it kills all its children."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from harness.schema.messages import TaskReport
from harness.schema.records import MISSED
from harness.trial.server import OBSERVED_TRIES, _missed_peak

ROOT = Path(__file__).parents[2]
PREAMBLE = """
import json, os, select, sys
from dataclasses import asdict
from harness.schema.messages import Message
from harness.schema.request import BothWaysRequest
from harness.trial import server as module
from harness.trial.server import Server
from harness.trial.tasks import Task

def ask(do, pipes=(), **changed):
    server = Server("fork", {"task": Task(BothWaysRequest, do)}, pipes)
    fields = {"strategy": "", "target_ns": 1, "total_s": 1.0, **changed}
    message = asdict(Message("task", fields, timeout_s=30.0))
    print(server.handle(json.dumps(message)).decode())
"""
LATE = """
class Late:
    '''Reports an empty pipe until the task has ended, as select does that times out just before.'''

    @staticmethod
    def select(reading, writing, failing, timeout):
        if timeout:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            return [], [], []
        return select.select(reading, writing, failing, timeout)

module.select = Late
"""


def in_a_process(script: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + textwrap.dedent(script)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_an_answer_that_is_given_between_two_looks_at_the_pipe_is_not_lost() -> None:
    report = in_a_process(LATE + "ask(lambda request, provided: {'found': 'x' * 30_000})")
    assert report["answer"] == {"found": "x" * 30_000}


def test_a_task_that_ends_between_two_looks_without_an_answer_is_still_a_crash() -> None:
    report = in_a_process(LATE + "ask(lambda request, provided: os._exit(3))")
    assert report["exit_status"] == 3
    assert "answer" not in report


@pytest.mark.parametrize(("missed", "tries"), [(0, 1), (2, 3), (99, OBSERVED_TRIES)])
def test_a_peak_that_the_observer_missed_is_looked_at_again(
    missed: int, tries: int, tmp_path: Path
) -> None:
    """In a process of its own each time, until it was seen or it is no use."""
    note = tmp_path / "tries"
    report = in_a_process(
        f"""
        def look(request, provided):
            with open({str(note)!r}, "a") as file:
                print(os.getpid(), file=file)
            with open({str(note)!r}) as file:
                seen = len(file.readlines()) > {missed}
            return {{"ledger": {{"split_source": "observed" if seen else {MISSED!r}}}}}

        ask(look)
        """
    )
    pids = note.read_text().split()
    assert len(pids) == len(set(pids)) == tries
    last = "observed" if missed < OBSERVED_TRIES else MISSED
    assert report["answer"]["ledger"]["split_source"] == last


def test_a_misspelt_key_of_a_request_is_an_error_that_names_it() -> None:
    report = in_a_process("ask(lambda request, provided: {}, target_n=2)")
    assert report["error_type"] == "FieldError"
    assert report["error"] == "BothWaysRequest has no field target_n; did you mean target_ns?"


def test_a_task_can_neither_write_into_the_hosts_pipes_nor_hold_them_open() -> None:
    report = in_a_process("""
        reading, writing = os.pipe()

        def intrude(request, provided):
            os.write(writing, b"not an answer")
            return {"place": os.readlink(f"/proc/self/fd/{writing}")}

        ask(intrude, pipes=(reading, writing))
        assert not select.select([reading], [], [], 0)[0], "it wrote into the pipe"
    """)
    assert report["answer"] == {"place": "/dev/null"}


@pytest.mark.parametrize(
    ("report", "again"),
    [
        (TaskReport({}, noted={"missed": 1}), True),
        (TaskReport({}, noted={"missed": 0}), False),
        (TaskReport(timed_out=True, noted={"missed": 1}), False),
    ],
)
def test_lines_that_the_observer_missed_are_watched_again_if_the_call_ended(
    report: TaskReport, again: bool
) -> None:
    assert _missed_peak(report) == again
