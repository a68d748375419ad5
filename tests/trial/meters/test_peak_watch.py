"""The observer, in a thread of this process: it reads memory, and neither side waits for ever."""

from __future__ import annotations

import mmap
import os
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from harness.trial.meters import peak_watch
from harness.trial.meters.peak_watch import WatchPage
from harness.trial.meters.process_memory import Watched

MIB = 1024**2


def observed(act: Callable[[], None]) -> Watched | None:
    page = WatchPage()
    observer = threading.Thread(target=page.observe, args=(os.getpid(),))
    observer.start()
    assert page.start()
    act()
    found = page.stop()
    observer.join(timeout=5)
    assert not observer.is_alive()
    return found


def touch(pages: mmap.mmap) -> None:
    for start in range(0, len(pages), mmap.PAGESIZE):
        pages[start] = 1


def shared_for_a_while() -> None:
    with mmap.mmap(-1, 32 * MIB) as pages:
        touch(pages)
        time.sleep(0.05)


def test_memory_that_is_gone_again_was_seen_and_named() -> None:
    idle = observed(lambda: None)
    found = observed(shared_for_a_while)
    assert idle is not None
    assert found is not None
    shmem = found.highest.shmem_bytes - idle.highest.shmem_bytes
    assert shmem == pytest.approx(32 * MIB, abs=MIB)
    assert found.highest.file_bytes - idle.highest.file_bytes < MIB
    assert found.total_bytes >= idle.total_bytes + 32 * MIB - MIB


def test_the_total_is_of_one_instant() -> None:
    """The maxima of the kinds, 32 MiB each, were not there at once."""

    def one_after_the_other() -> None:
        shared_for_a_while()
        pages = mmap.mmap(-1, 32 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        touch(pages)
        time.sleep(0.05)
        pages.close()

    idle = observed(lambda: None)
    found = observed(one_after_the_other)
    assert idle is not None
    assert found is not None
    grown = found.highest - idle.highest
    assert grown.total_bytes == pytest.approx(64 * MIB, abs=2 * MIB)
    assert found.total_bytes - idle.total_bytes == pytest.approx(32 * MIB, abs=2 * MIB)


def test_without_observer_the_trial_goes_ahead(monkeypatch: Any) -> None:
    monkeypatch.setattr(peak_watch, "_PATIENCE_S", 0.02)
    page = WatchPage()
    assert not page.start()
    assert page.stop() is None


def test_a_trial_that_has_died_ends_its_observer(monkeypatch: Any) -> None:
    monkeypatch.setattr(peak_watch, "_PATIENCE_S", 0.02)
    trial = subprocess.Popen(["sleep", "600"])
    page = WatchPage()
    observer = threading.Thread(target=page.observe, args=(trial.pid,))
    observer.start()
    while not page.start():
        pass
    trial.kill()
    trial.wait()
    observer.join(timeout=5)
    assert not observer.is_alive()
    assert page.stop() is None, "what it saw so far is no result"


def test_a_cleared_page_knows_nothing_of_the_last_trial() -> None:
    page = WatchPage()
    thread = threading.Thread(target=page.observe, args=(os.getpid(),))
    thread.start()
    assert page.start()
    assert page.stop() is not None
    thread.join()
    page.clear()
    assert [page._word(index) for index in range(7)] == [0] * 7
