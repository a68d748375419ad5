"""Memory that was moved into huge pages, as the kernel counts it, and what trials see of it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from harness.host.host import Host
from harness.schema.records import HostSpec
from harness.selfcheck.memory_accuracy import memory_readings
from harness.trial.base.short_tables import HUGE_BYTES
from harness.units import MIB
from tests.some import some

MOVED = """
import hashlib, mmap, os, re
from harness.trial.base.short_tables import shorten_tables

def huge():
    told = open("/proc/self/smaps_rollup").read()
    return 1024 * int(re.search(r"AnonHugePages: +(\\d+)", told)[1])

block = mmap.mmap(-1, 64 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
block.madvise(mmap.MADV_NOHUGEPAGE)
block[:] = os.urandom(len(block))
block.madvise(mmap.MADV_HUGEPAGE)
before, digest = huge(), hashlib.sha256(block).digest()
moved = shorten_tables()
assert hashlib.sha256(block).digest() == digest
if os.fork() == 0:
    block[:4] = b"else"
    os._exit(0)
os.wait()
assert hashlib.sha256(block).digest() == digest
print(moved, huge() - before)
"""


def test_what_lies_there_stays_as_it_is_and_takes_huge_pages() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MOVED], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    moved, grown = map(int, re.findall(r"\d+", done.stdout))
    if not moved:
        pytest.skip("this kernel moves nothing")
    assert grown == pytest.approx(moved, abs=HUGE_BYTES)
    assert moved > 56 * MIB


def test_trials_of_a_host_that_did_it_are_as_accurate() -> None:
    with Host(HostSpec()) as host:
        host.many_trials = True
        host.renew()
        readings = list(memory_readings(host, sizes=(MIB, 8 * MIB)))
    for reading in some(readings):
        for name, check in some(reading.items()):
            assert check.ok, (name, check)
