"""The host process and its tasks: in a process of their own, as it kills all its children."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PREAMBLE = """
import json, os, select, sys, time
from harness.trial import server as module
from harness.trial.server import Server

def ask(task, timeout_s=30.0):
    server = Server("fork", {"task": task})
    message = {"task": "task", "request": {}, "timeout_s": timeout_s}
    print(json.dumps(server.handle(message)))
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
    report = in_a_process(LATE + "ask(lambda request, page: {'found': 'x' * 30_000})")
    assert report["answer"] == {"found": "x" * 30_000}


def test_a_task_that_ends_between_two_looks_without_an_answer_is_still_a_crash() -> None:
    report = in_a_process(LATE + "ask(lambda request, page: os._exit(3))")
    assert report["exit"] == 3
    assert "answer" not in report
