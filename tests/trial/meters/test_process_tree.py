"""The observer of process trees: what it parses, whom it counts, how it keeps a long course."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from harness.schema.records import Rss
from harness.trial.meters.process_tree import (
    _CAPACITY,
    TreePage,
    TreeReading,
    descendants,
    parse_rollup,
    read_tree,
)

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
MIB = 1024**2
ROLLUP = b"""00400000-7ffd5c \xe2\x80\x94                   [rollup]
Rss:              289868 kB
Pss:              113570 kB
Pss_Dirty:         43376 kB
Pss_Anon:          43376 kB
Pss_File:          70193 kB
Pss_Shmem:             1 kB
Shared_Clean:          0 kB
"""


def test_rollup_gives_rss_and_pss_by_kind() -> None:
    rss, pss = parse_rollup(ROLLUP)
    assert rss == 289868 * 1024
    assert pss == Rss(43376 * 1024, 70193 * 1024, 1024)


@pytest.mark.parametrize("text", [b"", ROLLUP.replace(b"Pss_File", b"Pss_Fill")])
def test_a_rollup_of_a_process_that_ended_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="smaps_rollup"):
        parse_rollup(text)


def test_descendants_reach_grandchildren() -> None:
    nested = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    child = subprocess.Popen([sys.executable, "-c", nested], stdin=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 20
        while len(found := descendants(child.pid)) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(found) == 2
        assert found <= descendants(os.getpid())
        reading = read_tree(child.pid)
        assert reading is not None
        assert reading.processes == 2
        assert reading.rss_bytes > reading.pss.total_bytes > 0
        assert reading.open_files >= 3
    finally:
        child.communicate(b"\n")


def test_a_reading_survives_being_packed() -> None:
    reading = TreeReading(5, 3, 7 * MIB, Rss(1, 2, 3), 11, 13)
    assert TreeReading.unpack(reading.pack()) == reading


def test_growth_is_over_the_first_reading() -> None:
    first = TreeReading(10, 1, 100, Rss(10, 20, 30), 5, 1000)
    later = TreeReading(2_000_000_010, 2, 300, Rss(11, 18, 36), 9, 1500)
    sample = later.since(first)
    assert sample.at_s == 2.0
    assert sample.pss == Rss(1, -2, 6)
    assert sample.own_bytes == 7
    assert (sample.processes, sample.rss_bytes, sample.open_files) == (2, 300, 9)
    assert sample.shm_bytes == 500


def test_a_long_course_is_kept_in_half_the_resolution() -> None:
    page = TreePage()
    page.clear()
    for index in range(_CAPACITY):
        page._map[page._slot(index)] = TreeReading(index, 1, 0, Rss(), 0, 0).pack()
    page._set(2, _CAPACITY)
    page._thin_out()
    assert [reading.at_ns for reading in page.readings()] == list(range(0, _CAPACITY, 2))


def test_an_observer_answers_requests_with_readings_begun_after_them() -> None:
    page = TreePage()
    page.clear()
    observer = os.fork()
    if observer == 0:
        page.observe(os.getppid())
        os._exit(0)
    try:
        times = []
        for _ in range(3):
            asked_ns = time.monotonic_ns()
            reading = page.sync()
            assert reading is not None
            assert reading.at_ns >= asked_ns
            times.append(reading.at_ns)
        assert times == sorted(times)
        # It goes on by itself, at its own pace.
        deadline = time.monotonic() + 60
        while len(page.readings()) <= len(times) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(page.readings()) > len(times)
    finally:
        page.finish()
        os.waitpid(observer, 0)
