"""The host that stands between a user's process and its trials."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from harness.errors import UnableError
from harness.inline import forked_host
from harness.inline.forked_host import ForkedHost
from harness.schema.request import TaskRequest
from harness.trial.tasks import Provided, Task

LATE_S = 0.8


@dataclass(frozen=True)
class Say(TaskRequest):
    """Have a text said, by a host that is stopped for a while if it is to be late."""

    task: ClassVar[str] = "say"
    text: str
    late: bool = False


@dataclass(frozen=True)
class SayLouder(Say):
    """The same task as somebody has it who knows of another field."""

    loudness: int = 11


def say(request: Say, provided: Provided) -> dict[str, Any]:
    if request.late:
        os.kill(os.getppid(), signal.SIGSTOP)
        time.sleep(LATE_S)
        os.kill(os.getppid(), signal.SIGCONT)
    return {"said": request.text}


TASKS = {Say.task: Task(Say, say)}


def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forked_host, "GRACE_S", 0.1)
    monkeypatch.setattr(forked_host, "_PATIENCE_S", 0.1)
    with ForkedHost(TASKS) as host:
        late = host.call(Say("late", late=True), 0.2)
        assert late.answer is None
        assert late.host_died
        monkeypatch.setattr(forked_host, "GRACE_S", 30.0)
        time.sleep(LATE_S)  # until the late one would be there
        assert host.call(Say("first"), 30.0).answer == {"said": "first"}
        assert host.call(Say("second"), 30.0).answer == {"said": "second"}


def test_a_request_with_a_key_that_the_trial_does_not_know_is_an_error() -> None:
    with ForkedHost(TASKS) as host, pytest.raises(UnableError, match="Say has no field loudness"):
        host.call(SayLouder("hello"), 30.0)
