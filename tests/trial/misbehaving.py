"""Scenarios whose strategies do everything a strategy should not, and some that are judged."""

from __future__ import annotations

import ctypes
import mmap
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness import Parameter, Scenario

GIB = 1024**3
_KEPT: dict[str, SharedMemory] = {}

misbehaving = Scenario(
    "misbehaving",
    question="What becomes of it?",
    baseline="behaves",
    parameters={"note": Parameter("", doc="a file to write process ids to")},
)


@misbehaving.inputs
def eight_numbers() -> Any:
    return np.arange(8.0)


@misbehaving.check
def anything(array: Any, result: Any) -> None:
    pass


@misbehaving.strategy()
def behaves(array: Any) -> Any:
    return array.copy()


@misbehaving.strategy()
def aborts(array: Any) -> None:
    os.abort()


@misbehaving.strategy()
def aborts_in_torch(array: Any) -> Any:
    """torch 2.13 throws where nobody catches."""
    return torch.utils.dlpack.from_dlpack(array[::-1])


@misbehaving.strategy()
def reads_address_zero(array: Any) -> None:
    ctypes.string_at(0)


@misbehaving.strategy()
def reads_beyond_the_file(array: Any) -> int:
    with tempfile.TemporaryFile() as file:
        file.truncate(mmap.PAGESIZE)
        with mmap.mmap(file.fileno(), mmap.PAGESIZE) as mapped:
            file.truncate(0)
            return mapped[0]


@misbehaving.strategy()
def waits_to_be_killed(array: Any, note: str) -> None:
    _note(note, os.getpid())
    time.sleep(600)


@misbehaving.strategy()
def hangs_with_family(array: Any, note: str) -> None:
    """A child, and a grandchild in a session of its own whose parent is gone."""
    child = subprocess.Popen(["sleep", "600"])
    _note(note, os.getpid(), child.pid, _orphan())
    time.sleep(600)


@misbehaving.strategy()
def leaves_family(array: Any, note: str) -> None:
    child = subprocess.Popen(["sleep", "600"])
    _note(note, child.pid, _orphan())


@misbehaving.strategy()
def leaves_shared_memory(array: Any, note: str) -> None:
    """Neither closed nor unlinked, and still in use when the trial ends."""
    Path(note).write_text(_KEPT.setdefault("block", SharedMemory(create=True, size=4096)).name)


@misbehaving.strategy()
def hangs_with_shared_memory(array: Any, note: str) -> None:
    leaves_shared_memory(array, note)
    time.sleep(600)


@misbehaving.strategy()
def numpy_out_of_memory(array: Any) -> Any:
    _limit_memory()
    return np.ones(64 * GIB, np.uint8)


@misbehaving.strategy()
def torch_out_of_memory(array: Any) -> Any:
    _limit_memory()
    return torch.ones(64 * GIB, dtype=torch.uint8)


@misbehaving.strategy()
def mmap_out_of_memory(array: Any) -> Any:
    _limit_memory()
    return mmap.mmap(-1, 64 * GIB)


@misbehaving.strategy()
def leaves_at_once(array: Any) -> None:
    os.write(2, b"so long\n")
    os._exit(3)


@misbehaving.strategy()
def leaves_politely(array: Any) -> None:
    sys.exit("had enough")


@misbehaving.strategy()
def is_interrupted(array: Any) -> None:
    raise KeyboardInterrupt


@misbehaving.strategy()
def raises(array: Any) -> None:
    raise ValueError("two\nlines")


@misbehaving.strategy()
def prints(array: Any) -> Any:
    """On every way there is to the file descriptor that hosts answer on."""
    sys.stdout.write('{"answer": 1}\n')
    os.write(1, b'{"answer": 2}\n')
    subprocess.run(["echo", "{}"], check=True)
    return array.copy()


@misbehaving.strategy()
def shows_environment(array: Any) -> None:
    raise RuntimeError(os.environ.get("FERRYBENCH_TEST", "not set"))


@misbehaving.strategy()
def kills_its_host(array: Any, note: str) -> None:
    _note(note, os.getpid())
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(600)


def _note(file: str, *pids: int) -> None:
    Path(file).with_suffix(".part").write_text(" ".join(map(str, pids)))
    Path(file).with_suffix(".part").rename(file)


def _orphan() -> int:
    """A process in a session of its own, whose parent has ended."""
    shell = subprocess.run(
        ["sh", "-c", "setsid sleep 600 >/dev/null 2>&1 & echo $!"],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(shell.stdout)


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (16 * GIB, 16 * GIB))


judged = Scenario(
    "judged",
    question="Is it right?",
    baseline="right",
    parameters={"size": Parameter(64 * 1024)},
)
sizes_seen: list[int] = []


@judged.inputs
def numbers(size: int) -> Any:
    return np.arange(size // 8, dtype=np.float64)


@judged.check
def equal(array: Any, result: Any, strategy: str, size: int) -> None:
    assert strategy, "the strategy's name is handed to checks that want it"
    assert size == array.nbytes
    assert result.shape == array.shape, f"shape {result.shape}, expected {array.shape}"
    assert (np.asarray(result) == array).all(), "other values"


@judged.strategy(copies=1, shares_memory=False)
def right(array: Any) -> Any:
    return array.copy()


@judged.strategy(shares_memory=True)
def shares(array: Any) -> Any:
    return torch.from_numpy(array)


@judged.strategy(shares_memory=False)
def shares_in_secret(array: Any) -> Any:
    return array[:]


@judged.strategy()
def other_values(array: Any) -> Any:
    return array + 1


@judged.strategy()
def no_array(array: Any) -> Any:
    """The check itself breaks on it."""
    return None


@judged.strategy(mutates=True, shares_memory=True)
def doubles_in_place_and_back(array: Any) -> Any:
    """Right only for an input that nobody has changed."""
    assert array[1] == 1, "the input was not restored"
    array[1] = 5
    result = array.view()
    result[1] = 1
    array[0] = 0
    array[1] = 1
    return result


@judged.strategy(mutates=True)
def spoils_its_input(array: Any) -> Any:
    assert array[-1] == len(array) - 1, "the input was not restored"
    result = array.copy()
    array[:] = -1
    return result


@judged.strategy()
def warns(array: Any) -> Any:
    warnings.warn("mind\nthe gap", UserWarning, stacklevel=1)
    return array.copy()


@judged.strategy()
def warmed_with(array: Any, size: int) -> Any:
    """Says in a warning of which sizes it was called."""
    sizes_seen.append(size)
    warnings.warn(f"{sizes_seen} {array.nbytes}", UserWarning, stacklevel=1)
    return array.copy()


def set_up(array: Any, size: int) -> Any:
    return np.full(len(array), size)


@judged.strategy(setup=set_up)
def wants_setup(array: Any, prepared: Any, size: int) -> Any:
    assert (prepared == size).all()
    return array.copy()


def leave_free_heap(array: Any) -> Any:
    """16 MiB in blocks too small to be mapped, freed but for the last, which keeps them there."""
    return [block(number) for number in range(256)][-1]


def block(number: int) -> bytes:
    return bytes([number % 255 + 1]) * 65536


@judged.strategy(setup=leave_free_heap)
def fills_the_heap(array: Any, kept: Any) -> Any:
    blocks = [block(number) for number in range(128)]
    return array.copy() if blocks else None
