"""Whole batches without a DataLoader: an order, and the rows of each batch."""

import numpy as np
import torch

from .costs import needs
from .points import all_but, by_row
from .samples import as_input, scaled


def rows_by_batch(labels, batch_size, access):
    """The row numbers of each batch of an epoch."""
    order = np.arange(len(labels))
    if access == "shuffled":
        np.random.default_rng().shuffle(order)
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


@by_row(copies=needs(kept=1))
def load_then_index(path, labels, batch_size, access):
    """Loads the whole file, and gathers the rows of each batch."""
    data = np.load(path)
    for rows in rows_by_batch(labels, batch_size, access):
        yield as_input(data[rows]), torch.from_numpy(labels[rows])


def gathered(data, labels, batch_size, access):
    """Batches of rows that NumPy gathers from a mapped file, with the GIL released."""
    for rows in rows_by_batch(labels, batch_size, access):
        yield as_input(data[rows]), torch.from_numpy(labels[rows])


@by_row(not_quick=all_but("sample_bytes", "dtype", "access", "page_cache"))
def memmap_index(path, labels, batch_size, access):
    """Gathers the rows of each batch from a memmap, which copies them."""
    return gathered(np.load(path, mmap_mode="r"), labels, batch_size, access)


@by_row()
def memmap_sorted_index(path, labels, batch_size, access):
    """Gathers them in the file's order: within a batch, order makes no difference."""
    data = np.load(path, mmap_mode="r")
    for rows in rows_by_batch(labels, batch_size, access):
        rows.sort()
        yield as_input(data[rows]), torch.from_numpy(labels[rows])


@by_row(copies=needs(by_torch=True))
def tensor_index(path, labels, batch_size, access):
    """Has torch gather them from a tensor over the mapped file, of which nothing is read yet."""
    data = torch.from_numpy(np.load(path, mmap_mode="c"))  # "r" cannot be written: torch warns
    for rows in rows_by_batch(labels, batch_size, access):
        yield scaled(data[torch.from_numpy(rows)]), torch.from_numpy(labels[rows])


@by_row()
def memmap_reopened(path, labels, batch_size, access):
    """Opens the memmap anew for every batch, so that its pages do not add up."""
    for rows in rows_by_batch(labels, batch_size, access):
        yield as_input(np.load(path, mmap_mode="r")[rows]), torch.from_numpy(labels[rows])
