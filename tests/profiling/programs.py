"""Functions whose memory is known: each line that takes any says so, in MiB, and no other does.

``peak`` is what the line needs for a moment, ``keeps`` what stays, ``files`` mapped pages.
"""

# ruff: noqa: RET504 — a line that allocates is not the one that returns
from __future__ import annotations

import functools
import mmap
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

N = 4 * 1024**2  # float64 elements of 32 MiB
RNG = np.random.default_rng(1)
POOL = ThreadPoolExecutor(1)


def file_of(host: int) -> str:
    """What is mapped in processes of a host, by the number of its own."""
    return str(Path(tempfile.gettempdir()) / f"ferrybench-test-{host}.npy")


def make_file(host: int) -> None:
    """32 MiB, in the page cache."""
    np.save(file_of(host), np.ones(N))


def kept() -> Any:
    a = np.ones(N)  # peak 32 keeps 32
    return a


def dropped() -> Any:
    x = RNG.random(N).astype("f4")  # peak 48 keeps 16
    return x


def looped() -> Any:
    out = []
    for index in range(4):
        a = np.full(N // 4, index, "f8")  # peak 8 keeps 8
        out.append(
            a.astype(
                "f4",
            )
        )  # peak 4 keeps 16
    return out


def called() -> Any:
    r = _made(N)  # peak 48 keeps 16
    s = r * 2  # peak 16 keeps 16
    del r  # keeps -16
    return s


def _made(count: int) -> Any:
    a = np.ones(count)  # peak 32 keeps 32
    return a.astype("f4")  # peak 16 keeps 16


def threaded() -> Any:
    a = POOL.submit(np.ones, N).result()  # peak 32 keeps 32
    return a


def mapped() -> Any:
    a = np.load(file_of(os.getppid()), mmap_mode="r")
    total = a.sum()  # files 32
    del a
    again = np.load(file_of(os.getppid()), mmap_mode="r").sum()  # files 32
    return total + again


def by_turns() -> None:
    a = np.load(file_of(os.getppid()), mmap_mode="r")
    for do in (a.sum, functools.partial(np.ones, N // 2)):
        do()  # peak 16 files 32


def shared() -> Any:
    block = mmap.mmap(-1, N * 8)
    a = np.frombuffer(block)
    a[:] = 1.0  # peak 32 keeps 32
    return a


def copied_on_write() -> Any:
    a = np.load(file_of(os.getppid()), mmap_mode="c")
    a[:] = 1.0  # peak 32 keeps 32
    return a


def in_holes() -> Any:
    blocks = [np.ones(1000, "u1") for _ in range(24000)]  # peak 26.1 keeps 26.1
    del blocks[::2]  # keeps -11.9
    again = [np.ones(1000, "u1") for _ in range(12000)]  # peak 11.9 keeps 11.9
    return blocks, again


def generated() -> Any:
    out = []
    for a in _parts():  # peak 8 keeps 24
        out.append(a)  # noqa: PERF402
    return out


def _parts() -> Iterator[Any]:
    for _ in range(3):
        yield np.ones(N // 4)  # peak 8 keeps 24


def comprehended() -> Any:
    double: Any = lambda one: one * 2  # noqa: E731  # peak 8 keeps 24
    parts = [double(np.ones(N // 4)) for _ in range(3)]  # peak 32 keeps 24
    return sum(float(one.sum()) for one in parts)


def _named(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any) -> Any:
        result = function(*args)  # peak 48 keeps 32
        return result

    return call


class Maker:
    """Has a method that allocates."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.made: Any = None

    @_named
    def method(self) -> None:
        self.made = np.ones(self.count)  # peak 32 keeps 32
        self.made.astype("f4").sum()  # peak 16


MAKER = Maker(N)
method = MAKER.method

KNOWN = (
    "kept",
    "dropped",
    "looped",
    "called",
    "threaded",
    "mapped",
    "by_turns",
    "shared",
    "copied_on_write",
    "in_holes",
    "generated",
    "comprehended",
    "method",
)


def yields() -> Iterator[Any]:
    a = np.ones(N)  # peak 32 keeps 32
    yield a.astype("f4")  # peak 16 keeps 16


def waits() -> None:
    for _ in range(200):
        pass
    time.sleep(0.2)


async def sleeps() -> None:
    time.sleep(0)


def raises() -> Any:
    a = np.ones(N)  # peak 32 keeps 32
    raise ValueError(f"no{a[0]}")


def never_ends() -> Any:
    a = np.ones(N)  # peak 32 keeps 32
    time.sleep(1000)
    return a


def dies() -> Any:
    a = np.ones(N)  # peak 32 keeps 32
    os.abort()
    return a


def dies_within() -> Any:
    return _dies_later()


def _dies_later() -> Any:
    a = np.ones(N).astype("f4")  # peak 48 keeps 16
    os.abort()
    return a


def forks() -> None:
    pid = os.fork()
    if pid == 0:
        np.ones(N)
        os._exit(0)
    os.waitpid(pid, 0)


def traces_itself() -> Any:
    import sys

    sys.settrace(lambda *_: None)
    return None


exec(compile("def sourceless():\n    return bytearray(1 << 25)\n", "<nowhere>", "exec"))
