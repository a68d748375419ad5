"""Reading instead of mapping, and reading ahead."""

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from .costs import needs
from .gathering import gathered, rows_by_batch
from .mapping import layout
from .points import all_but, by_row
from .samples import as_input


def read_rows(fd, offset, rows, samples):
    """Reads rows into an array, one by one."""
    for sample, row in zip(samples, rows.tolist(), strict=True):
        if os.preadv(fd, [sample], offset + row * sample.nbytes) < sample.nbytes:
            raise EOFError("the file has become shorter")


def read_batches(path, labels, batch_size, access, advise=None):
    """Batches of rows read by preadv(2), with advice on the file before the first one."""
    offset, shape, dtype = layout(path)
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        if advise is not None:
            os.posix_fadvise(file.fileno(), 0, 0, advise)
        for rows in rows_by_batch(labels, batch_size, access):
            samples = np.empty((len(rows), *shape[1:]), dtype)
            read_rows(file.fileno(), offset, rows, samples)
            yield as_input(samples), torch.from_numpy(labels[rows])


@by_row()
def preadv(path, labels, batch_size, access):
    """Reads each row by a system call, with no mapping and no page fault."""
    return read_batches(path, labels, batch_size, access)


@by_row()
def fadvise_random(path, labels, batch_size, access):
    """The same, and tells the kernel to read nothing ahead."""
    return read_batches(path, labels, batch_size, access, os.POSIX_FADV_RANDOM)


@by_row(not_quick=all_but("page_cache"))
def fadvise_willneed(path, labels, batch_size, access):
    """Asks for the rows of the next batch before it gathers those of this one."""
    data = np.load(path, mmap_mode="r")
    with open(path, "rb") as file:  # noqa: PTH123
        waiting = None
        for rows in rows_by_batch(labels, batch_size, access):
            for row in rows.tolist():
                start, size = data.offset + row * data[0].nbytes, data[0].nbytes
                os.posix_fadvise(file.fileno(), start, size, os.POSIX_FADV_WILLNEED)
            if waiting is not None:
                yield as_input(data[waiting]), torch.from_numpy(labels[waiting])
            waiting = rows
        yield as_input(data[waiting]), torch.from_numpy(labels[waiting])


def prefetched(batches, ahead=2):
    """Makes batches in a thread while others are used; it ends with its consumer."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        waiting = deque(thread.submit(next, batches, None) for _ in range(ahead))
        while (batch := waiting.popleft().result()) is not None:
            waiting.append(thread.submit(next, batches, None))
            yield batch


@by_row(copies=needs(4), not_quick=all_but("compute_ms"))
def thread_prefetch(path, labels, batch_size, access):
    """Gathers batches in a thread, two ahead of the one in use."""
    return prefetched(gathered(np.load(path, mmap_mode="r"), labels, batch_size, access))
