"""From an array in memory to batches: every way there is, and what each costs a sample."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    TensorDataset,
    get_worker_info,
)

from harness import Parameter, Scenario
from harness.batches import START_METHODS, number_rows, verify_epoch
from harness.scenario import KIB, MIB
from harness.trial.device.accelerator import why_none

ARTICLE = "How can a large NumPy array be efficiently converted to a PyTorch DataLoader?"
BATCH_SIZES = (1, 8, 64, 512, 4096)
SAMPLE_BYTES = (16, 256, KIB, 16 * KIB, 128 * KIB, MIB)
WORKERS = (0, 1, 2, 4)
EITHER = (False, True)
SHARING = ("file_descriptor", "file_system")

beside_workers = partial(Parameter, beside={"num_workers": 2})

scenario = Scenario(
    "loader_from_array",
    question="How should batches be made from an array in memory, and what does each sample cost?",
    baseline="tensor_dataset",
    order=40,
    groups={
        "per sample": "if samples are read one by one",
        "per batch": "if a dataset reads a whole batch at once",
        "share": "if the memory may be shared",
        "no DataLoader": "if you need no DataLoader",
        "one order": "if one order will do for every epoch",
        "reused batch": "if each batch may overwrite the one before",
        "labels": "if labels come with the samples",
    },
    epochs=True,
    parameters={
        "size": Parameter(
            2 * MIB,
            usual=(2 * MIB, 32 * MIB),
            full=(2 * MIB, 32 * MIB, 256 * MIB),
            axis=True,
            doc="bytes of the data",
        ),
        "sample_bytes": Parameter(
            KIB,
            quick=(256, KIB, 16 * KIB),
            usual=SAMPLE_BYTES,
            full=SAMPLE_BYTES,
            doc="bytes of one sample, a row of float32",
        ),
        "batch_size": Parameter(64, quick=(16, 64, 512), usual=BATCH_SIZES, full=BATCH_SIZES),
        "shuffle": Parameter(False, choices=EITHER, quick=EITHER, usual=EITHER, full=EITHER),
        "num_workers": Parameter(0, quick=(0, 2), usual=WORKERS, full=WORKERS),
        "pin_memory": Parameter(False, choices=EITHER, quick=EITHER, usual=EITHER, full=EITHER),
        "persistent_workers": beside_workers(False, choices=EITHER, usual=EITHER, full=EITHER),
        "prefetch_factor": beside_workers(
            2, usual=(1, 2, 8), full=(1, 2, 8, 32), doc="batches each worker makes ahead"
        ),
        "start_method": Parameter(
            "fork",
            choices=START_METHODS,
            usual=START_METHODS,
            full=START_METHODS,
            # A spawned worker takes seconds to begin: once is enough.
            beside={"num_workers": 2, "persistent_workers": True},
            doc="how worker processes begin",
        ),
        "sharing_strategy": beside_workers(
            "file_descriptor", choices=SHARING, usual=SHARING, full=SHARING
        ),
    },
)


@scenario.inputs
def data_and_labels(size, sample_bytes, rng):
    rows = max(2, size // sample_bytes)
    data = np.empty((rows, sample_bytes // 4), np.float32)
    rng.random(out=data, dtype=np.float32)  # no value of which a smaller dtype would hold
    return number_rows(data), rng.integers(0, 2**40, rows)


# Points that make no sense.

LONGEST = 2**22
"""Samples of the longest epoch that is worth its time through a DataLoader: some 20 seconds."""


def readable(size):
    for unit, name in ((MIB, "MiB"), (KIB, "KiB")):
        if size >= unit and size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size} B"


def no_such_batches(size, sample_bytes, batch_size):
    if sample_bytes < 4 or sample_bytes % 4:
        return f"a sample of {sample_bytes} B is no row of float32"
    if size < sample_bytes:
        return f"a sample of {readable(sample_bytes)} does not fit into {readable(size)} of data"
    return None if batch_size > 0 else f"a batch cannot hold {batch_size} samples"


def no_such_loader(
    size,
    sample_bytes,
    batch_size,
    num_workers,
    pin_memory,
    persistent_workers,
    prefetch_factor,
    start_method,
):
    if num_workers < 0:
        return f"there cannot be {num_workers} workers"
    if prefetch_factor < 1:
        return f"a worker cannot make {prefetch_factor} batches ahead"
    if not num_workers and (persistent_workers, prefetch_factor, start_method) != UNSAID:
        return "persistent_workers, prefetch_factor and start_method mean nothing without workers"
    if pin_memory and (missing := why_none()):
        return missing
    if sample_bytes > 0 and size // sample_bytes > LONGEST:
        return f"one by one, {size // sample_bytes} samples take minutes an epoch"
    return no_such_batches(size, sample_bytes, batch_size)


UNSAID = (False, 2, "fork")


def only_in_order(size, sample_bytes, batch_size, shuffle):
    if shuffle:
        return "slices come in the data's order"
    return no_such_batches(size, sample_bytes, batch_size)


def only_shuffled(size, sample_bytes, batch_size, shuffle):
    if not shuffle:
        return "a way to shuffle, where nothing is to be shuffled"
    return no_such_batches(size, sample_bytes, batch_size)


# Cost models. A batch is held until the next has come, so that there are two at a time.

LABEL_BYTES = 8
INDEX_BYTES = 8
"""Of a row in torch.randperm."""
LISTED_BYTES = 40
"""Of a row in a list of Python integers, which is what a RandomSampler goes through."""
VIEW_BYTES = 600
"""Of a tensor, apart from its data."""


def count(size, sample_bytes):
    return max(2, size // sample_bytes)


def of_inputs(needed, size, sample_bytes):
    return needed / (count(size, sample_bytes) * (sample_bytes + LABEL_BYTES))


def needs(batches=0, *, of_a_row=0, views=0):
    """The cost model of a loop: so many batches at a time, beside what lives for an epoch.

    Args:
        batches: alive at a time.
        of_a_row: bytes for each row of the data.
        views: tensors for each batch of the epoch, all made before the first.
    """

    def copies(size, sample_bytes, batch_size):
        rows = count(size, sample_bytes)
        needed = min(batches * batch_size, rows) * sample_bytes + rows * of_a_row
        needed += views * VIEW_BYTES * -(-rows // batch_size)
        return of_inputs(needed, size, sample_bytes)

    return copies


def loader_needs(tensors=0, *, kept=0.0, pickled=0):
    """The cost model of a DataLoader in its own process: two batches, unless workers make them.

    Args:
        tensors: made of each sample before they are stacked.
        kept: copies of the inputs that the Dataset keeps.
        pickled: copies of the data that workers are handed if they are not forked.
    """

    def copies(size, sample_bytes, batch_size, shuffle, num_workers, start_method):
        rows = count(size, sample_bytes)
        needed = min(batch_size, rows) * tensors * VIEW_BYTES
        needed += min(2 * batch_size, rows) * sample_bytes
        if num_workers:
            needed = 0 if start_method == "fork" else pickled * rows * sample_bytes
        if shuffle:  # the order is made of a tensor, which is gone when the first batch is made
            needed = rows * LISTED_BYTES + max(rows * INDEX_BYTES, needed)
        return kept + of_inputs(needed, size, sample_bytes)

    return copies


def in_workers(num_workers, persistent_workers=False, prefetch_factor=2, start_method="fork"):
    if num_workers == 0:
        return {}  # which a DataLoader without workers insists on
    return {
        "num_workers": num_workers,
        "persistent_workers": persistent_workers,
        "prefetch_factor": prefetch_factor,
        "multiprocessing_context": start_method,
    }


# One sample at a time: the Dataset returns samples, and the DataLoader makes batches of them.

loader = partial(scenario.strategy, skip=no_such_loader, shares_memory=False)
per_sample = partial(loader, group="per sample")


@per_sample(copies=loader_needs(tensors=1, pickled=1))
def tensor_dataset(
    data,
    labels,
    batch_size,
    shuffle,
    num_workers,
    pin_memory,
    persistent_workers,
    prefetch_factor,
    start_method,
):
    """Shares the array, indexes it sample by sample, and stacks the samples."""
    options = in_workers(num_workers, persistent_workers, prefetch_factor, start_method)
    dataset = TensorDataset(torch.from_numpy(data))
    return DataLoader(dataset, batch_size, shuffle, pin_memory=pin_memory, **options)


class Rows(Dataset):
    def __init__(self, data):
        self.data = data

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        return self.data[index]


@per_sample(copies=loader_needs(tensors=1, pickled=2))
def numpy_getitem(
    data,
    labels,
    batch_size,
    shuffle,
    num_workers,
    pin_memory,
    persistent_workers,
    prefetch_factor,
    start_method,
):
    """Has the Dataset return NumPy rows; default_collate makes each of them a tensor."""
    options = in_workers(num_workers, persistent_workers, prefetch_factor, start_method)
    return DataLoader(Rows(data), batch_size, shuffle, pin_memory=pin_memory, **options)


# Whole batches: the Dataset is told all indices of a batch and answers with the batch.

per_batch = partial(loader, group="per batch", copies=loader_needs())


class RowsAtOnce(Dataset):
    def __init__(self, data):
        self.data = torch.from_numpy(data)

    def __len__(self):
        return len(self.data)

    def __getitems__(self, indices):
        return self.data[indices]


def unchanged(batch):
    return batch


@per_batch()
def getitems(data, labels, batch_size, shuffle, num_workers, pin_memory):
    """Answers all indices of a batch in one call, and leaves nothing to collate."""
    return DataLoader(
        RowsAtOnce(data),
        batch_size,
        shuffle,
        collate_fn=unchanged,
        pin_memory=pin_memory,
        **in_workers(num_workers),
    )


def arrays_received(size, sample_bytes, batch_size, shuffle, num_workers, start_method):
    """From workers, arrays come as bytes: these and the arrays made of them, in this process."""
    here = loader_needs()(size, sample_bytes, batch_size, shuffle, num_workers, start_method)
    received = needs(batches=4)(size, sample_bytes, batch_size) if num_workers else 0
    return here + received


class ArraysAtOnce(Rows):
    def __getitems__(self, indices):
        return self.data[indices]


class AsTensors:
    """Makes tensors of the arrays that a loader gives."""

    def __init__(self, loader):
        self.loader = loader

    def __len__(self):
        return len(self.loader)

    def __iter__(self):
        return map(torch.from_numpy, self.loader)


@per_batch(copies=arrays_received, in_quick=False)
def getitems_numpy(data, labels, batch_size, shuffle, num_workers):
    """The same with arrays, of which tensors are made where they arrive."""
    loader = DataLoader(
        ArraysAtOnce(data), batch_size, shuffle, collate_fn=unchanged, **in_workers(num_workers)
    )
    return AsTensors(loader)


@per_batch()
def batch_sampler(data, labels, batch_size, shuffle, num_workers, pin_memory):
    """Samples lists of indices in place of single ones; a TensorDataset takes either."""
    dataset = TensorDataset(torch.from_numpy(data))
    order = RandomSampler(dataset) if shuffle else SequentialSampler(dataset)
    batches = BatchSampler(order, batch_size, drop_last=False)
    options = in_workers(num_workers)
    return DataLoader(dataset, batch_size=None, sampler=batches, pin_memory=pin_memory, **options)


class Batches(IterableDataset):
    """Each worker makes every n-th batch of an order that all of them draw alike."""

    def __init__(self, data, batch_size, shuffle):
        self.data = torch.from_numpy(data)
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.epoch = 0

    def __iter__(self):
        info = get_worker_info()
        first, step = (info.id, info.num_workers) if info else (0, 1)
        self.epoch += 1
        if self.shuffle:
            # Workers are seeded apart, from a seed they share, and persistent ones only once.
            seed = info.seed - info.id + self.epoch if info else int(torch.randint(2**40, ()))
            order = torch.randperm(len(self.data), generator=torch.Generator().manual_seed(seed))
        else:
            order = torch.arange(len(self.data))
        for indices in order.split(self.batch_size)[first::step]:
            yield self.data[indices]


def order_in_one_process(size, sample_bytes, batch_size, num_workers):
    in_order = needs(batches=2, of_a_row=INDEX_BYTES, views=1)
    return 0 if num_workers else in_order(size, sample_bytes, batch_size)


@per_batch(copies=order_in_one_process)
def iterable_dataset(data, labels, batch_size, shuffle, num_workers, pin_memory):
    """Iterates over batches in the Dataset, which shuffles and shares work among workers."""
    dataset = Batches(data, batch_size, shuffle)
    options = in_workers(num_workers)
    return DataLoader(dataset, batch_size=None, pin_memory=pin_memory, **options)


# Share: batches are views of the array, which no copy could be cheaper than.

share = partial(scenario.strategy, group="share", copies=0, shares_memory=True, skip=only_in_order)


@share()
def slices(data, labels, batch_size):
    """Slices the tensor, batch by batch; nothing is read before it is used."""
    tensor = torch.from_numpy(data)
    for start in range(0, len(tensor), batch_size):
        yield tensor[start : start + batch_size]


@share(copies=needs(views=1))
def split(data, labels, batch_size):
    """Makes all slices in one call, once for all epochs; nothing is read yet either."""
    return torch.from_numpy(data).split(batch_size)


# No DataLoader: what shuffling takes, written out.

shuffled = partial(scenario.strategy, shares_memory=False, skip=only_shuffled, at={"shuffle": True})
order_and_two_batches = needs(batches=2, of_a_row=INDEX_BYTES, views=1)
no_loader = partial(shuffled, group="no DataLoader", copies=order_and_two_batches)


@no_loader()
def randperm_index_select(data, labels, batch_size):
    """Draws an order and gathers the rows of each batch."""
    tensor = torch.from_numpy(data)
    for indices in torch.randperm(len(tensor)).split(batch_size):
        yield tensor.index_select(0, indices)


@no_loader()
def randperm_index(data, labels, batch_size):
    """The same by t[indices]."""
    tensor = torch.from_numpy(data)
    for indices in torch.randperm(len(tensor)).split(batch_size):
        yield tensor[indices]


@no_loader(copies=needs(batches=2, of_a_row=INDEX_BYTES))
def numpy_permutation(data, labels, batch_size):
    """The same in NumPy, whose batches torch then shares."""
    order = np.random.default_rng().permutation(len(data))
    for start in range(0, len(data), batch_size):
        yield torch.from_numpy(data[order[start : start + batch_size]])


def of_the_whole(size, sample_bytes, batch_size):
    """A copy of the data, made by an order, and then its slices."""
    copied = needs(of_a_row=sample_bytes + INDEX_BYTES)(size, sample_bytes, batch_size)
    sliced = needs(of_a_row=sample_bytes, views=1)(size, sample_bytes, batch_size)
    return max(copied, sliced)


@no_loader(copies=of_the_whole)
def reorder_then_slice(data, labels, batch_size):
    """Gathers the whole array in a new order for every epoch, then slices that."""
    tensor = torch.from_numpy(data)
    yield from tensor[torch.randperm(len(tensor))].split(batch_size)


def prefetched(batches, ahead=2):
    """Makes batches in a thread while others are used; it ends with its consumer."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        waiting = deque(thread.submit(next, batches, None) for _ in range(ahead))
        while (batch := waiting.popleft().result()) is not None:
            waiting.append(thread.submit(next, batches, None))
            yield batch


def shuffled_batches(data, batch_size):
    tensor = torch.from_numpy(data)
    for indices in torch.randperm(len(tensor)).split(batch_size):
        yield tensor.index_select(0, indices)


@no_loader(copies=needs(batches=4, of_a_row=INDEX_BYTES, views=1))
def thread_prefetch(data, labels, batch_size):
    """Gathers batches in a thread, two ahead of the one in use."""
    return prefetched(shuffled_batches(data, batch_size))


# Weaker promises: one order for all epochs, or one buffer for all batches.


@shuffled(group="one order", copies=of_the_whole)
def shuffle_once(data, labels, batch_size):
    """Shuffles when the loader is made; epochs slice that copy, and read nothing themselves."""
    tensor = torch.from_numpy(data)
    return tensor[torch.randperm(len(tensor))].split(batch_size)


@shuffled(group="reused batch", copies=needs(batches=1, of_a_row=INDEX_BYTES, views=1))
def index_select_out(data, labels, batch_size):
    """Gathers every batch into the same memory."""
    tensor = torch.from_numpy(data)
    buffer = torch.empty(batch_size, *tensor.shape[1:], dtype=tensor.dtype)
    for indices in torch.randperm(len(tensor)).split(batch_size):
        yield torch.index_select(tensor, 0, indices, out=buffer[: len(indices)])


# Labels beside the data: batches of both.

AS_WITHOUT = ("sample_bytes", "batch_size")
BUT_WORKERS = (*AS_WITHOUT, "num_workers")
with_labels = partial(loader, group="labels", copies=loader_needs(tensors=2), not_quick=AS_WITHOUT)


@with_labels(not_quick=BUT_WORKERS)
def tensor_dataset_labels(data, labels, batch_size, shuffle, num_workers, pin_memory):
    """Indexes both tensors for every sample, and stacks both."""
    dataset = TensorDataset(torch.from_numpy(data), torch.from_numpy(labels))
    options = in_workers(num_workers)
    return DataLoader(dataset, batch_size, shuffle, pin_memory=pin_memory, **options)


class Labelled(Dataset):
    def __init__(self, data, labels):
        self.data = torch.from_numpy(data)
        self.labels = torch.from_numpy(labels)

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        return self.data[index], self.labels[index]


@with_labels(not_quick=BUT_WORKERS)
def custom_dataset(data, labels, batch_size, shuffle, num_workers, pin_memory):
    """A custom Dataset that shares the arrays."""
    dataset = Labelled(data, labels)
    options = in_workers(num_workers)
    return DataLoader(dataset, batch_size, shuffle, pin_memory=pin_memory, **options)


class Converted(Labelled):
    def __init__(self, data, labels):
        super().__init__(data.astype(np.float32), labels.astype(np.int64))


@with_labels(copies=loader_needs(tensors=2, kept=1.0), published=ARTICLE)
def custom_dataset_published(data, labels, batch_size, shuffle, num_workers, pin_memory):
    """The same, but for a cast that copies even where the dtype is right already."""
    dataset = Converted(data, labels)
    options = in_workers(num_workers)
    return DataLoader(dataset, batch_size, shuffle, pin_memory=pin_memory, **options)


@shuffled(group="labels", copies=order_and_two_batches, not_quick=AS_WITHOUT)
def randperm_labels(data, labels, batch_size):
    """Gathers both by the same indices, without a DataLoader."""
    data, labels = torch.from_numpy(data), torch.from_numpy(labels)
    for indices in torch.randperm(len(data)).split(batch_size):
        yield data.index_select(0, indices), labels.index_select(0, indices)


@scenario.check
def one_epoch(data, labels, result, group, batch_size, shuffle):
    return verify_epoch(
        result,
        data,
        labels if group == "labels" else None,
        batch_size=batch_size,
        shuffle=shuffle,
        reused=group == "reused batch",
    )
