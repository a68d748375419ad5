"""A trial sees this process as it is, and this process sees nothing of the trial."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from harness import measure
from harness.errors import UnableError
from harness.inline import fork_safety
from harness.trial.base.queued_work import accelerator_in_use

ROOT = Path(__file__).parents[2]
MIB = 1024**2


class TestArgumentsThatAreChanged:
    def test_this_process_keeps_its_own(self) -> None:
        values = np.arange(MIB, dtype=np.float32)

        def doubles(array: Any) -> Any:
            array *= 2
            return array

        found = measure(doubles, values, trials=1, steady_s=0.02)
        assert found.ok, found
        assert np.array_equal(values, np.arange(MIB, dtype=np.float32))
        assert any("restored before each further call" in text for text in found.remarks)
        assert found.copies == pytest.approx(0, abs=0.02)

    def test_each_call_gets_them_as_they_were(self) -> None:
        """Sorting what is sorted already would be another, faster thing."""
        rng = np.random.default_rng(1)
        values = torch.from_numpy(rng.random(1000))

        def sorts(tensor: Any) -> bool:
            was_sorted = bool((tensor[1:] >= tensor[:-1]).all())
            tensor.copy_(tensor.sort().values)
            return was_sorted

        found = measure(sorts, values, check=lambda was_sorted: not was_sorted, trials=1)
        assert found.ok, found
        timing = found.trials[-1].timing
        assert timing is not None
        assert timing.calls_timed_apart

    def test_views_are_restored_too(self) -> None:
        whole = np.zeros((4, 6))
        found = measure(lambda part: part.__iadd__(1), whole[:, ::2], trials=1, steady_s=0.01)
        assert found.ok, found
        assert not whole.any()

    def test_what_is_not_changed_is_not_restored(self) -> None:
        found = measure(np.sum, np.ones(MIB), trials=0)
        assert found.remarks == ()

    def test_shared_memory_is_not_kept_apart(self) -> None:
        shared = torch.zeros(1024)
        shared.share_memory_()  # type: ignore[no-untyped-call]
        found = measure(lambda tensor: tensor.add_(1), shared, trials=0, allow_shared=True)
        assert shared.any()
        assert any("shared memory, which a fork does not isolate" in t for t in found.remarks)


def test_globals_of_this_process_stay_as_they_are() -> None:
    seen: list[int] = []
    found = measure(lambda: seen.append(1), trials=1, steady_s=0.01)
    assert found.ok
    assert seen == []


def test_garbage_of_this_process_is_not_finalised_in_another(tmp_path: Path) -> None:
    """A cycle that nobody refers to any more is still this process's to end, and once."""

    class Noisy:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            with (tmp_path / "log").open("a") as log:
                log.write(f"{os.getpid()}\n")

    gc.disable()
    try:
        Noisy()
        measure(gc.collect, check=False, trials=1, steady_s=0.01)
    finally:
        gc.enable()
    gc.collect()
    assert (tmp_path / "log").read_text() == f"{os.getpid()}\n"


def test_it_works_from_another_thread() -> None:
    found: list[Any] = []
    thread = threading.Thread(
        target=lambda: found.append(measure(np.copy, np.ones(MIB), trials=1, steady_s=0.01))
    )
    thread.start()
    thread.join()
    assert found[0].ok, found[0]
    assert found[0].copies == pytest.approx(1, abs=0.02)
    assert "MainThread" in found[0].other_threads


def test_memory_that_threads_of_the_function_use_is_counted() -> None:
    """They have heaps of their own, whose tops the allocator keeps when it is asked to trim."""
    values = np.ones(MIB)

    def in_threads() -> float:
        with ThreadPoolExecutor(2) as pool:
            made = list(pool.map(np.copy, [values, values]))
            return float(sum(one[0] for one in made))

    found = measure(in_threads, payload=values.nbytes, trials=0)
    assert found.copies == pytest.approx(2, abs=0.04)
    assert abs(found.left_bytes) < MIB


def test_two_threads_wait_for_each_other() -> None:
    found: list[Any] = []

    def run() -> None:
        found.append(measure(np.copy, np.ones(MIB), trials=0))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.ok for one in found] == [True] * 3


def test_a_measured_function_may_measure() -> None:
    found = measure(lambda: measure(np.copy, np.ones(MIB), trials=0).ok, trials=0)
    assert found.ok, found
    found = measure(lambda: measure(abs, 1, trials=0).ok, check=lambda inner_ok: inner_ok, trials=0)
    assert found.ok, found


class TestThreads:
    @pytest.fixture
    def waiting(self) -> Iterator[threading.Event]:
        over = threading.Event()
        thread = threading.Thread(target=over.wait, name="the-waiting-one")
        thread.start()
        yield over
        over.set()
        thread.join()

    def test_they_are_named(self, waiting: threading.Event) -> None:
        assert "the-waiting-one" in measure(abs, 1, trials=0).other_threads
        assert "MainThread" not in measure(abs, 1, trials=0).other_threads

    def test_a_lock_that_one_holds_is_a_timeout_that_names_it(self) -> None:
        lock = threading.Lock()
        holds, over = threading.Event(), threading.Event()

        def hold() -> None:
            with lock:
                holds.set()
                over.wait()

        thread = threading.Thread(target=hold, name="the-holding-one")
        thread.start()
        holds.wait()
        try:
            found = measure(lock.__enter__, timeout_s=1)
        finally:
            over.set()
            thread.join()
        assert found.outcome.name == "timeout"
        assert "the-holding-one" in found.outcome.reason

    def test_openmp_does_not_hang(self) -> None:
        """GNU's, once it has run in parallel, waits in a forked process for what is not there."""
        before = torch.get_num_threads()
        torch.set_num_threads(2)
        try:
            expected = float(torch.ones(MIB).mul(2).sum())
            found = measure(lambda: float(torch.ones(MIB).mul(2).sum()), trials=1, timeout_s=20)
            assert found.ok, found
            assert found.threads == 2
            assert float(torch.ones(MIB).mul(2).sum()) == expected  # and here it goes on
        finally:
            torch.set_num_threads(before)

    def test_an_openmp_that_cannot_be_paused_is_told(self, monkeypatch: Any) -> None:
        monkeypatch.setattr(fork_safety, "pause_openmp", lambda: False)
        assert any("OpenMP" in text for text in measure(abs, 1, trials=0).remarks)


class TestRefusal:
    def test_an_accelerator_in_use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
        with pytest.raises(UnableError) as caught:
            measure(abs, 1)
        assert str(caught.value).startswith("this process has begun to use CUDA, which does not")
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("begun", [True, False])
    def test_a_backend_that_was_registered(
        self, begun: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        module = SimpleNamespace(is_initialized=lambda: begun)
        monkeypatch.setattr(torch, "openreg", module, raising=False)
        monkeypatch.setattr(
            torch.accelerator, "current_accelerator", lambda: SimpleNamespace(type="openreg")
        )
        assert accelerator_in_use() == ("OPENREG" if begun else "")

    @pytest.mark.parametrize("module", [None, SimpleNamespace()])
    def test_a_backend_that_does_not_say(
        self, module: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(torch, "openreg", module, raising=False)
        monkeypatch.setattr(
            torch.accelerator, "current_accelerator", lambda: SimpleNamespace(type="openreg")
        )
        assert accelerator_in_use() == ""

    def test_a_torch_without_accelerators_or_with_a_broken_one(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken() -> None:
            raise RuntimeError("Please register PrivateUse1HooksInterface first.")

        monkeypatch.setattr(torch.accelerator, "current_accelerator", broken)
        assert accelerator_in_use() == ""
        monkeypatch.delattr(torch, "accelerator")
        assert accelerator_in_use() == ""

    def test_a_system_without_fork(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delattr(os, "fork")
        with pytest.raises(UnableError, match="needs fork"):
            measure(abs, 1)

    def test_no_more_processes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fork() -> int:
            raise BlockingIOError(11, "Resource temporarily unavailable")

        before = os.listdir("/proc/self/fd")  # noqa: PTH208
        monkeypatch.setattr(os, "fork", fork)
        with pytest.raises(UnableError, match="cannot be forked: Resource temporarily unavailab"):
            measure(abs, 1)
        assert os.listdir("/proc/self/fd") == before  # noqa: PTH208
        monkeypatch.undo()
        assert measure(abs, 1, trials=0).ok


def test_a_host_that_is_killed_is_an_outcome() -> None:
    found = measure(lambda: os.kill(os.getppid(), signal.SIGKILL), timeout_s=5)
    assert found.outcome.name == "crash"
    assert "host process was killed" in found.outcome.reason
    assert measure(abs, 1, trials=0).ok


def test_signals_that_this_process_ignores_or_catches_change_nothing() -> None:
    previous = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert measure(abs, 1, trials=1, steady_s=0.01).ok
    finally:
        signal.signal(signal.SIGCHLD, previous)


def python(code: str, *options: str, stdin: str | None = None) -> str:
    done = subprocess.run(
        [sys.executable, *options, *([] if stdin is not None else ["-c", code])],
        input=stdin,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


WITH_A_FORK_SERVER = """
import multiprocessing
import harness

def a_worker_ends():
    worker = multiprocessing.get_context("forkserver").Process(target=int)
    worker.start()
    worker.join()
    return worker.exitcode

a_worker_ends()
found = harness.measure(a_worker_ends, check=lambda code: code == 0, trials=1, steady_s=0.01)
print(found.outcome, found.leftovers.descriptors, found.leftovers.processes, a_worker_ends())
"""


def test_a_process_may_have_a_fork_server_before_it_measures_what_needs_one() -> None:
    said = python(WITH_A_FORK_SERVER)
    assert said == "Outcome(name='ok', reason='', kind='', where='') () () 0\n"


def test_torch_is_not_imported_for_it() -> None:
    code = (
        "import sys, numpy as np, harness\n"
        "found = harness.measure(np.copy, np.ones(1 << 20), trials=1, steady_s=0.01)\n"
        "assert found.ok, found\n"
        "heavy = {'torch', 'pandas', 'matplotlib', 'scipy'}\n"
        "assert abs(found.copies - 1) <= 0.03, found  # 256 KiB of 8 MiB\n"
        "print(sorted(heavy & sys.modules.keys()), found.threads)"
    )
    assert python(code) == "[] 0\n"


def test_the_name_of_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, harness\n"
        "assert 'measure' in dir(harness)\n"
        "print(sorted({'numpy', 'torch', 'msgspec', 'psutil'} & sys.modules.keys()))"
    )
    assert python(code) == "[]\n"


FROM_STDIN = """
import numpy as np
import harness

values = np.ones(1 << 20)

def plus(array):
    return array + one

one = 1

found = harness.measure(plus, values, trials=0)
assert abs(found.copies - 1) <= 0.03, found  # 256 KiB of 8 MiB
print(found.outcome.name)
print(harness.measure(lambda: values / 0 + None, trials=0).outcome.reason)
"""


@pytest.mark.parametrize("options", [["-"], ["-i", "-q"]], ids=["piped", "interactive"])
def test_functions_that_stand_in_no_file(options: list[str]) -> None:
    said = python("", *options, stdin=FROM_STDIN)
    assert "ok\n" in said
    assert "TypeError: unsupported operand type(s) for +" in said


def test_standard_streams_may_be_closed() -> None:
    code = (
        "import os, sys; [os.close(n) for n in (0, 1, 2)]\n"
        "import harness, pathlib\n"
        "found = harness.measure(abs, -1, trials=1, steady_s=0.01)\n"
        "sys.exit(0 if found.ok else 3)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert done.returncode in (0, 120)  # 120: Python could not flush what was closed


XDIST = """
import numpy as np
import pytest

import harness


@pytest.mark.parametrize("copies", range(4))
def test_copies(copies):
    values = np.ones(1 << 20)
    found = harness.measure(lambda: [values.copy() for _ in range(copies)], trials=0)
    assert found.ok, found
    assert found.copies == pytest.approx(copies, abs=0.02 * max(1, copies))
"""


@pytest.mark.parametrize("options", [(), ("-s",), ("-p", "xdist", "-n", "2")], ids=" ".join)
def test_it_works_in_a_users_suite(options: tuple[str, ...], tmp_path: Path) -> None:
    if "xdist" in options:
        pytest.importorskip("xdist")
    (tmp_path / "test_suite.py").write_text(XDIST)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", *options, str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "4 passed" in done.stdout, done.stdout + done.stderr
