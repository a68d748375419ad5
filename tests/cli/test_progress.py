"""What a run says while it goes on, on a terminal and elsewhere."""

from __future__ import annotations

import io

import pytest

from harness.console import PLAIN_EVERY_S, Plain, Progress
from harness.schema.records import Outcome, PlannedCase, Trial
from tests.journals import case, trial

REFUSED = Outcome("error", "ValueError: given numpy array has byte order different from the native")
WHAT = "tensor_from_array/torch_tensor 2 MiB, layout=bigendian"


def said(one: Trial, *, declared: bool = False, terminal: bool = False) -> str:
    stream = io.StringIO()
    with Progress(Plain(file=stream, force_terminal=terminal, width=300)) as progress:
        progress.begin(2)
        progress.finished(WHAT, one, declared=declared)
    return stream.getvalue()


@pytest.mark.parametrize("terminal", [False, True])
def test_a_refusal_that_was_declared_is_no_error(terminal: bool) -> None:
    line = f"error: {WHAT}: {REFUSED.reason}"
    assert line in said(trial(0, 0, outcome=REFUSED), terminal=terminal)
    assert line not in said(trial(0, 0, outcome=REFUSED), declared=True, terminal=terminal)
    assert WHAT not in said(trial(0, 0), terminal=terminal)


@pytest.mark.parametrize(
    ("outcome", "refused"),
    [
        (REFUSED, True),
        (Outcome("error", "ValueError: BYTE ORDER"), True),
        (Outcome("error", "ValueError: two lines"), False),  # it raises, but something else
        (Outcome("wrong", "the byte order is wrong"), False),
        (Outcome("crash", "SIGABRT: byte order"), False),
        (Outcome("ok"), False),
    ],
)
def test_only_the_exception_that_was_declared_is_a_refusal(outcome: Outcome, refused: bool) -> None:
    planned = PlannedCase(case("base"), refuses=("byte order",))
    assert planned.refuses_by(outcome) is refused
    assert not PlannedCase(case("base")).refuses_by(outcome)


def test_elsewhere_than_on_a_terminal_there_is_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr("harness.console.time.monotonic", lambda: now)
    stream = io.StringIO()
    with Progress(Plain(file=stream, width=20)) as progress:  # no line is broken
        progress.begin(40)
        for _ in range(4):
            progress.working_on(WHAT, 100.0)
            now += PLAIN_EVERY_S * 0.6
    assert stream.getvalue().splitlines() == [f"0/40 trials, 1 min 40 s left: {WHAT}"] * 2
