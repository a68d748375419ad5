"""What worker processes really cost in memory, by what the dataset holds."""

import pickle
from functools import partial

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from harness import Parameter, Scenario
from harness.batches import START_METHODS, number_rows, verify_epoch
from harness.scenario import MIB

SAMPLE_BYTES = 2048
BATCH_SIZE = 256
WORKERS = (1, 2, 4)
PASSES = (1, 2, 6)

scenario = Scenario(
    "worker_memory",
    question="How much memory do worker processes really take, and what should a dataset hold?",
    baseline="one_array",
    order=60,
    groups={
        "many objects": "if every sample is to be an object of its own",
        "one block": "if all samples may lie in one block of memory",
        "a file": "if the samples may stay in a file",
    },
    epochs=True,
    weighs="memory",
    parameters={
        "size": Parameter(
            32 * MIB,
            quick=(32 * MIB,),
            usual=(32 * MIB, 128 * MIB),
            full=(32 * MIB, 128 * MIB, 512 * MIB),
            axis=True,
            doc="bytes of the samples",
        ),
        "num_workers": Parameter(2, usual=WORKERS, full=WORKERS, doc="persistent workers"),
        "start_method": Parameter(
            "fork",
            choices=START_METHODS,
            quick=("fork", "spawn"),
            usual=START_METHODS,
            full=START_METHODS,
            doc="how worker processes begin",
        ),
        "passes": Parameter(
            2, usual=PASSES, full=PASSES, doc="shuffled epochs that the workers live through"
        ),
    },
)


@scenario.inputs
def data_and_labels(size, rng):
    rows = max(2, size // SAMPLE_BYTES)
    data = np.empty((rows, SAMPLE_BYTES // 4), np.float32)
    rng.random(out=data, dtype=np.float32)
    return number_rows(data), rng.integers(0, 2**40, rows)


def no_such_workers(size, num_workers, passes):
    if num_workers < 1:
        return f"with {num_workers} workers there is nothing to find out"
    if passes < 1:
        return f"in {passes} passes nothing is read"
    if size < SAMPLE_BYTES:
        return f"a sample of {SAMPLE_BYTES} B does not fit into {size} B of data"
    return None


def batches_of(dataset, num_workers, start_method):
    """Shuffled batches from workers that live as long as the loader."""
    return DataLoader(
        dataset,
        BATCH_SIZE,
        shuffle=True,
        num_workers=num_workers,
        multiprocessing_context=start_method if num_workers else None,
        persistent_workers=num_workers > 0,
    )


strategy = partial(scenario.strategy, skip=no_such_workers)
# Starting interpreters anew takes seconds, so a quick sweep does it for the baseline alone.
quick_by_fork = partial(strategy, not_quick=("start_method",))
objects = partial(quick_by_fork, group="many objects")

# Many Python objects: whoever looks at one writes its reference count, and copies its page.


class Dicts(Dataset):
    def __init__(self, data, labels):
        rows = zip(data, labels, strict=True)
        self.samples = [{"x": row.copy(), "y": int(label)} for row, label in rows]

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        sample = self.samples[index]
        return torch.from_numpy(sample["x"]), sample["y"]


@objects()
def list_of_dicts(data, labels, num_workers, start_method):
    """A dict for every sample, with an array and a number in it."""
    return batches_of(Dicts(data, labels), num_workers, start_method)


class Arrays(Dataset):
    def __init__(self, arrays, labels):
        self.arrays = arrays
        self.labels = labels

    def __len__(self):
        return len(self.arrays)

    def __getitem__(self, index):
        return torch.from_numpy(self.arrays[index]), self.labels[index]


@objects()
def list_of_arrays(data, labels, num_workers, start_method):
    """An array for every sample, in a list; the labels in one array."""
    arrays = [row.copy() for row in data]
    return batches_of(Arrays(arrays, labels), num_workers, start_method)


@objects()
def object_array(data, labels, num_workers, start_method):
    """The same arrays in a NumPy array of dtype object."""
    arrays = np.empty(len(data), object)
    arrays[:] = [row.copy() for row in data]
    return batches_of(Arrays(arrays, labels), num_workers, start_method)


# One block: there is one reference count, whatever the number of samples.


@strategy(group="one block")
def one_array(data, labels, num_workers, start_method):
    """One array of all samples."""
    return batches_of(Arrays(data, labels), num_workers, start_method)


class Tensors(Dataset):
    def __init__(self, data, labels):
        self.data = data
        self.labels = labels

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        return self.data[index], self.labels[index]


@quick_by_fork(group="one block")
def one_tensor(data, labels, num_workers, start_method):
    """One tensor of all samples; to a new interpreter it goes through shared memory."""
    tensors = Tensors(torch.from_numpy(data), torch.from_numpy(labels))
    return batches_of(tensors, num_workers, start_method)


@quick_by_fork(group="one block")
def shared_tensor(data, labels, num_workers, start_method):
    """One tensor that was moved to shared memory before the workers start."""
    tensors = torch.from_numpy(data).share_memory_(), torch.from_numpy(labels).share_memory_()
    return batches_of(Tensors(*tensors), num_workers, start_method)


class Pickled(Dataset):
    def __init__(self, data, labels):
        rows = zip(data, labels, strict=True)
        samples = [pickle.dumps({"x": row, "y": int(label)}) for row, label in rows]
        self.ends = np.cumsum([len(sample) for sample in samples])
        self.bytes = np.frombuffer(b"".join(samples), np.uint8)

    def __len__(self):
        return len(self.ends)

    def __getitem__(self, index):
        start = self.ends[index - 1] if index else 0
        sample = pickle.loads(self.bytes[start : self.ends[index]])  # noqa: S301 — our own bytes
        return torch.from_numpy(sample["x"]), sample["y"]


@quick_by_fork(group="one block")
def list_in_one_array(data, labels, num_workers, start_method):
    """Every dict pickled into one array of bytes, and unpickled when it is asked for."""
    return batches_of(Pickled(data, labels), num_workers, start_method)


# A file: its pages are the page cache's, which all processes see.


def save(data, labels, folder):
    path = folder / f"{len(data)}.npy"
    np.save(path, data)
    return path


class Mapped(Dataset):
    def __init__(self, path, labels):
        self.data = np.load(path, mmap_mode="r")
        self.labels = labels

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        return torch.from_numpy(self.data[index].copy()), self.labels[index]


@quick_by_fork(group="a file", setup=save)
def memmap_attribute(data, labels, path, num_workers, start_method):
    """A memmap opened at once; sent to a new interpreter it becomes an array in memory."""
    return batches_of(Mapped(path, labels), num_workers, start_method)


class MappedLater(Mapped):
    def __init__(self, path, labels):
        self.path = path
        self.labels = labels
        self.data = None

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        if self.data is None:
            self.data = np.load(self.path, mmap_mode="r")
        return super().__getitem__(index)


@quick_by_fork(group="a file", setup=save)
def memmap_in_worker(data, labels, path, num_workers, start_method):
    """A memmap that each worker opens for itself when it needs its first sample."""
    return batches_of(MappedLater(path, labels), num_workers, start_method)


@scenario.check
def every_sample_once(data, labels, result):
    return verify_epoch(result, data, labels, batch_size=BATCH_SIZE, shuffle=True)
