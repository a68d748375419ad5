"""From which cost per sample on workers pay: the same loader, for samples that cost more and more.

The cost is time of the processor, not of the clock: two workers that only waited would share a
processor, and would seem to be twice as fast.
"""

import time
import zlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from harness import Parameter, Scenario
from harness.batches import START_METHODS, number_rows, verify_epoch
from harness.scenario import KIB

SIZE = 64 * KIB
COSTS = (1, 3, 10, 30, 100, 300, 1000, 3000)
WORKS = ("holds the GIL", "releases the GIL")

scenario = Scenario(
    "worker_break_even",
    question="From which cost per sample do workers or threads make an epoch shorter?",
    baseline="in_process",
    order=50,
    groups={
        "per sample": "if samples are read one by one",
    },
    epochs=True,
    parameters={
        "sample_cost_us": Parameter(
            100,
            quick=(10, 100, 500),
            usual=COSTS,
            full=COSTS,
            axis=True,
            doc="microseconds of processor time that making a sample takes",
        ),
        "work": Parameter(
            "holds the GIL",
            choices=WORKS,
            usual=WORKS,
            full=WORKS,
            doc="whether other threads may run Python meanwhile",
        ),
        "size": Parameter(SIZE, choices=(SIZE,), doc="bytes of the data: 64 samples of 1 KiB"),
        "sample_bytes": Parameter(KIB, doc="bytes of one sample, a row of float32"),
        "batch_size": 8,
        "start_method": Parameter("fork", choices=START_METHODS, doc="how worker processes begin"),
    },
)


@scenario.inputs
def data(size, sample_bytes, rng):
    rows = np.empty((max(2, size // sample_bytes), sample_bytes // 4), np.float32)
    rng.random(out=rows, dtype=np.float32)
    return number_rows(rows)


SHORTEST_US = 10
"""A call that releases the GIL takes about 5 µs, and a sample's cost is made of whole calls."""


def no_such_samples(sample_cost_us, work, size, sample_bytes, batch_size):
    if sample_cost_us < 0:
        return f"a sample cannot cost {sample_cost_us} µs"
    if work == "releases the GIL" and sample_cost_us < SHORTEST_US:
        return f"{sample_cost_us} µs are too short to be made of calls that release the GIL"
    if sample_bytes < 4 or sample_bytes % 4:
        return f"a sample of {sample_bytes} B is no row of float32"
    if size < sample_bytes:
        return f"a sample of {sample_bytes} B does not fit into {size} B of data"
    return None if batch_size > 0 else f"a batch cannot hold {batch_size} samples"


class Costly(Dataset):
    """Spends processor time on every sample: in Python, or in C that lets other threads run."""

    def __init__(self, data, sample_cost_us, work):
        self.data = torch.from_numpy(data)
        self.cost_ns = 1000 * sample_cost_us
        self.block = bytes(16 * 1024 if work == "releases the GIL" else 0)

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        end = time.thread_time_ns() + self.cost_ns
        while time.thread_time_ns() < end:
            zlib.crc32(self.block)
        return self.data[index]


every = partial(scenario.strategy, group="per sample", skip=no_such_samples, shares_memory=False)


@every()
def in_process(data, sample_cost_us, work, batch_size):
    """Makes every sample in the process that uses it."""
    return DataLoader(Costly(data, sample_cost_us, work), batch_size)


def in_workers(dataset, batch_size, start_method, num_workers, persistent_workers=True):
    return DataLoader(
        dataset,
        batch_size,
        num_workers=num_workers,
        persistent_workers=persistent_workers,
        multiprocessing_context=start_method,
    )


@every()
def workers_1(data, sample_cost_us, work, batch_size, start_method):
    """One worker, which makes batches while others are used; it lives for all epochs."""
    return in_workers(Costly(data, sample_cost_us, work), batch_size, start_method, 1)


@every()
def workers_2(data, sample_cost_us, work, batch_size, start_method):
    """Two workers that live for all epochs."""
    return in_workers(Costly(data, sample_cost_us, work), batch_size, start_method, 2)


@every()
def workers_4(data, sample_cost_us, work, batch_size, start_method):
    """Four workers that live for all epochs."""
    return in_workers(Costly(data, sample_cost_us, work), batch_size, start_method, 4)


@every()
def workers_2_anew(data, sample_cost_us, work, batch_size, start_method):
    """Two workers that are started for every epoch, as a DataLoader does unless told otherwise."""
    dataset = Costly(data, sample_cost_us, work)
    return in_workers(dataset, batch_size, start_method, 2, persistent_workers=False)


def in_threads(dataset, batch_size, num_threads):
    """Batches in order, made by threads that stay two batches ahead each."""

    def batch(start):
        return torch.stack([dataset[i] for i in range(len(dataset))[start : start + batch_size]])

    with ThreadPoolExecutor(num_threads) as threads:
        waiting = deque()
        for start in range(0, len(dataset), batch_size):
            waiting.append(threads.submit(batch, start))
            if len(waiting) > 2 * num_threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@every()
def threads_2(data, sample_cost_us, work, batch_size):
    """Two threads in place of workers: nothing to start, nothing to send, and one GIL."""
    return in_threads(Costly(data, sample_cost_us, work), batch_size, 2)


@scenario.check
def one_epoch(data, result, batch_size):
    return verify_epoch(result, data, batch_size=batch_size)
