"""What glibc's malloc says of itself, against blocks whose size is known."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.trial.meters.malloc_heaps import Heaps, is_accounted, libc

INFO = b"""<malloc version="1">
<heap nr="0">
<sizes>
  <size from="33" to="33" total="66" count="2"/>
  <size from="4113" to="4609" total="8722" count="2"/>
  <unsorted from="100001" to="100001" total="100001" count="1"/>
</sizes>
<total type="fast" count="1" size="32"/>
<total type="rest" count="6" size="150000"/>
<system type="current" size="400000"/>
</heap>
<heap nr="1">
<sizes>
</sizes>
<total type="fast" count="0" size="0"/>
<total type="rest" count="1" size="90000"/>
<system type="current" size="135168"/>
</heap>
<total type="fast" count="1" size="32"/>
<total type="rest" count="7" size="240000"/>
<total type="mmap" count="2" size="5000000"/>
<system type="current" size="535168"/>
</malloc>
"""


def test_blocks_in_use_and_room_are_read_arena_by_arena() -> None:
    heaps = Heaps.parse(INFO)
    main, other = heaps.arenas
    assert [blocks.least_bytes for blocks in main.blocks] == [32, 4112, 100_000]
    assert heaps.in_use_bytes == 5_000_000 + (400_000 - 150_032) + (135_168 - 90_000)
    # Whole pages inside of a block are returned; the top is, in the main arena alone.
    assert main.room_bytes == 64 + 8720 + 8192 + 4096
    assert other.room_bytes == 90_000


@pytest.mark.parametrize(
    "text",
    [
        b"",
        INFO.removesuffix(b"</malloc>\n"),  # cut off
        INFO.replace(b"heap", b"arena"),
        INFO.replace(b'"mmap"', b'"mapped"'),
        INFO.replace(b'"current"', b'"now"'),
    ],
)
def test_what_cannot_be_read_is_not_zero(text: bytes) -> None:
    with pytest.raises(ValueError, match="does not report"):
        Heaps.parse(text)


@pytest.mark.skipif(not is_accounted(), reason="another allocator than glibc's")
@pytest.mark.parametrize("size", [100_000, 5_000_000])
def test_a_block_is_in_use_until_it_is_freed(size: int) -> None:
    before = Heaps.now().in_use_bytes  # reading takes some of its own
    block = libc().malloc(size)
    with_block = Heaps.now().in_use_bytes
    libc().free(block)
    after = Heaps.now().in_use_bytes
    assert with_block - before == pytest.approx(size, abs=40_000)
    assert with_block - after == pytest.approx(size, abs=40_000)


ANOTHER = """
import numpy as np
import harness
from harness.errors import UsageError
from harness.inline.budget import BudgetExceededError

def make():
    return [np.ones(1024, "f4") for _ in range(1000)]

found = harness.measure(make, trials=0)
assert found.ok, found
assert "{name}" in found.ledger.doubt, found.ledger
assert "at least" in repr(found), found
assert found.peak_extra_bytes != found.peak_extra_bytes
for budget in ({{"peak": "1GiB"}}, {{"left": 0}}, {{"retained": "1GiB"}}):
    try:
        found.within(**budget)
    except UsageError as error:
        assert "cannot be judged" in str(error), error
    else:
        raise AssertionError(budget)
found = harness.measure(lambda: np.ones(2**23), trials=0, warm=False)
try:
    found.within(peak="1MiB")  # it took that much at the least
except BudgetExceededError:
    pass
else:
    raise AssertionError(found)
"""
LIBRARIES = {"jemalloc": "libjemalloc.so.2", "tcmalloc": "libtcmalloc_minimal.so.4"}
LIBRARIES["mimalloc"] = "libmimalloc.so.2"


def _library(name: str) -> Path | None:
    folders = [Path("/usr/lib"), Path("/usr/lib64"), *Path("/usr/lib").glob("*-linux-gnu")]
    return next((folder / name for folder in folders if (folder / name).exists()), None)


@pytest.mark.parametrize("name", sorted(LIBRARIES))
def test_nothing_passes_by_the_figures_of_another_allocator(name: str) -> None:
    library = _library(LIBRARIES[name])
    if library is None:
        pytest.skip(f"{LIBRARIES[name]} is not installed")
    done = subprocess.run(
        [sys.executable, "-c", ANOTHER.format(name=f"lib{name}")],
        env=os.environ | {"LD_PRELOAD": str(library)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


THREAD = """
import ctypes, sys, threading
from harness.trial.meters.malloc_heaps import Heaps, libc

done, end = threading.Event(), threading.Event()
in_use = int(sys.argv[2])

def work():
    ctypes.memset(libc().malloc(in_use), 1, in_use)
    block = libc().malloc(100_000)
    if sys.argv[1] == "touched":
        ctypes.memset(block, 1, 100_000)
    libc().free(block)
    done.set()
    end.wait()

before = Heaps.now().looked_at().room_bytes
thread = threading.Thread(target=work)
thread.start()
done.wait()
after = Heaps.now()
print(len(after.arenas), after.room_bytes - before, after.looked_at().room_bytes - before)
end.set()
"""


@pytest.mark.skipif(not is_accounted(), reason="another allocator than glibc's")
@pytest.mark.parametrize("in_use", [20_000, 125_000])
@pytest.mark.parametrize(("how", "least", "most"), [("touched", 80, 160), ("untouched", -4, 16)])
def test_what_was_never_touched_in_an_arena_of_a_thread_is_no_room(
    how: str, least: int, most: int, in_use: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", THREAD, how, str(in_use)], capture_output=True, text=True, check=True
    )
    arenas, room_bytes, resident_bytes = map(int, done.stdout.split())
    assert arenas > 1
    assert room_bytes >= 90_000
    assert least * 1024 <= resident_bytes <= most * 1024


@pytest.mark.skipif(not is_accounted(), reason="another allocator than glibc's")
@pytest.mark.parametrize(
    ("name", "value"),
    [("mappings", lambda: None), ("_HEAP_BYTES", 1 << 46)],
    ids=["no maps", "heaps of another size"],
)
def test_where_heaps_cannot_be_found_all_that_is_free_counts(
    name: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"harness.trial.meters.thread_heaps.{name}", value)
    heaps = Heaps.parse(INFO).looked_at()
    assert heaps.resident is None
    assert heaps.room_bytes == Heaps.parse(INFO).room_bytes > 90_000
