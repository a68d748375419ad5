"""A Dataset returns samples, or is told all indices of a batch; a DataLoader makes batches."""

from functools import partial

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from .costs import INDEX_BYTES, LISTED_BYTES, loader_needs, needs
from .points import all_but, by_row, no_such_loader, shuffled
from .samples import as_input, rows_of_a_chunk


class Order:
    """Row numbers of an epoch, drawn anew for each: a sampler."""

    def __init__(self, dataset, access):
        self.rows = len(dataset)
        self.access = access
        self.chunk = rows_of_a_chunk(dataset.data) if access == "chunks" else self.rows

    def __len__(self):
        return self.rows

    def __iter__(self):
        if self.access == "sequential":
            return iter(range(self.rows))
        chunks = torch.arange(self.rows).split(self.chunk)
        order = [chunks[i] for i in torch.randperm(len(chunks))]
        return iter(torch.cat([rows[torch.randperm(len(rows))] for rows in order]).tolist())


def loader(dataset, batch_size, access, num_workers=0, start_method="fork", **options):
    """A DataLoader whose workers, if there are any, live as long as it does."""
    if num_workers:
        options |= {"persistent_workers": True, "multiprocessing_context": start_method}
    order = Order(dataset, access)
    return DataLoader(dataset, batch_size, sampler=order, num_workers=num_workers, **options)


class Rows(Dataset):
    def __init__(self, path, labels):
        self.data = np.load(path)
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return as_input(self.data[index]), self.labels[index]


@shuffled(copies=loader_needs(kept=1), skip=no_such_loader)
def load_into_memory(path, labels, batch_size, access, num_workers, start_method):
    """Loads the whole file, and indexes it sample by sample: what memory permits."""
    return loader(Rows(path, labels), batch_size, access, num_workers, start_method)


class MappedRows(Rows):
    def __init__(self, path, labels):
        self.data = np.load(path, mmap_mode="r")
        self.labels = labels

    def __getitem__(self, index):
        # A copy: torch warns of memory that it could not write to.
        return as_input(np.array(self.data[index])), self.labels[index]


def no_such_mapped_loader(access, **point):
    if access == "chunks":
        return "chunk_sampler does it in chunks"
    return no_such_loader(**point)


mapped_loader = partial(shuffled, skip=no_such_mapped_loader, copies=loader_needs(batches=3))


@mapped_loader(not_quick=all_but("page_cache", "num_workers"))
def memmap_dataset(path, labels, batch_size, access, num_workers, start_method):
    """A memmap that the Dataset opens at once; spawned workers are sent it as an array."""
    return loader(MappedRows(path, labels), batch_size, access, num_workers, start_method)


class MappedLater(MappedRows):
    def __init__(self, path, labels):
        self.path = path
        self.labels = labels
        self.data = None

    def __getitem__(self, index):
        if self.data is None:
            self.data = np.load(self.path, mmap_mode="r")
        return super().__getitem__(index)


@mapped_loader(at={"num_workers": 2})
def memmap_opened_late(path, labels, batch_size, access, num_workers, start_method):
    """A memmap that whoever needs its first sample opens: each worker its own."""
    return loader(MappedLater(path, labels), batch_size, access, num_workers, start_method)


class PlainRows(MappedRows):
    def __init__(self, path, labels):
        self.data = np.asarray(np.load(path, mmap_mode="r"))
        self.labels = labels


@by_row(
    copies=needs(3, of_a_row=LISTED_BYTES + INDEX_BYTES, tensors=1),
    not_quick=all_but("page_cache"),
)
def memmap_as_array(path, labels, batch_size, access):
    """The memmap as a plain array: a row of a memmap is another memmap, slow to make."""
    return loader(PlainRows(path, labels), batch_size, access)


# Whole batches by a DataLoader: the Dataset is told all indices of a batch.


class BatchesOfRows(MappedLater):
    def __getitems__(self, indices):
        if self.data is None:
            self.data = np.load(self.path, mmap_mode="r")
        return as_input(self.data[indices]), torch.from_numpy(self.labels[indices])


def unchanged(batch):
    return batch


@by_row(copies=needs(of_a_row=LISTED_BYTES + INDEX_BYTES))
def memmap_getitems(path, labels, batch_size, access):
    """Answers all indices of a batch in one call, and leaves nothing to collate."""
    return loader(BatchesOfRows(path, labels), batch_size, access, collate_fn=unchanged)


@shuffled(
    copies=needs(of_a_row=LISTED_BYTES + INDEX_BYTES),
    skip=no_such_loader,
    at={"num_workers": 2},
    not_quick=all_but("compute_ms"),
)
def getitems_workers(path, labels, batch_size, num_workers, start_method):
    """Does so in two workers, each of which opens the file for itself."""
    dataset = BatchesOfRows(path, labels)
    options = {"collate_fn": unchanged}
    return loader(dataset, batch_size, "shuffled", num_workers, start_method, **options)
