"""Processes of one's own, and queues."""

import itertools
import multiprocessing

import numpy as np
import torch

from .costs import needs
from .gathering import rows_by_batch
from .points import ARTICLE, by_row, strategy
from .samples import as_input


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
            yield as_input(batch[0]), torch.from_numpy(batch[1])
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
