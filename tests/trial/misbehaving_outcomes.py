"""Strategies that end in every bad way that really happens, none of them by pretending."""

from __future__ import annotations

import ctypes
import errno
import mmap
import multiprocessing
import os
import queue
import resource
import signal
import threading
from collections.abc import Iterator
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset

from harness import Parameter, Scenario

MIB = 1024**2
_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000
_RECURSIVE, _PRIVATE, _READ_ONLY, _AGAIN = 0x4000, 1 << 18, 1, 32

outcomes = Scenario(
    "outcomes",
    question="What becomes of it?",
    baseline="survives",
    parameters={
        "size": Parameter(4096, axis=True),
        "num_workers": Parameter(0),
        "open_files": Parameter(1024),
    },
)


@outcomes.inputs
def data(size: int) -> Any:
    return np.ones(size, np.uint8)


@outcomes.check
def anything(data: Any, result: Any) -> None:
    """How it ends is the question."""


@outcomes.strategy(copies=1)
def survives(data: Any) -> Any:
    return data.copy()


# Deaths


@outcomes.strategy()
def negative_stride_through_dlpack(data: Any) -> Any:
    """torch throws where nobody catches."""
    return torch.utils.dlpack.from_dlpack(data[::-1])


@outcomes.strategy()
def writes_to_a_read_only_file(data: Any, folder: Path) -> None:
    path = folder / "data"
    data.tofile(path)
    tensor = torch.from_numpy(np.memmap(path, np.uint8, mode="r"))
    tensor[0] = 2


@outcomes.strategy()
def reads_where_a_file_was_cut_off(data: Any, folder: Path) -> int:
    path = folder / "data"
    path.write_bytes(bytes(4 * mmap.PAGESIZE))
    mapped = np.memmap(path, np.uint8, mode="r")
    os.truncate(path, mmap.PAGESIZE)
    return int(mapped[2 * mmap.PAGESIZE])


@outcomes.strategy()
def writes_to_a_full_shared_memory(data: Any) -> None:
    """Python gives what there is not: a /dev/shm of 1 MiB, which this process alone has."""
    mount_small_disk(Path("/dev/shm"))
    shared = SharedMemory(create=True, size=8 * MIB)
    np.ndarray(8 * MIB, np.uint8, shared.buf)[:: mmap.PAGESIZE] = 1


@outcomes.strategy()
def shares_more_than_there_is(data: Any) -> Any:
    """torch asks beforehand."""
    mount_small_disk(Path("/dev/shm"))
    return torch.ones(8 * MIB, dtype=torch.uint8).share_memory_()  # type: ignore[no-untyped-call]


class CutOff(Dataset[int]):
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> int:
        return reads_where_a_file_was_cut_off(np.ones(1, np.uint8), self.folder)


@outcomes.strategy()
def worker_reads_where_a_file_was_cut_off(data: Any, folder: Path) -> Any:
    return list(DataLoader(CutOff(folder), num_workers=1, multiprocessing_context="fork"))


@outcomes.strategy()
def kills_itself(data: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


# Hangs


@outcomes.strategy()
def waits_for_one_batch_too_many(data: Any) -> list[Any]:
    batches: queue.Queue[Any] = queue.Queue()
    for part in np.split(data, 4):
        threading.Thread(target=batches.put, args=(part,)).start()
    return [batches.get() for _ in range(5)]


@outcomes.strategy()
def producer_ends_early(data: Any) -> list[Any]:
    """Tensors lie in shared memory of the producer, which is gone when they are asked for."""
    batches: Any = multiprocessing.get_context("fork").Queue()
    producer = multiprocessing.get_context("fork").Process(target=batches.put, args=(data[:1],))
    producer.start()
    producer.join()
    return [batches.get(), batches.get()]


# What runs out


@outcomes.strategy()
def keeps_what_workers_send(data: Any, num_workers: int) -> list[Any]:
    dataset = TensorDataset(torch.from_numpy(data))
    context = "fork" if num_workers else None
    loader = DataLoader(dataset, 1, num_workers=num_workers, multiprocessing_context=context)
    return list(loader)


@outcomes.strategy()
def opens_too_many(data: Any) -> list[Any]:
    return [Path(os.devnull).open() for _ in range(2000)]


@outcomes.strategy()
def fills_the_disk(data: Any, folder: Path) -> None:
    mounted = mount_small_disk(folder, needed=False)
    with (folder / "data" if mounted else Path("/dev/full")).open("wb") as file:
        file.write(bytes(8 * MIB))


@outcomes.strategy()
def writes_where_nobody_may(data: Any, folder: Path) -> None:
    if mount_small_disk(folder, _READ_ONLY, needed=False):
        (folder / "data").write_bytes(b"1")
    place = folder / "inside"
    place.mkdir(mode=0o555)
    (place / "data").write_bytes(b"1")


def array_memory(size: int) -> Any:
    return np.ones(size, np.uint8)


def tensor_memory(size: int) -> Any:
    return torch.ones(size, dtype=torch.uint8)


def python_memory(size: int) -> Any:
    return [bytes(1000) for _ in range(size // 1000)]


def system_memory(size: int) -> Any:
    mapped = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    np.frombuffer(mapped, np.uint8)[:: mmap.PAGESIZE] = 1
    return mapped


@outcomes.strategy(copies=8)
def needs_array_memory(data: Any) -> Any:
    return array_memory(8 * data.nbytes)


@outcomes.strategy(copies=8)
def needs_tensor_memory(data: Any) -> Any:
    return tensor_memory(8 * data.nbytes)


@outcomes.strategy(copies=8)
def needs_python_memory(data: Any) -> Any:
    return python_memory(8 * data.nbytes)


@outcomes.strategy(copies=8)
def needs_system_memory(data: Any) -> Any:
    return system_memory(8 * data.nbytes)


@outcomes.strategy(copies=8)
def shares_eight_times(data: Any) -> Any:
    return torch.ones(8 * data.nbytes, dtype=torch.uint8).share_memory_()  # type: ignore[no-untyped-call]


def eight_times(data: Any) -> Any:
    return array_memory(8 * data.nbytes)


@outcomes.strategy(copies=0, setup=eight_times)
def needs_memory_in_setup(data: Any, made: Any) -> Any:
    return made


class Hungry(Dataset[torch.Tensor]):
    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.from_numpy(np.ones(self.size, np.uint8))[:1]


@outcomes.strategy(copies=8)
def worker_needs_memory(data: Any) -> Any:
    hungry = Hungry(8 * data.nbytes)
    return list(DataLoader(hungry, num_workers=1, multiprocessing_context="fork"))


@outcomes.strategy(copies=8)
def swallows_its_memory_error(data: Any) -> Any:
    """Falls back to less, which is its right, and still gives what it should."""
    try:
        return array_memory(8 * data.nbytes)
    except MemoryError:
        return data


@outcomes.strategy()
def leaves_nothing_at_all(data: Any) -> Any:
    """Takes memory in ever smaller pieces, and keeps all of it when it is refused."""
    if resource.getrlimit(resource.RLIMIT_DATA)[0] == resource.RLIM_INFINITY:
        return data  # to be warm; all of the address space would take half a minute
    kept: list[Any] = []
    piece = 64 * MIB
    while True:
        try:
            kept.append(mmap.mmap(-1, piece, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        except OSError:
            if piece == mmap.PAGESIZE:
                break
            piece //= 2
    while True:
        kept.append(bytes(64))


# Loaders under a limit

loaders = Scenario(
    "loaders",
    question="What becomes of their epochs?",
    baseline="reads_all",
    parameters={"size": Parameter(4096, axis=True)},
    epochs=True,
)


@loaders.inputs
def file(size: int, folder: Path) -> Any:
    path = folder / "data"
    np.ones(size, np.uint8).tofile(path)
    return path


@loaders.check
def all_of_it(path: Any, batches: Any) -> None:
    assert sum(int(batch.sum()) for batch in batches) == path.stat().st_size, "another sum"


@loaders.strategy(copies=1)
def reads_all(path: Any) -> Iterator[Any]:
    data = np.fromfile(path, np.uint8)
    yield from np.array_split(data, 4)


@loaders.strategy(copies=0)
def maps(path: Any) -> Iterator[Any]:
    yield from np.array_split(np.memmap(path, np.uint8, mode="r"), 4)


@loaders.strategy(copies=0)
def loses_one(path: Any) -> Iterator[Any]:
    yield from np.array_split(np.memmap(path, np.uint8, mode="r"), 4)[1:]


def mount_small_disk(folder: Path, flags: int = 0, *, needed: bool = True) -> bool:
    """Have this process alone see an empty disk of 1 MiB at ``folder``.

    Raises:
        PermissionError: it may not, and it is ``needed``.
    """
    libc = ctypes.CDLL(None, use_errno=True)

    def done(result: int) -> bool:
        return result == 0

    unshared = done(libc.unshare(_NEW_MOUNTS)) or done(libc.unshare(_NEW_MOUNTS | _NEW_USER))
    mounted = (
        unshared
        and done(libc.mount(None, b"/", None, _RECURSIVE | _PRIVATE, None))
        and done(libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", flags, b"size=1m"))
    )
    if needed and not mounted:
        raise PermissionError(errno.EPERM, "may not mount")
    return mounted
