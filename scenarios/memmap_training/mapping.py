"""Advice on a mapping, and other ways to map."""

import math
import mmap
from functools import partial

import numpy as np
import torch

from .costs import needs
from .gathering import gathered, rows_by_batch
from .points import by_row
from .samples import scaled


@by_row()
def madvise_random(path, labels, batch_size, access):
    """Tells the kernel that a row says nothing of the next: it reads no more than is asked for."""
    data = np.load(path, mmap_mode="r")
    data.base.madvise(mmap.MADV_RANDOM)
    return gathered(data, labels, batch_size, access)


@by_row()
def madvise_willneed(path, labels, batch_size, access):
    """Has the kernel begin to read the whole file before the first batch is asked for."""
    data = np.load(path, mmap_mode="r")
    data.base.madvise(mmap.MADV_WILLNEED)
    return gathered(data, labels, batch_size, access)


@by_row()
def madvise_dontneed(path, labels, batch_size, access):
    """Lets go of the mapped pages after every batch; they stay in the page cache."""
    data = np.load(path, mmap_mode="r")
    for batch in gathered(data, labels, batch_size, access):
        data.base.madvise(mmap.MADV_DONTNEED)
        yield batch


def layout(path):
    """Where in the file the samples begin, their shape and dtype."""
    data = np.load(path, mmap_mode="r")
    return data.offset, data.shape, data.dtype


@by_row()
def map_populate(path, labels, batch_size, access):
    """Maps every page when the file is opened, so that none is faulted in later."""
    offset, shape, dtype = layout(path)
    with open(path, "rb") as file:  # noqa: PTH123
        flags = mmap.MAP_SHARED | mmap.MAP_POPULATE
        mapped = mmap.mmap(file.fileno(), 0, flags=flags, prot=mmap.PROT_READ)
    data = np.frombuffer(mapped, dtype, math.prod(shape), offset).reshape(shape)
    return gathered(data, labels, batch_size, access)


by_torch = partial(by_row, copies=needs(by_torch=True))


def selected(data, labels, batch_size, access):
    """Batches of rows that torch gathers from a tensor."""
    for rows in rows_by_batch(labels, batch_size, access):
        yield scaled(data.index_select(0, torch.from_numpy(rows))), torch.from_numpy(labels[rows])


@by_torch()
def torch_from_file(path, labels, batch_size, access):
    """Has torch map the file; what stands before the samples counts as values too."""
    offset, shape, dtype = layout(path)
    before, values = offset // dtype.itemsize, math.prod(shape)
    kind = getattr(torch, dtype.name)
    data = torch.from_file(str(path), shared=False, size=before + values, dtype=kind)
    return selected(data[before:].view(shape), labels, batch_size, access)


@by_torch(in_quick=False)
def storage_from_file(path, labels, batch_size, access):
    """The same by the storage that torch.from_file makes."""
    offset, shape, dtype = layout(path)
    size = offset + math.prod(shape) * dtype.itemsize
    storage = torch.UntypedStorage.from_file(str(path), shared=False, nbytes=size)
    data = torch.empty(0, dtype=getattr(torch, dtype.name))
    data.set_(storage, offset // dtype.itemsize, shape)
    return selected(data, labels, batch_size, access)
