"""From samples in a file on disk to training: every way to feed them, from the disk or from memory.

A file by np.save holds the samples, one a row; their labels are in memory. Each batch is (x, y), x
of float32, whatever the file has. A training step is taken on every batch, and what counts is how
long it had to wait.
"""

import itertools
import json
import math
import mmap
import multiprocessing
import os
import shutil
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from harness import Parameter, Scenario
from harness.batches import START_METHODS, verify_file_epoch
from harness.scenario import KIB, MIB
from harness.scenario.checks import close_values
from harness.scenario.npy import read_npy
from harness.scenario.sample_files import (
    HEADER_BYTES,
    as_floats,
    copy_leading,
    label_samples,
    read_header,
    write_samples,
)
from harness.scenario.training_step import STEPS, make_step

ARTICLE = "How can I efficiently use NumPy memmap for PyTorch neural network training?"
SAMPLE_BYTES = (512, KIB, 2 * KIB, 4 * KIB, 4 * KIB + 256, 16 * KIB, 64 * KIB, MIB)
ON_DISK = ("float32", "uint8", "float16")
ORDERS = ("shuffled", "sequential")
WORKERS = (0, 1, 2, 4)

scenario = Scenario(
    "memmap_training",
    question="How should samples in a file on disk be fed to training, and when does it wait?",
    baseline="load_into_memory",
    epochs=True,
    watched=True,
    parameters={
        "size": Parameter(
            8 * MIB,
            usual=(64 * MIB, 512 * MIB),
            full=(64 * MIB, 512 * MIB, 4096 * MIB),
            axis=True,
            doc="bytes of the samples in the file; of a larger file of your own, the first",
        ),
        "sample_bytes": Parameter(
            4 * KIB,
            quick=(2 * KIB, 4 * KIB, 16 * KIB),
            usual=SAMPLE_BYTES,
            doc="bytes of a sample as float32; a file of your own has its own",
        ),
        "batch_size": Parameter(64, usual=(16, 64, 512)),
        "dtype": Parameter(
            "float32",
            choices=(*ON_DISK, "float64"),
            quick=("float32", "uint8"),
            usual=ON_DISK,
            full=ON_DISK,
            doc="of the samples in the file; bytes become 0…1",
        ),
        "access": Parameter(
            "shuffled",
            choices=(*ORDERS, "chunks"),
            quick=ORDERS,
            usual=ORDERS,
            full=ORDERS,
            doc="the order of the samples; chunks: neighbours stay near each other",
        ),
        "page_cache": Parameter(
            "warm",
            choices=("warm", "cold"),
            quick=("warm", "cold"),
            usual=("warm", "cold"),
            full=("warm", "cold"),
            doc="whether the file is in memory before each epoch",
        ),
        "num_workers": Parameter(0, quick=(0, 2), usual=WORKERS, doc="persistent workers"),
        "start_method": Parameter(
            "fork",
            choices=START_METHODS,
            usual=START_METHODS,
            beside={"num_workers": 2},
            doc="how worker processes begin",
        ),
        "step": Parameter(
            "linear",
            choices=STEPS,
            usual=STEPS,
            doc="what is done with a batch: a linear model or a small convolutional net learns "
            "from it, work of compute_ms, or only reading it",
        ),
        "compute_ms": Parameter(
            1.0,
            quick=(0.3, 1.0, 3.0),
            usual=(0.1, 0.3, 1.0, 3.0, 10.0),
            beside={"step": "compute"},
            doc="milliseconds of a step that computes",
        ),
        "data_offset": Parameter(
            HEADER_BYTES,
            choices=(HEADER_BYTES, 4 * KIB),
            usual=(HEADER_BYTES, 4 * KIB),
            beside={"page_cache": "cold"},
            doc="where the samples begin: np.save puts them 128 bytes into a page",
        ),
        "threads": Parameter(1, usual=(1, "all"), doc="threads torch may use"),
        "npy": Parameter("", doc="a file of your own, by np.save, in place of made samples"),
    },
)


def values_of(sample_bytes, npy):
    """How many values a sample has."""
    return math.prod(read_header(npy).shape[1:]) if npy else sample_bytes // 4


def row_bytes(sample_bytes, dtype, npy):
    """What a sample takes in the file."""
    return read_header(npy).row_bytes if npy else sample_bytes // 4 * np.dtype(dtype).itemsize


def count(size, sample_bytes, dtype, npy):
    rows = max(2, size // row_bytes(sample_bytes, dtype, npy))
    return min(rows, read_header(npy).rows) if npy else rows


@scenario.inputs
def file_and_labels(size, sample_bytes, dtype, data_offset, npy, folder, rng):
    path = Path(folder) / "samples.npy"
    if not npy:
        rows = count(size, sample_bytes, dtype, npy)
        return path, write_samples(path, rows, sample_bytes // 4, dtype, rng, offset=data_offset)
    if read_npy(Path(npy)).data_bytes > size:
        copy_leading(npy, path, size)
    else:
        path.symlink_to(Path(npy).resolve())
    return path, label_samples(path)


@scenario.step
def step(step, sample_bytes, compute_ms, npy):
    return make_step(step, values_of(sample_bytes, npy), compute_ms)


# Points that make no sense.

LEAST_VALUES = 16
"""So that no two samples of bytes are alike."""


def readable(size):
    for unit, name in ((MIB, "MiB"), (KIB, "KiB")):
        if size >= unit and size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size} B"


def no_such_epoch(size, sample_bytes, batch_size, step, compute_ms, npy):
    if not npy and (sample_bytes % 4 or sample_bytes < 4 * LEAST_VALUES):
        return f"a sample of {sample_bytes} B is no row of {LEAST_VALUES} or more float32"
    if not npy and size < sample_bytes:
        return f"a sample of {readable(sample_bytes)} does not fit into {readable(size)} of data"
    if compute_ms < 0:
        return f"a step cannot take {compute_ms:g} ms"
    if step != "compute" and compute_ms != scenario.parameters["compute_ms"].default:
        return "compute_ms means nothing but for step=compute"
    return None if batch_size > 0 else f"a batch cannot hold {batch_size} samples"


def no_such_rows(size, sample_bytes, batch_size, step, compute_ms, npy, access):
    if access == "chunks":
        return "rows are taken one by one; chunk_shuffle and its neighbours take chunks"
    return no_such_epoch(size, sample_bytes, batch_size, step, compute_ms, npy)


def no_such_loader(
    size, sample_bytes, batch_size, step, compute_ms, npy, num_workers, start_method
):
    if num_workers < 0:
        return f"there cannot be {num_workers} workers"
    if not num_workers and start_method != "fork":
        return "start_method means nothing without workers"
    return no_such_epoch(size, sample_bytes, batch_size, step, compute_ms, npy)


# Cost models, in multiples of the file and its labels. A batch is held until the next has come.

LABEL_BYTES = 8
INDEX_BYTES = 8
"""Of a row in a permutation."""
LISTED_BYTES = 40
"""Of a row in a list of Python integers, which is what a sampler goes through."""
VIEW_BYTES = 600
"""Of a tensor, apart from its data."""
GAPS = 4
"""Batches that would fit into what glibc leaves unused between blocks that are aligned as torch's
are: none or a dozen, by chance of the addresses."""
CHUNK_BYTES = 2**20
CHUNKS = 4
"""Shuffled together, or held in a window."""


def needs(
    batches=2,
    *,
    kept=0.0,
    of_a_row=INDEX_BYTES,
    tensors=0,
    views=0,
    pools=0,
    temporaries=0,
    by_torch=False,
):
    """The cost model of a loop in its own process.

    Args:
        batches: of float32 alive at a time. Where the file has another dtype, no batch is a view
            of it, and there is one more as it is in the file.
        kept: copies of the file.
        of_a_row: bytes for each row of the file.
        tensors: made of each sample before they are stacked.
        views: tensors for each batch of the epoch, all made before the first.
        pools: as many bytes as are shuffled together.
        temporaries: as large as a batch, alive while one is made.
        by_torch: torch takes the memory for a batch, and glibc leaves gaps.
    """

    def copies(size, sample_bytes, dtype, batch_size, npy):
        rows, row = count(size, sample_bytes, dtype, npy), row_bytes(sample_bytes, dtype, npy)
        floats = 4 * values_of(sample_bytes, npy)
        cast = dtype != "float32"
        gaps = GAPS if by_torch or (cast and not tensors) else 0
        alive = max(batches, 2) if cast else batches
        needed = min(alive * batch_size, rows) * floats + rows * of_a_row
        needed += views * VIEW_BYTES * -(-rows // batch_size)
        of_a_sample = (temporaries + gaps) * floats + tensors * VIEW_BYTES + cast * row
        needed += min(batch_size, rows) * of_a_sample
        needed += pools * min(CHUNKS * CHUNK_BYTES, rows * row)
        return (kept * rows * row + needed) / (rows * (row + LABEL_BYTES))

    return copies


def loader_needs(*, kept=0.0, batches=2.0):
    """The cost model of a DataLoader: in workers, batches are made in shared memory.

    Args:
        kept: copies of the file.
        batches: alive at a time.
    """

    def copies(size, sample_bytes, dtype, batch_size, npy, access, num_workers):
        listed = 0 if access == "sequential" else LISTED_BYTES + INDEX_BYTES
        here = needs(batches, kept=kept, of_a_row=listed, tensors=1)
        shared = needs(2, kept=kept, of_a_row=listed)
        return (shared if num_workers else here)(size, sample_bytes, dtype, batch_size, npy)

    return copies


# What a quick sweep varies for a few strategies only.

VARIED = ("sample_bytes", "dtype", "access", "page_cache", "num_workers", "step", "compute_ms")


def all_but(*varied):
    return tuple(name for name in VARIED if name not in varied)


strategy = partial(scenario.strategy, skip=no_such_epoch, not_quick=VARIED)
shuffled = partial(strategy, group="shuffled")
by_row = partial(shuffled, skip=no_such_rows, copies=needs())


def scaled(x):
    """float32, in which bytes become 0…1; what is float32 already is not copied."""
    return x.float().div_(255) if x.dtype == torch.uint8 else x.float()


def floats(rows):
    """The same for an array."""
    return scaled(torch.from_numpy(rows))


# One sample at a time: the Dataset returns samples, and a DataLoader makes batches of them.


def rows_of_a_chunk(data):
    return max(1, CHUNK_BYTES // (math.prod(data.shape[1:]) * data.dtype.itemsize))


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
        return floats(self.data[index]), self.labels[index]


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
        return floats(np.array(self.data[index])), self.labels[index]


def no_such_mapped_loader(
    size, sample_bytes, batch_size, step, compute_ms, npy, access, num_workers, start_method
):
    if access == "chunks":
        return "chunk_sampler does it in chunks"
    return no_such_loader(
        size, sample_bytes, batch_size, step, compute_ms, npy, num_workers, start_method
    )


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


@by_row(copies=needs(3, of_a_row=LISTED_BYTES + INDEX_BYTES, tensors=1))
def memmap_as_array(path, labels, batch_size, access):
    """The memmap as a plain array: a row of a memmap is another memmap, slow to make."""
    return loader(PlainRows(path, labels), batch_size, access)


# Whole batches by a DataLoader: the Dataset is told all indices of a batch.


class BatchesOfRows(MappedLater):
    def __getitems__(self, indices):
        if self.data is None:
            self.data = np.load(self.path, mmap_mode="r")
        return floats(self.data[indices]), torch.from_numpy(self.labels[indices])


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


# Whole batches without a DataLoader: an order, and the rows of each batch.


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
        yield floats(data[rows]), torch.from_numpy(labels[rows])


def gathered(data, labels, batch_size, access):
    """Batches of rows that NumPy gathers from a mapped file, with the GIL released."""
    for rows in rows_by_batch(labels, batch_size, access):
        yield floats(data[rows]), torch.from_numpy(labels[rows])


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
        yield floats(data[rows]), torch.from_numpy(labels[rows])


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
        yield floats(np.load(path, mmap_mode="r")[rows]), torch.from_numpy(labels[rows])


# Advice on a mapping, and other ways to map.


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


# Reading instead of mapping.


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
            yield floats(samples), torch.from_numpy(labels[rows])


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
                yield floats(data[waiting]), torch.from_numpy(labels[waiting])
            waiting = rows
        yield floats(data[waiting]), torch.from_numpy(labels[waiting])


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


# Processes of one's own, and queues.


def put_batches(path, labels, batches, queue):
    data = np.load(path, mmap_mode="r")
    for rows in batches:
        queue.put((data[rows], labels[rows]))  # pickled: they outlive this process
    queue.put(None)


@by_row(copies=needs(temporaries=3), at={"num_workers": 2})
def queue_loader(path, labels, batch_size, access, num_workers):
    """Each process puts its share of the batches into a queue, then says that it is all."""
    context = multiprocessing.get_context("fork")
    batches = list(rows_by_batch(labels, batch_size, access))
    queues = [context.Queue(maxsize=2) for _ in range(num_workers)]
    processes = [
        context.Process(target=put_batches, args=(path, labels, batches[i::num_workers], queue))
        for i, queue in enumerate(queues)
    ]
    for process in processes:
        process.start()
    try:
        for queue in itertools.cycle(queues):
            if (batch := queue.get()) is None:
                break  # the others have none left either
            yield floats(batch[0]), torch.from_numpy(batch[1])
    finally:
        for process in processes:
            process.terminate()  # if nobody takes what it still has to put
            process.join()


def put_range(data, labels, queue, start, stop, batch_size):
    for row in range(start, stop):
        batch = slice(row, row + batch_size)
        queue.put((torch.from_numpy(data[batch]), torch.from_numpy(labels[batch])))


@strategy(
    group="in order",
    copies=needs(),
    at={"num_workers": 2, "access": "sequential"},
    published=ARTICLE,
    in_quick=False,
)
def queue_loader_published(path, labels, batch_size, num_workers):
    """Counts rows for batches, waits for too many, and shares what ends with its process."""
    data = np.load(path, mmap_mode="r")
    queue = multiprocessing.get_context("fork").Queue()
    ranges = [(i * batch_size, (i + 1) * batch_size) for i in range(num_workers)]
    processes = [
        multiprocessing.get_context("fork").Process(
            target=put_range, args=(data, labels, queue, start, stop, batch_size)
        )
        for start, stop in ranges
    ]
    for process in processes:
        process.start()
    for _ in range(len(data) // batch_size):
        yield queue.get()
    for process in processes:
        process.join()


# In order: slices, and no gathering.

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
        yield floats(np.array(data[batch])), torch.from_numpy(labels[batch])


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
        yield floats(samples.reshape(len(y), *shape[1:])), y


def read_batch(file, rows, shape, dtype):
    """The next rows of an open file."""
    samples = np.empty((rows, *shape[1:]), dtype)
    if file.readinto(samples) < samples.nbytes:
        raise EOFError("the file has become shorter")
    return floats(samples)


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


# Nearly shuffled: long reads, and neighbours that stay near each other.

by_chunk = partial(strategy, group="nearly shuffled", at={"access": "chunks"})


@by_chunk(copies=loader_needs(batches=3))
def chunk_sampler(path, labels, batch_size, access):
    """A DataLoader whose sampler shuffles chunks of 1 MiB, and the samples of each."""
    return loader(MappedRows(path, labels), batch_size, access)


def chunks_shuffled(data, labels, batch_size):
    """Reads chunks in shuffled order, and shuffles the samples of some of them together."""
    random, chunk = np.random.default_rng(), rows_of_a_chunk(data)
    starts = random.permutation(np.arange(0, len(labels), chunk))
    samples, classes = data[:0], labels[:0]  # left over from the chunks before
    for first in range(0, len(starts), CHUNKS):
        parts = [slice(start, start + chunk) for start in starts[first : first + CHUNKS].tolist()]
        samples = np.concatenate([samples, *(data[part] for part in parts)])
        classes = np.concatenate([classes, *(labels[part] for part in parts)])
        order = random.permutation(len(classes))
        more = first + CHUNKS < len(starts)
        rest = len(order) // batch_size * batch_size if more else len(order)
        for start in range(0, rest, batch_size):
            rows = order[start : min(rest, start + batch_size)]
            yield floats(samples[rows]), torch.from_numpy(classes[rows])
        samples, classes = samples[order[rest:]], classes[order[rest:]]


@by_chunk(copies=needs(pools=1), not_quick=all_but("page_cache"))
def chunk_shuffle(path, labels, batch_size):
    """Copies chunks of 1 MiB in shuffled order, and shuffles four of them together."""
    return chunks_shuffled(np.load(path, mmap_mode="r"), labels, batch_size)


@by_chunk(copies=needs(pools=1))
def window_shuffle(path, labels, batch_size):
    """Reads in order into a window of 4 MiB, of which each batch is drawn at random."""
    data, random = np.load(path, mmap_mode="r"), np.random.default_rng()
    window = min(len(data), max(CHUNKS * rows_of_a_chunk(data), batch_size))
    window += (len(data) - window) % batch_size
    samples, classes = np.array(data[:window]), labels[:window].copy()
    for start in range(window, len(data), batch_size):
        places = random.choice(window, batch_size, replace=False)
        x, y = samples[places], classes[places]
        following = slice(start, start + batch_size)
        samples[places], classes[places] = data[following], labels[following]
        yield floats(x), torch.from_numpy(y)
    order = random.permutation(window)
    for start in range(0, window, batch_size):
        places = order[start : start + batch_size]
        yield floats(samples[places]), torch.from_numpy(classes[places])


# One batch in memory, overwritten by the next.

reused = partial(strategy, group="reused batch", skip=no_such_rows, copies=needs(1))


def batch_memory(batch_size, shape, dtype):
    """A tensor for a batch, and an array for its rows: the same memory if they are float32."""
    x = torch.empty(min(batch_size, shape[0]), *shape[1:])
    return x, x.numpy() if dtype == np.float32 else np.empty(x.shape, dtype)


def converted(rows, x):
    if rows.dtype != np.float32:
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


# Augmented: each sample, seen as an image, is flipped or not and rotated by up to 15 degrees. The
# number of its row comes along, which tells the check what became of which.

augmented = partial(strategy, group="augmented", at={"size": 2 * MIB})


def sides(values):
    """Height and width of the image that is closest to a square."""
    height = next(side for side in range(math.isqrt(values), 0, -1) if values % side == 0)
    return height, values // height


def angles_and_flips(count):
    """Of each row; the seed would be another one for every epoch."""
    random = np.random.default_rng(0)
    angles, flips = random.uniform(-15, 15, count), random.random(count) < 0.5
    return torch.from_numpy(angles).float(), torch.from_numpy(flips)


def turned(images, degrees):
    """Images (n, 1, height, width), each rotated about its middle; zeros come in from outside."""
    height, width = images.shape[-2:]
    cosine, sine = torch.deg2rad(degrees).cos(), torch.deg2rad(degrees).sin()
    none = torch.zeros_like(cosine)
    rows = [cosine, -sine * height / width, none, sine * width / height, cosine, none]
    grid = torch.nn.functional.affine_grid(
        torch.stack(rows, 1).view(-1, 2, 3), list(images.shape), align_corners=False
    )
    return torch.nn.functional.grid_sample(images, grid, align_corners=False)


class AugmentedRows(MappedRows):
    def __init__(self, path, labels):
        super().__init__(path, labels)
        self.angles, self.flips = angles_and_flips(len(labels))
        self.sides = sides(self.data[0].size)

    def __getitem__(self, index):
        sample, label = super().__getitem__(index)
        image = sample.view(1, 1, *self.sides)
        image = image.flip(-1) if self.flips[index] else image
        return turned(image, self.angles[index : index + 1])[0], label, index


@augmented(copies=loader_needs(batches=4), skip=no_such_loader, not_quick=all_but("num_workers"))
def augment_per_sample(path, labels, batch_size, num_workers, start_method):
    """Flips and rotates sample by sample, in the Dataset: work that workers can share."""
    return loader(AugmentedRows(path, labels), batch_size, "shuffled", num_workers, start_method)


@augmented(copies=needs(temporaries=10))
def augment_per_batch(path, labels, batch_size):
    """Gathers a batch, and flips and rotates all of it at once."""
    data = np.load(path, mmap_mode="r")
    angles, flips = angles_and_flips(len(labels))
    for rows in rows_by_batch(labels, batch_size, "shuffled"):
        images = floats(data[rows]).view(-1, 1, *sides(data[0].size))
        flipped = torch.where(flips[rows].view(-1, 1, 1, 1), images.flip(-1), images)
        x = turned(flipped, angles[rows])
        yield x, torch.from_numpy(labels[rows]), torch.from_numpy(rows)


class PublishedAugmented(PublishedRows):
    def __init__(self, data, labels):
        from torchvision import transforms

        super().__init__(data, labels)
        self.transform = transforms.Compose(
            [transforms.RandomHorizontalFlip(p=0.5), transforms.RandomRotation(degrees=15)]
        )

    def __getitem__(self, index):
        image = self.transform(torch.from_numpy(self.data[index])).numpy()
        return torch.from_numpy(image), self.labels[index]


@augmented(
    copies=loader_needs(batches=3),
    at={"size": 2 * MIB, "num_workers": 2},
    requires=("torchvision",),
    published=ARTICLE,
)
def augment_published(path, labels, batch_size, num_workers):
    """Has torchvision flip and rotate each sample, to an array and back for nothing."""
    data = np.load(path, mmap_mode="r")
    images = data.reshape(-1, 1, *sides(data[0].size))
    dataset = PublishedAugmented(images, labels)
    return forked_anew(dataset, batch_size, num_workers)


# Other formats, each written once beside the file, in pieces.


def in_format(path, suffix, write):
    """The file in another format; a conversion that is cut off leaves nothing."""
    file = path.with_suffix(suffix)
    if not file.exists():
        part = file.with_name(f"{file.name}.{os.getpid()}")
        try:
            write(np.load(path, mmap_mode="r"), part)
            part.rename(file)
        finally:
            shutil.rmtree(part, ignore_errors=True) if part.is_dir() else part.unlink(True)
    return file


def pieces(data):
    chunk = rows_of_a_chunk(data)
    return (slice(start, start + chunk) for start in range(0, len(data), chunk))


def write_safetensors(data, file):
    # As safetensors.numpy.save_file does, which takes the whole array into memory.
    names = {"uint8": "U8", "float16": "F16", "float32": "F32", "float64": "F64"}
    entry = {"dtype": names[data.dtype.name], "shape": data.shape, "data_offsets": [0, data.nbytes]}
    header = json.dumps({"samples": entry}).encode()
    header += b" " * (-len(header) % 8)
    with open(file, "wb") as stream:  # noqa: PTH123
        stream.write(len(header).to_bytes(8, "little") + header)
        for part in pieces(data):
            data[part].tofile(stream)


def as_safetensors(path, labels):
    return in_format(path, ".safetensors", write_safetensors)


@by_torch(setup=as_safetensors, requires=("safetensors",))
def safetensors_index(path, labels, file, batch_size, access):
    """A safetensors file, which torch maps; rows are gathered from the tensor."""
    from safetensors import safe_open

    with safe_open(file, framework="pt") as opened:
        yield from selected(opened.get_tensor("samples"), labels, batch_size, access)


def write_hdf5(data, file):
    import h5py

    with h5py.File(file, "w") as opened:
        stored = opened.create_dataset("samples", data.shape, data.dtype)
        for part in pieces(data):
            stored[part] = data[part]


def as_hdf5(path, labels):
    return in_format(path, ".h5", write_hdf5)


@by_row(setup=as_hdf5, requires=("h5py",), copies=needs(temporaries=2))
def hdf5_sorted_index(path, labels, file, batch_size, access):
    """An HDF5 file, which takes indices in ascending order only."""
    import h5py

    with h5py.File(file) as opened:
        samples = opened["samples"]
        for rows in rows_by_batch(labels, batch_size, access):
            rows.sort()
            yield floats(samples[rows]), torch.from_numpy(labels[rows])


def write_arrow(data, file):
    import pyarrow as pa

    kind = pa.fixed_shape_tensor(pa.from_numpy_dtype(data.dtype), data.shape[1:])
    values = pa.Array.from_buffers(kind.value_type, data.size, [None, pa.py_buffer(data)])
    lists = pa.FixedSizeListArray.from_arrays(values, math.prod(data.shape[1:]))
    table = pa.record_batch([pa.ExtensionArray.from_storage(kind, lists)], names=["samples"])
    with pa.OSFile(str(file), "wb") as stream, pa.ipc.new_file(stream, table.schema) as writer:
        writer.write_batch(table)


def as_arrow(path, labels):
    return in_format(path, ".arrow", write_arrow)


@by_row(setup=as_arrow, requires=("pyarrow",))
def arrow_index(path, labels, file, batch_size, access):
    """An Arrow file, mapped; its column is an array without a copy, of which rows are gathered."""
    import pyarrow as pa

    with pa.memory_map(str(file)) as source:
        column = pa.ipc.open_file(source).get_batch(0).column(0)
        yield from gathered(column.to_numpy_ndarray(), labels, batch_size, access)


def write_zarr(data, file):
    import zarr

    chunks = (min(len(data), rows_of_a_chunk(data)), *data.shape[1:])
    stored = zarr.create_array(
        file, shape=data.shape, chunks=chunks, dtype=data.dtype, compressors=None
    )
    for part in pieces(data):
        stored[part] = data[part]


def as_zarr(path, labels):
    return in_format(path, ".zarr", write_zarr)


@by_chunk(setup=as_zarr, requires=("zarr",), copies=needs(pools=3))
def zarr_chunks(path, labels, file, batch_size):
    """A Zarr array, a file for every chunk, which are read whole in shuffled order."""
    import zarr

    return chunks_shuffled(zarr.open_array(file, mode="r"), labels, batch_size)


# The check.


@scenario.check
def one_epoch(path, labels, result, strategy, group, batch_size, access):
    if strategy == "augment_published":
        verify_shapes(result, labels, batch_size)
    elif group == "augmented":
        verify_augmented(result, path, labels, batch_size)
    else:
        in_one_batch = strategy.endswith("sorted_index") and len(labels) <= batch_size
        verify_file_epoch(
            result,
            path,
            labels,
            batch_size=batch_size,
            shuffle=access != "sequential" and not in_one_batch,
            reused=group == "reused batch",
        )


TOLERANCE = 1e-3
"""Of the largest value: where a pixel comes from is calculated in float32."""


def verify_augmented(batches, path, labels, batch_size):
    """Every row came once, and is what flipping and rotating it in float64 gives."""
    data = np.load(path, mmap_mode="r")
    angles, flips = angles_and_flips(len(labels))
    times = np.zeros(len(labels), int)
    for index, batch in enumerate(batches):
        assert len(batch) == 3, f"batch {index} has {len(batch)} parts, expected 3"
        x, y, rows = batch
        images = torch.from_numpy(as_floats(data[rows.numpy()])).double()
        images = images.view(-1, 1, *sides(data[0].size))
        flipped = torch.where(flips[rows].view(-1, 1, 1, 1), images.flip(-1), images)
        tolerance = TOLERANCE * float(images.abs().max())
        expected = turned(flipped, angles[rows].double())
        close_values(expected, x, tolerance=tolerance, dtype="float32", first=index * batch_size)
        assert np.array_equal(y, labels[rows]), f"batch {index} has labels of other rows"
        times[rows] += 1
    strange = np.flatnonzero(times != 1)
    assert not len(strange), f"row {strange[0]} came {times[strange[0]]} times"


def verify_shapes(batches, labels, batch_size):
    """Angles that are drawn from nowhere cannot be checked: only how many images of which class."""
    start = 0
    for index, (x, y) in enumerate(batches):
        expected = labels[start : start + batch_size]
        assert np.array_equal(y, expected), f"batch {index} has labels of other rows"
        assert x.shape[:2] == (len(y), 1), f"batch {index} has shape {tuple(x.shape)}"
        assert x.dtype == torch.float32, f"batch {index} has dtype {x.dtype}, expected float32"
        start += len(y)
    assert start == len(labels), f"{start} samples came, expected {len(labels)}"
