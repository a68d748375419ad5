"""One batch in memory, overwritten by the next."""

from functools import partial

import numpy as np
import torch

from .costs import needs
from .gathering import rows_by_batch
from .mapping import layout
from .points import no_such_rows, strategy
from .reading import read_rows
from .samples import kind_of

reused = partial(strategy, group="reused batch", skip=no_such_rows, copies=needs(1))


def batch_memory(batch_size, shape, dtype):
    """A tensor for a batch, and an array for its rows: the same memory if of the same dtype."""
    x = torch.empty(min(batch_size, shape[0]), *shape[1:], dtype=kind_of(dtype))
    return x, x.numpy() if dtype == x.numpy().dtype else np.empty(x.shape, dtype)


def converted(rows, x):
    if rows.dtype != x.numpy().dtype:
        x.copy_(torch.from_numpy(rows))
    return x.div_(255) if rows.dtype == np.uint8 else x


@reused()
def preadv_reused(path, labels, batch_size, access):
    """Reads rows by preadv, always into the same memory."""
    offset, shape, dtype = layout(path)
    x, samples = batch_memory(batch_size, shape, dtype)
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        for rows in rows_by_batch(labels, batch_size, access):
            part = slice(len(rows))
            read_rows(file.fileno(), offset, rows, samples[part])
            yield converted(samples[part], x[part]), torch.from_numpy(labels[rows])


@reused()
def take_reused(path, labels, batch_size, access):
    """Gathers rows from a memmap, always into the same memory."""
    data = np.load(path, mmap_mode="r")
    x, samples = batch_memory(batch_size, data.shape, data.dtype)
    for rows in rows_by_batch(labels, batch_size, access):
        part = slice(len(rows))
        np.take(data, rows, axis=0, out=samples[part], mode="clip")  # "raise" would buffer
        yield converted(samples[part], x[part]), torch.from_numpy(labels[rows])
