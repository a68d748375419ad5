"""Arenas of Python's small objects, against objects whose size is known."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from harness.trial.meters.python_arenas import _CLASS, _EACH, _EVER, _IN_USE, _POOLS, Arenas

pytestmark = pytest.mark.skipif(
    sys.implementation.name != "cpython", reason="CPython's allocator is what is asked"
)


COUNTED = """
from harness.trial.meters.python_arenas import Arenas, grain_bytes
before = Arenas.now()
large = bytes(64 * 1024**2)
between = Arenas.now()
small = [float(number) for number in range(500_000)]
after = Arenas.now()
assert len(large) + len(small) > 0
assert grain_bytes(before, between) == 0
assert grain_bytes(between, after) == after.each_bytes > 0
print((after.ever - between.ever) * after.each_bytes)
"""


def test_many_small_objects_take_arenas_and_a_large_one_does_not() -> None:
    # In a process of its own: one with other tests behind it has room for most of them.
    done = subprocess.run(
        [sys.executable, "-c", COUNTED], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    # 24 bytes each, in places of 32; what earlier arenas still have free is used first.
    assert 0.6 * 32 * 500_000 < int(done.stdout) <= 1.1 * 32 * 500_000


def test_reading_leaves_standard_error_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    Arenas.now()
    os.write(2, b"still mine\n")
    assert capfd.readouterr().err == "still mine\n"


def test_another_allocator_has_none() -> None:
    script = "from harness.trial.meters.python_arenas import Arenas as A; print(A.now() == A())"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONMALLOC": "malloc"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True\n"


@pytest.mark.skipif(not hasattr(sys, "_debugmallocstats"), reason="nothing is reported")
@pytest.mark.parametrize("part", [_EVER, _EACH, _IN_USE, _POOLS, _CLASS])
def test_a_report_without_a_part_says_nothing(
    part: re.Pattern[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    parse = Arenas.parse
    assert Arenas.now().room_bytes is not None
    monkeypatch.setattr(Arenas, "parse", lambda text: parse(part.sub(b"", text)))
    assert Arenas.now().room_bytes is None
