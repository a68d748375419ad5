"""Threads that wait for trials are waited for by nobody."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from harness.ab.threads import DaemonThreads

STUCK = """
import signal, time
from harness.ab.threads import DaemonThreads

threads = DaemonThreads(2)
for _ in range(2):
    threads.submit(time.sleep, 600)
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    threads.close()
print("closed", flush=True)
"""


def test_results_and_failures_come_back() -> None:
    threads = DaemonThreads(2)
    met = threading.Barrier(2)
    both = [threads.submit(met.wait, 30.0) for _ in range(2)]  # at the same time
    assert sorted(one.result(30.0) for one in both) == [0, 1]
    with pytest.raises(ValueError, match="no"):
        threads.submit(int, "no").result(30.0)
    threads.close()


def test_a_trial_that_hangs_holds_up_neither_the_end_of_a_run_nor_that_of_the_interpreter() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=300, check=True
    )
    assert done.stdout == "closed\n"
