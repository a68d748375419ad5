"""Layouts that two processes share, against the addresses that they really have."""

from __future__ import annotations

import ast
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from harness.trial.timing.heap_layout import (
    VARIABLE,
    draw_layout,
    layout_can_be_drawn,
    layout_can_be_shared,
)

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux can be told where memory is to be"
)
ROOT = str(Path(__file__).parents[3])
TAKE = "from harness.trial.timing.heap_layout import take_layout; take_layout(); "
WHERE = "import ctypes; libc = ctypes.CDLL(None); libc.sbrk.restype = ctypes.c_void_p; "
LEVEL = """
import sys
from harness.trial.timing.heap_layout import level_heap
from harness.trial.timing.heap_layout import _BLOCK_BYTES as block
import ctypes
held = [bytes(100 + 16 * number) for number in range(int(sys.argv[2]))]  # what differs before
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
done = level_heap(int(sys.argv[1])) if sys.argv[1] != "no" else None
print(done, libc.malloc(ctypes.c_size_t(block)) % 4096)
"""


def told(script: str, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=os.environ | {"PYTHONPATH": ROOT} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_hosts_of_one_layout_have_one_place_for_their_heap_and_others_another() -> None:
    first, second = (draw_layout(random.Random(seed)) for seed in (1, 2))
    assert first != second
    where = TAKE + WHERE + "print(libc.sbrk(0), hash('a'))"
    if (
        told(TAKE + "import ctypes; print(ctypes.CDLL(None).personality(0xffffffff))", **first)
        == "0"
    ):
        pytest.skip("this kernel keeps addresses random")
    assert len({told(where, **first) for _ in range(3)}) == 1
    assert told(where, **first) != told(where, **second)
    assert len({told(where) for _ in range(3)}) == 3  # nothing is asked for: random as ever


def test_the_room_that_a_layout_takes_varies_within_a_page() -> None:
    drawn = [draw_layout(random.Random(seed)) for seed in range(200)]
    rooms = {len(layout[VARIABLE]) for layout in drawn}
    assert len(rooms) > 50
    assert all(room % 16 == 0 and 0 < room < 4096 for room in rooms)


@pytest.mark.parametrize("offset", [0, 16, 2064, 4080])
def test_a_levelled_heap_goes_on_where_it_was_told_to_whatever_was_before(offset: int) -> None:
    done = {told(LEVEL, str(offset), held) for held in ("0", "1000", "5000")}
    if "False" in str(done):
        pytest.skip("this C library does not tell of its heap")
    # A block begins with a head, of 16 bytes with what is needed to align it.
    assert done == {f"True {(offset + 16) % 4096}"}


def test_without_that_it_does_not() -> None:
    assert len({told(LEVEL, "no", held) for held in ("0", "1000", "5000")}) > 1


def test_asking_whether_layout_can_be_shared_changes_nothing_here() -> None:
    asked = "from harness.trial.timing.heap_layout import layout_can_be_shared as asked; "
    both = asked + "import ctypes; print(asked(), ctypes.CDLL(None).personality(0xffffffff))"
    assert told(both) == f"{layout_can_be_shared()} 0"


DRAWN = """
import ctypes, mmap, os, sys
from harness.trial.timing.heap_layout import lay_out
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
for seed in sys.argv[1:]:
    if os.fork() == 0:
        done = lay_out(int(seed)) if seed != "no" else None
        mapped = mmap.mmap(-1, 4 << 20)
        start = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
        print((done, start, libc.malloc(ctypes.c_size_t(100_000))), flush=True)
        os._exit(0)
    os.wait()
"""


def test_forks_of_one_seed_are_laid_out_alike_and_those_of_others_are_not() -> None:
    if not layout_can_be_drawn():
        pytest.skip("this C library does not report its heap")
    lines = told(DRAWN, "no", "no", "1", "1", *map(str, range(2, 40))).splitlines()
    assert lines[0] == lines[1], "what is inherited, where nothing is drawn"
    assert lines[2] == lines[3] != lines[0]
    drawn = [ast.literal_eval(line) for line in lines[3:]]
    done, mapped, blocks = zip(*drawn, strict=True)
    assert set(done) == {True}
    assert len(set(mapped)) > 30
    assert len({place % 4096 for place in blocks}) > 30


def test_what_is_taken_for_a_layout_is_hardly_touched() -> None:
    if not layout_can_be_drawn():
        pytest.skip("this C library does not report its heap")
    pages = told(
        "import resource; from harness.trial.timing.heap_layout import lay_out; "
        "lay_out(1); before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt; "
        "[lay_out(seed) for seed in range(10)]; "
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 10)"
    )
    assert float(pages) * 4096 < 2 * 1024**2
