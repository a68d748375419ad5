"""A heap whose holes are filled, against blocks of known size: each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from harness.trial.meters.malloc_heaps import is_accounted

pytestmark = pytest.mark.skipif(not is_accounted(), reason="another allocator than glibc's")

MIB = 1024**2
BEGIN = """
import gc, os, sys, threading
import numpy as np
from harness.trial.meters.fill_holes import fill_holes, give_back_pools
from harness.trial.meters.malloc_heaps import Heaps
from harness.trial.meters.process_memory import open_meter

def lot(size, count, kind):
    if kind == "python":
        return [b"x" * (size - 33) for _ in range(count)]
    return [np.ones(size, np.uint8) for _ in range(count)]

def in_threads(count, do):
    barrier = threading.Barrier(count)
    made = []
    def work():
        barrier.wait()
        made.append(do())
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return made

def grown(do):
    before = meter.read().rss.anon_bytes
    made = do()
    return meter.read().rss.anon_bytes - before

size, count, kind, fills = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4] == "fills"
meter = open_meter()
"""
IN_MAIN = """
kept = lot(size, 2 * count, kind)[::2]
if fills:
    give_back_pools(fill_holes())
print(grown(lambda: lot(size, count, kind)))
"""
IN_THREADS = """
kept = in_threads(2, lambda: lot(size, 2 * count, kind)[::2])
child = os.fork()  # where all threads but one have ended
if child == 0:
    meter = open_meter()
    if fills:
        fill_holes()
    print(grown(lambda: in_threads(2, lambda: lot(size, count, kind))), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""
BESIDE_ANOTHER = """
from harness.trial.meters import fill_holes as filling
kept = in_threads(2, lambda: lot(size, 2 * count, kind)[::2])
end = threading.Event()
threading.Thread(target=end.wait, daemon=True).start()
looks = iter(range(1000))  # waiting for it until patience ends would take more
filling.time.sleep = lambda seconds: next(looks)
fill_holes()
end.set()
print(0)
"""
SPREAD = """
from harness.trial.meters.python_arenas import Arenas
made = []
while len(made) < 300 * count or not 0 < Arenas.now().unused_pools < 5:
    made += lot(size, count, kind)
for first in (20, 120, 220):  # pools of several arenas, each with fewer free than the last one
    made[first * count : (first + 40) * count] = [None] * (40 * count)
if fills:
    give_back_pools(fill_holes())
print(grown(lambda: lot(size, 100 * count, kind)))
"""
THRESHOLDS = """
def mapped():
    return Heaps.now().mapped_bytes

def maps(bytes_):
    before = mapped()
    block = np.empty(bytes_, np.uint8)
    return mapped() - before >= bytes_

fill_holes()
# A block of some size is mapped until one was freed: the threshold is still dynamic.
large = next(size for size in (300_000, 900_000, 2_700_000, 8_100_000) if maps(size))
assert not maps(large * 2 // 3)
print(0)
"""


def run(script: str, size: int = 0, count: int = 0, kind: str = "numpy", how: str = "") -> int:
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + script, str(size), str(count), kind, how],
        env={name: value for name, value in os.environ.items() if not name.startswith("MALLOC")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize(
    ("size", "kind"), [(512, "numpy"), (4096, "numpy"), (40_000, "numpy"), (256, "python")]
)
def test_what_is_made_after_that_takes_pages(size: int, kind: str) -> None:
    count = 4 * MIB // size
    assert run(IN_MAIN, size, count, kind) < 2 * MIB  # it went into the holes
    assert run(IN_MAIN, size, count, kind, "fills") >= 0.94 * size * count


def test_pools_are_given_back_though_others_that_were_never_used_come_before_them() -> None:
    size, count = 512, 31  # as many as a pool holds
    assert run(SPREAD, size, count, "python") < MIB
    assert run(SPREAD, size, count, "python", "fills") >= 0.94 * 100 * size * count


def test_arenas_that_threads_left_are_filled_too() -> None:
    count = 2 * MIB // 4096
    assert run(IN_THREADS, 4096, count) < 2 * MIB
    assert run(IN_THREADS, 4096, count, how="fills") >= 0.97 * 2 * 4096 * count


def test_filling_does_not_wait_for_threads_that_go_on() -> None:
    run(BESIDE_ANOTHER, 4096, 512)


def test_thresholds_of_malloc_stay_dynamic() -> None:
    run(THRESHOLDS)
