"""What a host and its server write to each other: what is to be done, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.schema.request import Observed


@dataclass(frozen=True)
class Message:
    """A task that is to be done in a fresh process.

    Args:
        task: by its name.
        request: fields of what the task is given.
        timeout_s: how long it may take.
        observe: what to read of it from outside.
        grouped: make a control group for it to enter.
        group: folder of that control group, once the server has made it.
    """

    task: str
    request: Mapping[str, Any]
    timeout_s: float
    observe: Observed = ""
    grouped: bool = False
    group: str = ""


@dataclass(frozen=True)
class TaskReport:
    """What a server says of one task."""

    answer: dict[str, Any] | None = None
    error: str = ""  # the task raised: its message
    error_type: str = ""
    exit_status: int | None = None  # the task ended without an answer; negative for a signal
    timed_out: bool = False
    deadlocked: bool = False  # it was not waited for any longer, since it could not go on
    stderr: str = ""
    reaped: int = 0
    wall_s: float = 0.0
    noted: Mapping[str, Any] = field(default_factory=dict)  # what it noted on a limit's page
    kills: int = 0  # of processes in its control group, for want of memory
