"""What goes wrong in a function comes back as an outcome, and nothing else does."""

from __future__ import annotations

import asyncio
import contextlib
import io
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness import Measurement, measure
from harness.errors import UsageError
from harness.trial.base.children import children


def raises() -> None:
    raise ValueError("no\nway")  # found by this comment


def needs_too_much() -> Any:
    return np.ones(1 << 60, np.uint8)


def aborts() -> None:
    os.abort()  # found by that comment


def hangs() -> None:
    time.sleep(1000)  # found by such a comment


def exits() -> None:
    sys.exit("done")


def leaves() -> None:
    os._exit(7)


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def interrupted() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("function", "name", "reason", "kind", "where"),
    [
        (raises, "error", "ValueError: no way", "", "# found by this comment"),
        (needs_too_much, "oom", "MemoryError: Unable to allocate", "array memory", "ones("),
        (aborts, "crash", "SIGABRT (aborted)", "abort", "# found by that comment"),
        (hangs, "timeout", "no answer within 1 s", "hang", "# found by such a comment"),
        (exits, "error", "SystemExit: done", "", "sys.exit"),
        (leaves, "crash", "exited with status 7 before it answered", "", ""),
        (killed, "crash", "SIGKILL (killed from outside", "killed", ""),
        (interrupted, "error", "KeyboardInterrupt", "", "raise KeyboardInterrupt"),
    ],
)
def test_failures_have_outcomes(
    function: Callable[[], Any], name: str, reason: str, kind: str, where: str
) -> None:
    found = measure(function, timeout_s=1 if function is hangs else 60)
    assert found.outcome.name == name
    assert found.outcome.reason.startswith(reason)
    assert found.outcome.kind == kind
    assert where in found.outcome.where
    assert len(found.trials) == 1  # it is not tried again
    assert not found.ok
    assert name in repr(found).splitlines()[0]


def test_a_traceback_shows_the_function_and_not_the_harness() -> None:
    found = measure(raises)
    assert "in raises" in found.traceback
    assert "found by this comment" in found.traceback
    assert "harness" not in found.traceback


def test_a_failure_only_in_the_steady_state_is_one() -> None:
    calls: list[int] = []

    def tires() -> None:
        calls.append(1)
        if len(calls) > 3:
            raise RuntimeError("enough")

    found = measure(tires, trials=1)
    assert found.outcome.name == "error"
    assert found.outcome.reason == "trial 3, after others succeeded: RuntimeError: enough"
    assert found.ledger is not None  # what was found out before stays


class TestVerification:
    def test_a_check_that_raises(self) -> None:
        def small(result: float) -> None:
            assert result < 1, "too large"

        found = measure(lambda: 2.0, check=small)
        assert found.outcome.name == "wrong"
        assert found.outcome.reason.startswith("too large")

    def test_a_check_that_says_no(self) -> None:
        found = measure(np.ones, 3, check=lambda result: np.array_equal(result, [1, 2, 3]))
        assert (found.outcome.name, found.outcome.reason) == ("wrong", "check= returned False")

    def test_a_check_that_breaks_confirms_nothing(self) -> None:
        found = measure(lambda: None, check=lambda result: result.shape)
        assert found.outcome.name == "wrong"
        assert found.outcome.reason.startswith("AttributeError")

    def test_a_check_that_holds(self) -> None:
        found = measure(np.ones, 3, check=lambda result: result.sum() == 3, trials=1)
        assert found.ok
        assert found.verified == "by check="

    def test_results_that_differ_from_call_to_call(self) -> None:
        found = measure(lambda: np.random.default_rng().random(5))
        assert found.outcome.name == "wrong"
        reason = found.outcome.reason
        assert reason.startswith(
            "a second call returned another result: 5 of 5 values differ, by up to"
        )
        assert "check=" in reason

    def test_results_that_differ_from_process_to_process(self) -> None:
        found = measure(lambda: os.getpid(), warm=False)
        assert found.outcome.name == "wrong"
        assert found.outcome.reason.startswith("another process returned another result: value ")

    def test_what_is_meant_to_differ_is_not_compared(self) -> None:
        found = measure(lambda: np.random.default_rng().random(5), check=False, trials=1)
        assert found.ok
        assert found.verified == "not verified, as requested"

    def test_what_cannot_be_compared_is_said(self) -> None:
        assert measure(object, trials=0).verified == "not verified: it is an object"
        assert measure(np.ones, 3, trials=0).verified == "compared with the first result"

    def test_a_single_call_is_compared_with_nothing(self) -> None:
        found = measure(np.ones, 3, trials=0, warm=False)
        assert found.verified == "not verified: no further call confirmed it"
        assert found.is_verified is False

    def test_a_function_that_can_be_called_but_once(self) -> None:
        items = iter([1])
        assert not measure(next, items).ok
        assert measure(next, items, warm=False, trials=0).ok
        assert next(items) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: measure(3), "3 is not callable; pass a function"),  # type: ignore[arg-type]
        (lambda: measure(asyncio.sleep, 1), "sleep is a coroutine function: pass lambda: async"),
        (lambda: measure(abs, 1, trials=-1), "trials= and steady_s= must not be negative"),
        (lambda: measure(abs, 1, timeout_s=0), "timeout_s= must be positive"),
        (lambda: measure(abs, 1, check="no"), "check= must be a function of the result, None or F"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_measured_is_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        call()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


class Callables:
    def __init__(self, value: int) -> None:
        self.value = value

    def method(self, by: int) -> int:
        return self.value * by

    def __call__(self) -> int:
        return self.value

    def breaks(self) -> None:
        raise ValueError(str(self.value))


@pytest.mark.parametrize(
    ("function", "args", "name"),
    [
        (Callables(3).method, (2,), "method"),
        (Callables(3), (), "Callables"),
        (partial(np.full, 3), (2.0,), "full"),
        (torch.clone, (torch.ones(3),), "clone"),
        (len, ([1],), "len"),
        (lambda: 1, (), "<lambda>"),
    ],
    ids=["method", "object", "partial", "builtin", "C", "lambda"],
)
def test_all_that_can_be_called(function: Callable[..., Any], args: Any, name: str) -> None:
    found = measure(function, *args, trials=1, steady_s=0.01)
    assert found.ok, found
    assert found.name == name


def test_a_method_that_fails_has_a_place() -> None:
    found = measure(Callables(3).breaks)
    assert "raise ValueError(str(self.value))" in found.outcome.where


def test_a_keyword_that_is_no_name() -> None:
    odd: dict[str, Any] = {"a b": 1}
    found = measure(lambda **given: given["a b"], trials=1, steady_s=0.01, **odd)
    assert found.ok, found


def leaks(file: Path) -> None:
    kept.append(file.open())
    kept.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]))


kept: list[Any] = []


def test_what_is_left_open_and_running_is_told(tmp_path: Path) -> None:
    file = tmp_path / "open.txt"
    file.touch()
    found = measure(leaks, file, trials=1, steady_s=0.01)
    assert found.leftovers is not None
    assert found.leftovers.descriptors == (str(file),)
    (running,) = found.leftovers.processes or ()
    assert "time.sleep(60)" in running
    assert found.repeats is not None
    assert found.repeats.descriptors == found.repeats.processes == found.repeats.calls > 0
    assert str(file) in repr(found)
    assert kept == []


def test_what_is_closed_and_joined_is_no_leftover(tmp_path: Path) -> None:
    def tidy() -> int:
        with (tmp_path / "file").open("w") as stream:
            stream.write("x")
        loader: Any = torch.utils.data.DataLoader(
            [1, 2],  # type: ignore[arg-type]
            num_workers=2,
            multiprocessing_context="fork",
        )
        return sum(int(batch) for batch in loader)

    found = measure(tidy, trials=1, steady_s=0.01)
    assert found.ok, found
    assert_nothing_left(found)


@pytest.mark.parametrize("method", [None, "fork", "forkserver", "spawn"])
def test_helpers_that_python_keeps_for_workers_are_no_leftovers(method: str | None) -> None:
    """None: whatever start method is this Python's default."""

    def tidy() -> None:
        context: Any = multiprocessing.get_context(method)
        queue = context.Queue()
        worker = context.Process(target=int)
        worker.start()
        worker.join()
        worker.close()
        queue.close()
        queue.join_thread()

    found = measure(tidy, trials=1, steady_s=0.01)
    assert found.ok, found
    assert_nothing_left(found)


def assert_nothing_left(found: Measurement) -> None:
    assert found.leftovers is not None
    assert found.leftovers.descriptors == found.leftovers.processes == ()
    assert found.repeats is not None
    assert found.repeats.descriptors == found.repeats.processes == 0
    assert not any("left running" in remark for remark in found.remarks)


def test_what_the_fork_server_started_and_nobody_ended_is_told() -> None:
    def leaks_a_worker() -> None:
        worker = multiprocessing.get_context("forkserver").Process(target=time.sleep, args=(60,))
        worker.start()
        kept.append(worker)

    found = measure(leaks_a_worker, trials=1, steady_s=0.01)
    assert found.ok, found
    assert found.leftovers is not None
    assert found.leftovers.processes == ("a process that multiprocessing's fork server started",)
    assert found.repeats is not None
    assert found.repeats.processes == found.repeats.calls > 0
    assert any("left running" in remark for remark in found.remarks)


def test_memory_that_grows_from_call_to_call_is_told() -> None:
    grown: list[Any] = []
    found = measure(lambda: grown.append(np.ones(1024**2)), trials=1, steady_s=0.05)
    assert found.repeats is not None
    assert found.repeats.anon_bytes == pytest.approx(8 * 1024**2 * found.repeats.calls, rel=0.02)


def test_warnings_are_noted_and_are_no_errors() -> None:
    def warns() -> int:
        import warnings

        warnings.warn("mind the gap", stacklevel=2)
        return 1

    found = measure(warns, trials=1, steady_s=0.01)  # here, warnings are errors
    assert found.ok, found
    assert found.warnings == ("mind the gap",)


def test_a_generator_has_yet_to_do_its_work() -> None:
    found = measure(lambda: (n for n in range(3)), trials=0)
    assert any("an iterator that was not consumed" in text for text in found.remarks)


def state() -> tuple[list[str], list[int]]:
    return open_files(), children()


def open_files() -> list[str]:
    return sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208 — names are enough


@pytest.mark.parametrize(
    "function", [abs, raises, aborts, hangs, leaves], ids=lambda one: one.__name__
)
def test_nothing_is_left_in_this_process(function: Callable[..., Any]) -> None:
    before = state()
    patience_s = 1 if function is hangs else 60
    measure(function, *([1] if function is abs else []), trials=1, timeout_s=patience_s)
    assert state() == before


def test_an_interrupt_ends_everything_at_once() -> None:
    """As Ctrl-C does, or a test's time limit."""
    before = state()

    def give_up(number: int, frame: object) -> None:
        raise TimeoutError("given up")

    previous = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(TimeoutError, match="given up"):
            measure(hangs)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert state() == before


def test_what_a_function_prints_goes_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    def talks() -> int:
        sys.stdout.write("to stdout")
        sys.stderr.write("to stderr")
        subprocess.run([sys.executable, "-c", "print('to a child')"], check=True)
        os.write(1, b"to the descriptor")
        assert sys.stdin.read() == ""
        return 1

    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        text.write("ours")
        found: Measurement = measure(talks, trials=1, steady_s=0.01)
    assert found.ok, found
    assert text.getvalue() == "ours"
    assert capfd.readouterr() == ("", "")
