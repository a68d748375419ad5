"""In order: slices, and no gathering."""

import math
import mmap
import os
from functools import partial

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from .costs import loader_needs, needs
from .mapping import layout
from .points import ARTICLE, all_but, strategy
from .samples import as_input, scaled

in_order = partial(strategy, group="in order", at={"access": "sequential"})


@in_order(copies=needs(0, kept=1, of_a_row=0, views=2))
def load_then_slice(path, labels, batch_size):
    """Loads the whole file; batches are views of it."""
    data, labels = torch.from_numpy(np.load(path)), torch.from_numpy(labels)
    for x, y in zip(data.split(batch_size), labels.split(batch_size), strict=True):
        yield scaled(x), y


@in_order(copies=needs(0, of_a_row=0))
def slices_lazy(path, labels, batch_size):
    """Slices a tensor over the mapped file: it is the step that reads them, and waits."""
    data = torch.from_numpy(np.load(path, mmap_mode="c"))
    for start in range(0, len(data), batch_size):
        batch = slice(start, start + batch_size)
        yield scaled(data[batch]), torch.from_numpy(labels[batch])


def copied_slices(data, labels, batch_size):
    for start in range(0, len(data), batch_size):
        batch = slice(start, start + batch_size)
        yield as_input(np.array(data[batch])), torch.from_numpy(labels[batch])


@in_order(copies=needs(of_a_row=0), not_quick=all_but("page_cache"))
def slices_copied(path, labels, batch_size):
    """Copies slices of a memmap, so that they have been read when the step gets them."""
    return copied_slices(np.load(path, mmap_mode="r"), labels, batch_size)


@in_order(copies=needs(of_a_row=0))
def madvise_sequential(path, labels, batch_size):
    """The same, and tells the kernel to read ahead and forget what was read."""
    data = np.load(path, mmap_mode="r")
    data.base.madvise(mmap.MADV_SEQUENTIAL)
    return copied_slices(data, labels, batch_size)


@in_order(copies=needs(of_a_row=0, views=1))
def fromfile(path, labels, batch_size):
    """Reads each batch with np.fromfile, which opens the file every time."""
    offset, shape, dtype = layout(path)
    for y in torch.from_numpy(labels).split(batch_size):
        samples = np.fromfile(path, dtype, len(y) * math.prod(shape[1:]), offset=offset)
        offset += samples.nbytes
        yield as_input(samples.reshape(len(y), *shape[1:])), y


def read_batch(file, rows, shape, dtype):
    """The next rows of an open file."""
    samples = np.empty((rows, *shape[1:]), dtype)
    if file.readinto(samples) < samples.nbytes:
        raise EOFError("the file has become shorter")
    return as_input(samples)


@in_order(copies=needs(of_a_row=0, views=1))
def fadvise_sequential(path, labels, batch_size):
    """Reads batch after batch from the open file, and has the kernel read far ahead."""
    offset, shape, dtype = layout(path)
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        file.seek(offset)
        for y in torch.from_numpy(labels).split(batch_size):
            yield read_batch(file, len(y), shape, dtype), y


@in_order(copies=needs(of_a_row=0, views=1))
def fadvise_dontneed(path, labels, batch_size):
    """Puts what was read out of the page cache: others keep theirs, and every epoch is cold."""
    offset, shape, dtype = layout(path)
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        file.seek(offset)
        for y in torch.from_numpy(labels).split(batch_size):
            x = read_batch(file, len(y), shape, dtype)
            os.posix_fadvise(file.fileno(), 0, file.tell(), os.POSIX_FADV_DONTNEED)
            yield x, y


def forked_anew(dataset, batch_size, num_workers):
    """The published loader; on Linux, workers were forked by default when it was published."""
    method = "fork" if num_workers else None
    return DataLoader(dataset, batch_size, num_workers=num_workers, multiprocessing_context=method)


class PublishedRows(Dataset):
    def __init__(self, data, labels):
        self.data = data
        self.labels = labels

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        return torch.from_numpy(self.data[index]), self.labels[index]


@in_order(
    copies=loader_needs(),
    at={"num_workers": 2, "access": "sequential"},
    published=ARTICLE,
    in_quick=False,
)
def memmap_dataset_published(path, labels, batch_size, num_workers):
    """Makes tensors over the memmap, of which torch warns; its workers end with each epoch."""
    dataset = PublishedRows(np.load(path, mmap_mode="r"), labels)
    return forked_anew(dataset, batch_size, num_workers)
