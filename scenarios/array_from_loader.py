"""From a DataLoader's batches to arrays: every way there is, and what each costs.

Samples are rows with a label each. There are never a whole number of batches, so that the last one
is shorter, or is dropped.
"""

from functools import partial

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from harness import Parameter, Scenario
from harness.batches import START_METHODS
from harness.scenario import KIB, MIB
from harness.scenario.checks import same_values

ARTICLE = "How can a PyTorch DataLoader be split into NumPy arrays?"
SMALL = MIB
DTYPES = ("float32", "float64", "uint8")
EITHER = (False, True)
SAMPLE_BYTES = (256, 4 * KIB, 16 * KIB)
HUNDREDS_FROM_WORKERS = {"num_workers": 2, "batch_size": 2}
"""Each is two open files, one for x and one for y, for as long as it is kept."""
SHARING = ("file_descriptor", "file_system")

scenario = Scenario(
    "array_from_loader",
    question="How should a DataLoader's batches be collected in arrays?",
    baseline="list_cat",
    order=70,
    groups={
        "arrays": "if you need everything in arrays",
        "reuse": "if the data may go into memory you keep",
        "files": "if the arrays may end in files",
        "bypass": "if the loader's own data can be reached",
        "device": "if batches lie on an accelerator",
    },
    parameters={
        "size": Parameter(
            SMALL,
            quick=(512 * KIB, 8 * MIB),
            usual=tuple(256 * KIB * 4**step for step in range(5)),
            full=tuple(256 * KIB * 4**step for step in range(6)),
            axis=True,
            doc="bytes of the data, without the labels",
        ),
        "sample_bytes": Parameter(
            4 * KIB, usual=SAMPLE_BYTES, full=SAMPLE_BYTES, doc="bytes of one sample"
        ),
        "dtype": Parameter("float32", choices=DTYPES, usual=DTYPES, full=DTYPES),
        "batch_size": Parameter(16, usual=(1, 16, 256), full=(1, 4, 16, 64, 256)),
        "num_workers": Parameter(0, usual=(0, 2), full=(0, 1, 2, 4)),
        "start_method": Parameter(
            "fork", choices=START_METHODS, doc="how worker processes begin, where there are any"
        ),
        "drop_last": Parameter(
            False,
            choices=EITHER,
            usual=EITHER,
            full=EITHER,
            doc="leave out the last batch, which is not whole",
        ),
        "open_files": Parameter(
            1024,
            usual=(256, 512, 1024),
            full=(256, 512, 1024, 4096),
            beside=HUNDREDS_FROM_WORKERS,
            doc="limit on open files, with hundreds of batches from workers",
        ),
        "sharing_strategy": Parameter(
            "file_descriptor",
            choices=SHARING,
            usual=SHARING,
            full=SHARING,
            beside={**HUNDREDS_FROM_WORKERS, "open_files": 256},
            doc="how workers hand over batches",
        ),
    },
)


LABEL_BYTES = 8


def row_count(size, sample_bytes, batch_size):
    """Rows for a whole batch and a part of one at least, and no whole number of batches."""
    rows = max(size // sample_bytes, batch_size + 1)
    return rows - 1 if rows % batch_size == 0 and batch_size > 1 else rows


@scenario.inputs
def data_and_labels(size, sample_bytes, dtype, batch_size, rng):
    # No zeros, which is what fresh memory holds; and float64 values that float32 does not have.
    shape = row_count(size, sample_bytes, batch_size), sample_bytes // np.dtype(dtype).itemsize
    if dtype == "uint8":
        return rng.integers(1, 256, shape, np.uint8), rng.integers(1, 2**40, shape[0])
    data = rng.random(shape, dtype)
    data += 1
    return data, rng.integers(1, 2**40, shape[0])


def no_such_batches(sample_bytes, dtype, batch_size):
    if sample_bytes < 1 or sample_bytes % np.dtype(dtype).itemsize:
        return f"a sample of {sample_bytes} B is no row of {dtype}"
    return None if batch_size > 0 else f"a batch of {batch_size} samples holds nothing"


def no_such_workers(sample_bytes, dtype, batch_size, num_workers, start_method):
    if not num_workers and start_method != "fork":
        return "start_method means nothing without workers"
    return no_such_batches(sample_bytes, dtype, batch_size)


# What is alive at the peak, as a multiple of the data and labels.

PAGE_BYTES = 4 * KIB
HEAP_BYTES = 128 * KIB
"""What glibc asks the kernel for at a time."""
TENSOR_BYTES, SHARED_TENSOR_BYTES = 500, 900
"""Of a tensor or array that is kept, beside its values; and of one that a worker shares."""
PATHS_BYTES = 240
"""Of the names of a batch's two files."""


def batch_bytes(sample_bytes, batch_size):
    return batch_size * (sample_bytes + LABEL_BYTES)


def batches_and(copies):
    """Whole copies; and batches: in use, being made unless by workers, a hole where none fits."""

    def batches_and_copies(size, sample_bytes, batch_size, num_workers):
        rows = row_count(size, sample_bytes, batch_size)
        batches = min(1, (1 if num_workers else 3) * batch_size / rows)
        return copies + batches + HEAP_BYTES / batch_bytes(sample_bytes, rows)

    return batches_and_copies


def kept_and(copies):
    """All batches as they came, which from workers are whole pages; and whole copies."""

    def kept_and_copies(sample_bytes, batch_size, num_workers):
        values = batch_size * sample_bytes, batch_size * LABEL_BYTES
        if num_workers:
            kept = sum(-(-one // PAGE_BYTES) * PAGE_BYTES for one in values)
            return copies + (kept + 2 * SHARED_TENSOR_BYTES) / sum(values)
        return copies + 1 + 2 * TENSOR_BYTES / sum(values)

    return kept_and_copies


def old_and_new(size):
    """Both arrays; NumPy asks for huge pages from 4 MiB on, the last of which is half empty."""
    return 2 + (MIB / size if size >= 4 * MIB else 0)


def clones(sample_bytes, batch_size):
    """A clone of every batch, and the result."""
    return kept_and(1)(sample_bytes, batch_size, num_workers=0)


def popped(size, sample_bytes, batch_size, num_workers):
    """Shared memory counts when it is read, and until it is let go. The heap keeps what it got."""
    if not num_workers:
        return kept_and(1)(sample_bytes, batch_size, num_workers)
    objects = 2 * SHARED_TENSOR_BYTES / batch_bytes(sample_bytes, batch_size)
    return batches_and(1)(size, sample_bytes, batch_size, num_workers) + objects


def grown(size, sample_bytes, batch_size, num_workers):
    """When it last grows, a part is there twice. The heap keeps the first buffer, or smaller ones.

    The warm-up call let go of one as large, from which glibc learned to keep such for itself.
    """
    rows = row_count(size, sample_bytes, batch_size)
    first = capacity = FIRST_BATCHES * batch_size
    while 2 * capacity < rows:
        capacity *= 2
    twice = 2 * capacity / rows if capacity < rows else 0
    left = max(MIB, batch_bytes(sample_bytes, first)) / batch_bytes(sample_bytes, rows)
    beside = batches_and(0)(size, sample_bytes, batch_size, num_workers)
    return max(1, twice) + beside + (left if capacity < rows else 0)


def float32_copy(size, sample_bytes, batch_size, num_workers, dtype):
    copy = 4 / np.dtype(dtype).itemsize
    return batches_and(copy)(size, sample_bytes, batch_size, num_workers)


def paths_and_batches(size, sample_bytes, batch_size, num_workers):
    paths = PATHS_BYTES / batch_bytes(sample_bytes, batch_size)
    return paths + batches_and(0)(size, sample_bytes, batch_size, num_workers)


def loader(data, labels, batch_size, num_workers, start_method, drop_last):
    return DataLoader(
        TensorDataset(torch.from_numpy(data), torch.from_numpy(labels)),
        batch_size,
        num_workers=num_workers,
        drop_last=drop_last,
        multiprocessing_context=start_method if num_workers else None,
    )


def single_process(data, labels, batch_size, drop_last):
    return loader(data, labels, batch_size, 0, "fork", drop_last)


strategy = partial(scenario.strategy, skip=no_such_workers)
arrays = partial(strategy, group="arrays", setup=loader, shares_memory=False)
without_workers = partial(arrays, setup=single_process, skip=no_such_batches)


# Collect, then copy: all batches are alive while the arrays are made.


@arrays(copies=kept_and(1), published=ARTICLE)
def list_cat(data, labels, loader):
    """Keeps every batch, then copies them together with torch. As published."""
    xs, ys = [], []
    for x, y in loader:
        xs.append(x)
        ys.append(y)
    return torch.cat(xs).cpu().numpy(), torch.cat(ys).cpu().numpy()


@arrays(copies=kept_and(1), published=ARTICLE)
def list_concatenate(data, labels, loader):
    """Keeps every batch as an array, which shares its memory, then copies. As published."""
    xs, ys = [], []
    for x, y in loader:
        xs.append(x.cpu().numpy())
        ys.append(y.cpu().numpy())
    return np.concatenate(xs), np.concatenate(ys)


@without_workers(copies=kept_and(1))
def list_concatenate_no_cpu(data, labels, loader):
    """The same without cpu(), which does nothing to a tensor on the host."""
    xs, ys = [], []
    for x, y in loader:
        xs.append(x.numpy())
        ys.append(y.numpy())
    return np.concatenate(xs), np.concatenate(ys)


# Where the baseline, measured at this point as well, runs out of files even in a quick sweep. Each
# call starts workers anew, which takes so long that one size has to do.
FEW_FILES = {**HUNDREDS_FROM_WORKERS, "open_files": 256, "size": SMALL}


@arrays(copies=clones, at=FEW_FILES)
def cloned_batches(data, labels, loader):
    """Keeps a copy of every batch, which releases the files through which workers share it."""
    xs, ys = [], []
    for x, y in loader:
        xs.append(x.clone())
        ys.append(y.clone())
    return torch.cat(xs).numpy(), torch.cat(ys).numpy()


@arrays(copies=popped, at={"num_workers": 2, "size": SMALL})
def popping(data, labels, loader):
    """Copies and frees batch by batch, which releases workers' shared memory at once."""
    xs, ys = [], []
    for x, y in loader:
        xs.append(x)
        ys.append(y)
    end = sum(len(y) for y in ys)
    x_array = np.empty((end, *xs[0].shape[1:]), xs[0].numpy().dtype)
    y_array = np.empty((end, *ys[0].shape[1:]), ys[0].numpy().dtype)
    while xs:
        x, y = xs.pop(), ys.pop()
        x_array[end - len(x) : end] = x.numpy()
        y_array[end - len(y) : end] = y.numpy()
        end -= len(y)
    return x_array, y_array


@without_workers(copies=old_and_new, max_size=4 * MIB)
def concatenate_each(data, labels, loader):
    """Copies everything so far for every batch: time grows with the square of their number."""
    x_array = y_array = None
    for x, y in loader:
        x_array = x.numpy() if x_array is None else np.concatenate([x_array, x.numpy()])
        y_array = y.numpy() if y_array is None else np.concatenate([y_array, y.numpy()])
    return x_array, y_array


# Copy each batch as it comes: only the arrays, and the batch in use and the next one, are alive.


@arrays(copies=batches_and(1))
def preallocated(data, labels, loader):
    """Takes dtypes and shapes from the first batch, and returns as many rows as came."""
    rows = 0
    for x, y in loader:
        if rows == 0:
            x_array = np.empty((len(loader.dataset), *x.shape[1:]), x.numpy().dtype)
            y_array = np.empty((len(loader.dataset), *y.shape[1:]), y.numpy().dtype)
        x_array[rows : rows + len(x)] = x.numpy()
        y_array[rows : rows + len(y)] = y.numpy()
        rows += len(y)
    return x_array[:rows], y_array[:rows]


@arrays(copies=batches_and(1))
def preallocated_torch(data, labels, loader):
    """The same in tensors, which torch allocates and copies to."""
    rows = 0
    for x, y in loader:
        if rows == 0:
            x_tensor = x.new_empty((len(loader.dataset), *x.shape[1:]))
            y_tensor = y.new_empty((len(loader.dataset), *y.shape[1:]))
        x_tensor[rows : rows + len(x)].copy_(x)
        y_tensor[rows : rows + len(y)].copy_(y)
        rows += len(y)
    return x_tensor[:rows].numpy(), y_tensor[:rows].numpy()


def float32_for_the_dataset(loader, features):
    x_array = np.empty((len(loader.dataset), features), dtype=np.float32)
    y_array = np.empty((len(loader.dataset),), dtype=np.int64)
    start = 0
    for x, y in loader:
        stop = start + x.shape[0]
        x_array[start:stop] = x.cpu().numpy()
        y_array[start:stop] = y.cpu().numpy()
        start = stop
    return x_array, y_array


published = partial(arrays, copies=float32_copy, published=ARTICLE)


@published()
def published_preallocation(data, labels, loader):
    """Assumes that as many samples come as the dataset has, and that they are float32."""
    return float32_for_the_dataset(loader, data.shape[1])


@published(at={"drop_last": True}, setup=single_process)
def published_preallocation_drop_last(data, labels, loader):
    """The same where the last batch is dropped: nothing is ever written to its rows."""
    return float32_for_the_dataset(loader, data.shape[1])


@published(at={"dtype": "float64"}, setup=single_process)
def published_preallocation_float64(data, labels, loader):
    """The same where values are float64: half of each is silently lost."""
    return float32_for_the_dataset(loader, data.shape[1])


# Nobody knows how many will come.


class Stream(IterableDataset[tuple[torch.Tensor, torch.Tensor]]):
    def __init__(self, data, labels):
        self.data = torch.from_numpy(data)
        self.labels = torch.from_numpy(labels)

    def __iter__(self):
        for index in range(len(self.labels)):
            yield self.data[index], self.labels[index]


def stream(data, labels, batch_size, drop_last):
    return DataLoader(Stream(data, labels), batch_size, drop_last=drop_last)


def doubled(tensor):
    larger = tensor.new_empty((2 * len(tensor), *tensor.shape[1:]))
    larger[: len(tensor)] = tensor
    return larger


FIRST_BATCHES = 16


@arrays(copies=grown, setup=stream)
def growing_buffer(data, labels, stream):
    """Doubles what is full: a loader of unknown length can be collected without a list too."""
    rows = 0
    for x, y in stream:
        if rows == 0:
            x_tensor = x.new_empty((FIRST_BATCHES * len(x), *x.shape[1:]))
            y_tensor = y.new_empty((FIRST_BATCHES * len(y), *y.shape[1:]))
        if rows + len(y) > len(y_tensor):
            x_tensor, y_tensor = doubled(x_tensor), doubled(y_tensor)
        x_tensor[rows : rows + len(x)] = x
        y_tensor[rows : rows + len(y)] = y
        rows += len(y)
    return x_tensor[:rows].numpy(), y_tensor[:rows].numpy()


# Reuse: arrays that exist already, and whose pages have been touched.


def loader_and_arrays(data, labels, batch_size, num_workers, start_method, drop_last):
    batches = loader(data, labels, batch_size, num_workers, start_method, drop_last)
    rows = len(batches) * batch_size if drop_last else len(labels)
    return batches, np.ones_like(data[:rows]), np.ones_like(labels[:rows])


reuse = partial(strategy, group="reuse", setup=loader_and_arrays, shares_memory=False)


@reuse(copies=kept_and(0))
def concatenate_out(data, labels, loader_and_arrays):
    """Keeps every batch, then copies them together into arrays made once."""
    loader, x_array, y_array = loader_and_arrays
    xs, ys = [], []
    for x, y in loader:
        xs.append(x.numpy())
        ys.append(y.numpy())
    return np.concatenate(xs, out=x_array), np.concatenate(ys, out=y_array)


@reuse(copies=batches_and(0))
def reused_arrays(data, labels, loader_and_arrays):
    """Copies each batch into arrays made once: no allocation but the batches."""
    loader, x_array, y_array = loader_and_arrays
    rows = 0
    for x, y in loader:
        x_array[rows : rows + len(x)] = x.numpy()
        y_array[rows : rows + len(y)] = y.numpy()
        rows += len(y)
    return x_array, y_array


# Out of core: the arrays end in files, and memory need not hold them.

files = partial(arrays, copies=batches_and(0), group="files", shares_memory=None)


@files()
def open_memmap(data, labels, loader, folder):
    """Writes through mapped files, which the kernel stores when it sees fit."""
    rows = len(loader) * loader.batch_size if loader.drop_last else len(loader.dataset)
    start = 0
    for x, y in loader:
        if start == 0:
            create = partial(np.lib.format.open_memmap, mode="w+")
            x_file = create(folder / "x.npy", dtype=x.numpy().dtype, shape=(rows, *x.shape[1:]))
            y_file = create(folder / "y.npy", dtype=y.numpy().dtype, shape=(rows, *y.shape[1:]))
        x_file[start : start + len(x)] = x.numpy()
        y_file[start : start + len(y)] = y.numpy()
        start += len(y)
    return x_file, y_file


@files(copies=paths_and_batches, max_size=4 * MIB)
def file_per_batch(data, labels, loader, folder):
    """Saves every batch to files of its own, to be loaded one by one."""
    paths = []
    for number, (x, y) in enumerate(loader):
        paths.append((f"{folder}/x{number}.npy", f"{folder}/y{number}.npy"))
        np.save(paths[-1][0], x.numpy())
        np.save(paths[-1][1], y.numpy())
    return paths


# Bypass: the arrays are there already.


@arrays(group="bypass", copies=0, shares_memory=True)
def dataset_tensors(data, labels, loader):
    """Takes the tensors that a TensorDataset was made of, and asks for no batch at all."""
    rows = len(loader) * loader.batch_size if loader.drop_last else len(loader.dataset)
    x, y = loader.dataset.tensors
    return x[:rows].numpy(), y[:rows].numpy()


# Device: the batches lie on an accelerator, as a model's outputs do.


def device_batches(data, labels, batch_size, drop_last):
    device = torch.accelerator.current_accelerator()
    rows = len(labels) // batch_size * batch_size if drop_last else len(labels)
    x, y = torch.from_numpy(data[:rows]).to(device), torch.from_numpy(labels[:rows]).to(device)
    return list(zip(x.split(batch_size), y.split(batch_size), strict=True))


device = partial(
    strategy, group="device", setup=device_batches, on_device=True, shares_memory=False
)


@device(copies=2)
def cpu_each(data, labels, batches):
    """Moves every batch by itself, waiting for each, then copies them together."""
    xs = [x.cpu().numpy() for x, _ in batches]
    ys = [y.cpu().numpy() for _, y in batches]
    return np.concatenate(xs), np.concatenate(ys)


@device(copies=1)
def cat_on_device(data, labels, batches):
    """Copies them together on the device, in twice their memory there, and moves the result."""
    x_array = torch.cat([x for x, _ in batches]).cpu().numpy()
    y_array = torch.cat([y for _, y in batches]).cpu().numpy()
    return x_array, y_array


@device(copies=batches_and(1))
def pinned_staging(data, labels, batches):
    """Moves a batch into one of two pinned buffers while the other is copied from."""
    rows = sum(len(y) for _, y in batches)
    x_array, y_array = np.empty((rows, *data.shape[1:]), data.dtype), np.empty(rows, labels.dtype)
    x, y = batches[0]
    buffers = [
        (
            torch.empty(x.shape, dtype=x.dtype, pin_memory=True),
            torch.empty(y.shape, dtype=y.dtype, pin_memory=True),
            torch.Event(x.device),
        )
        for _ in range(2)
    ]

    def fetch(number):
        (x, y), (x_buffer, y_buffer, arrived) = batches[number], buffers[number % 2]
        x_buffer[: len(x)].copy_(x, non_blocking=True)
        y_buffer[: len(y)].copy_(y, non_blocking=True)
        arrived.record()

    fetch(0)
    start = 0
    for number, (_, y) in enumerate(batches):
        if number + 1 < len(batches):
            fetch(number + 1)
        x_buffer, y_buffer, arrived = buffers[number % 2]
        arrived.synchronize()  # until then, the buffers hold what they held before
        x_array[start : start + len(y)] = x_buffer[: len(y)].numpy()
        y_array[start : start + len(y)] = y_buffer[: len(y)].numpy()
        start += len(y)
    return x_array, y_array


@scenario.check
def all_rows_in_order(data, labels, result, batch_size, drop_last, group):
    rows = len(labels) // batch_size * batch_size if drop_last else len(labels)
    if group == "files" and isinstance(result, list):
        same_files(data[:rows], labels[:rows], result)
        return
    assert isinstance(result, tuple), f"a {type(result).__name__}, expected two arrays"
    assert len(result) == 2, f"{len(result)} arrays, expected two"
    for name, expected, actual in zip("xy", (data, labels), result, strict=True):
        assert isinstance(actual, np.ndarray), f"{name} is a {type(actual).__name__}, not an array"
        assert len(actual) == rows, (
            f"{name} has {len(actual)} rows, and {rows} came from the loader"
        )
        same_part(name, expected[:rows], actual)


def same_files(data, labels, paths):
    start = 0
    for number, pair in enumerate(paths):
        for name, path, expected in zip("xy", pair, (data, labels), strict=True):
            part = np.load(path)
            same_part(f"{name} of batch {number}", expected[start : start + len(part)], part)
        start += len(part)
    assert start == len(data), f"{start} rows in all files, and {len(data)} came from the loader"


def same_part(name, expected, actual):
    try:
        same_values(expected, actual)
    except AssertionError as error:
        raise AssertionError(f"{name}: {error}") from None
