"""What several training processes on one machine cost in memory, by how each gets its data."""

import os
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from harness import Parameter, Scenario
from harness.batches import number_rows, verify_part
from harness.scenario import MIB

SAMPLE_BYTES = 2048
BATCH_SIZE = 256

scenario = Scenario(
    "rank_memory",
    question="What do several training processes on one machine cost, and who should load?",
    baseline="every_rank_loads",
    order=65,
    groups={
        "any sample": "if a rank may be given any sample in any epoch",
        "a part each": "if a rank may keep to one part of the samples",
    },
    epochs=True,
    weighs="memory",
    watched=True,
    ranks=True,
    parameters={
        "size": Parameter(
            32 * MIB,
            quick=(32 * MIB,),
            usual=(32 * MIB, 128 * MIB),
            full=(32 * MIB, 128 * MIB, 512 * MIB),
            axis=True,
            doc="bytes of the samples",
        ),
        "ranks": Parameter(
            2, usual=(1, 2, 4), full=(1, 2, 4, 8), doc="processes that torchrun starts"
        ),
        "num_workers": Parameter(0, usual=(0, 2), full=(0, 2, 4), doc="persistent workers of each"),
    },
)


@scenario.inputs
def file_and_labels(size, folder, rng):
    rows = max(2, size // SAMPLE_BYTES)
    data = np.empty((rows, SAMPLE_BYTES // 4), np.float32)
    rng.random(out=data, dtype=np.float32)
    path = folder / "samples.npy"
    np.save(path, number_rows(data))
    return path, rng.integers(0, 2**40, rows)


def no_such_ranks(size, ranks, num_workers):
    if not dist.is_available():
        return "this torch was built without torch.distributed"
    if ranks < 1:
        return f"with {ranks} ranks nothing is loaded"
    if num_workers < 0:
        return f"there are no {num_workers} workers"
    if size < SAMPLE_BYTES * ranks:
        return f"{size} B hold fewer samples than there are ranks"
    return None


class Samples(Dataset):
    """Rows of an array or of a mapped file, each copied when it is asked for."""

    def __init__(self, data, labels):
        self.data = data
        self.labels = labels

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        return torch.from_numpy(self.data[index].copy()), self.labels[index]


def dealt(dataset, num_workers):
    """This rank's share of every epoch, dealt anew in each: set_epoch says which it is."""
    return batches_of(dataset, num_workers, sampler=DistributedSampler(dataset))


def batches_of(dataset, num_workers, **order):
    return DataLoader(
        dataset,
        BATCH_SIZE,
        num_workers=num_workers,
        multiprocessing_context="fork" if num_workers else None,
        persistent_workers=num_workers > 0,
        **order,
    )


strategy = partial(scenario.strategy, skip=no_such_ranks)
# Each launch imports torch in every rank, which takes seconds: a quick sweep makes few of them.
rarely = partial(strategy, in_quick=False)


@strategy(group="any sample")
def every_rank_loads(path, labels, num_workers):
    """Each rank reads the whole file into memory of its own."""
    return dealt(Samples(np.load(path), labels), num_workers)


@strategy(group="any sample")
def memmap_in_rank(path, labels, num_workers):
    """Each rank maps the file: all see the same pages of the page cache."""
    return dealt(Samples(np.load(path, mmap_mode="r"), labels), num_workers)


@rarely(group="any sample")
def rank_0_shares(path, labels, num_workers):
    """Rank 0 reads into shared memory without a name, which the others map."""
    told = [None]
    if dist.get_rank() == 0:
        source = np.load(path, mmap_mode="r")
        memory = os.memfd_create("samples")
        os.ftruncate(memory, source.nbytes)
        told = [(f"/proc/{os.getpid()}/fd/{memory}", source.dtype.str, source.shape)]
        shared = np.memmap(told[0][0], told[0][1], "r+", shape=told[0][2])
        shared[:] = source
    dist.broadcast_object_list(told)
    place, dtype, shape = told[0]
    data = np.memmap(place, dtype, "r", shape=shape)
    dist.barrier()  # rank 0 may end before others have mapped it
    return dealt(Samples(data, labels), num_workers)


@rarely(group="any sample")
def file_in_shared_memory(path, labels, num_workers):
    """Rank 0 copies the file to /dev/shm, which all map; its name is taken away at once."""
    told = [None]
    if dist.get_rank() == 0:
        # As torch names its own files there, so that whoever clears up after it finds this one.
        told = [f"/dev/shm/torch_{os.getpid()}_samples.npy"]  # noqa: S108
        np.save(told[0], np.load(path, mmap_mode="r"))
    dist.broadcast_object_list(told)
    data = np.load(told[0], mmap_mode="r")
    dist.barrier()
    if dist.get_rank() == 0:
        Path(told[0]).unlink()
    return dealt(Samples(data, labels), num_workers)


@rarely(group="a part each")
def rank_0_scatters(path, labels, num_workers):
    """Rank 0 reads everything and sends each its part; the last is filled up from the first."""
    ranks, rank = dist.get_world_size(), dist.get_rank()
    rows = np.arange(-(-len(labels) // ranks) * ranks) % len(labels)
    own = torch.empty(len(rows) // ranks, SAMPLE_BYTES // 4)
    parts = None
    if rank == 0:
        data = np.load(path, mmap_mode="r")
        parts = [torch.from_numpy(data[rows[part::ranks]]) for part in range(ranks)]
    dist.scatter(own, parts)
    return batches_of(Samples(own.numpy(), labels[rows[rank::ranks]]), num_workers, shuffle=True)


@rarely(group="a part each")
def part_in_rank(path, labels, num_workers):
    """Each rank reads a part of the file, and no sample that another has."""
    ranks, rank = dist.get_world_size(), dist.get_rank()
    data = np.load(path, mmap_mode="r")[rank::ranks].copy()
    return batches_of(Samples(data, labels[rank::ranks]), num_workers, shuffle=True)


@scenario.check
def own_samples_unchanged(path, labels, result):
    return verify_part(result, path, labels)
