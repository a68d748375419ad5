"""Nearly shuffled: long reads, and neighbours that stay near each other."""

from functools import partial

import numpy as np
import torch

from .costs import CHUNKS, loader_needs, needs
from .loaders import MappedRows, loader
from .points import all_but, strategy
from .samples import as_input, rows_of_a_chunk

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
            yield as_input(samples[rows]), torch.from_numpy(classes[rows])
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
        yield as_input(x), torch.from_numpy(y)
    order = random.permutation(window)
    for start in range(0, window, batch_size):
        places = order[start : start + batch_size]
        yield as_input(samples[places]), torch.from_numpy(classes[places])
