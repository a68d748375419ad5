"""From samples in a file on disk to training: every way to feed them, from the disk or from memory.

A file by np.save holds the samples, one a row; their labels are in memory. Each batch is (x, y), x
of float32, whatever the file has; or of int64, where the file has ids, such as tokens. A training
step is taken on every batch, and what counts is how long it had to wait.
"""

from pathlib import Path

import numpy as np

from harness import Parameter, Scenario
from harness.batches import START_METHODS
from harness.scenario import KIB, MIB
from harness.scenario.npy import FLOATS, IDS, parse_raw, read_npy
from harness.scenario.sample_files import (
    HEADER_BYTES,
    NpyHeader,
    copy_leading,
    holds_ids,
    label_samples,
    read_header,
    write_samples,
)
from harness.scenario.training_step import STEPS, make_step

__all__ = [  # noqa: RUF022 — the order of the strategies
    "loaders",
    "gathering",
    "mapping",
    "reading",
    "queues",
    "in_order",
    "chunks",
    "reused",
    "augmented",
    "formats",
]
SAMPLE_BYTES = (512, KIB, 2 * KIB, 4 * KIB, 4 * KIB + 256, 16 * KIB, 64 * KIB, MIB)
ON_DISK = ("float32", "uint8", "float16")
ORDERS = ("shuffled", "sequential")
WORKERS = (0, 1, 2, 4)

scenario = Scenario(
    "memmap_training",
    question="How should samples in a file on disk be fed to training, and when does it wait?",
    baseline="load_into_memory",
    order=80,
    groups={
        "shuffled": "if any sample may come next",
        "in order": "if samples may come in the file's order",
        "nearly shuffled": "if neighbours in the file may stay near each other",
        "reused batch": "if each batch may overwrite the one before",
        "augmented": "if every sample is to be flipped and rotated",
    },
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
            choices=("uint8", *FLOATS, *IDS),
            quick=("float32", "uint8"),
            usual=ON_DISK,
            full=ON_DISK,
            doc="of the samples in the file; bytes become 0…1, other integers are ids",
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
            "from it, work of compute_ms, or only reading it; ids are looked up in a table first",
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
        "raw": Parameter("", doc="shape and first byte of a file of your own without a header"),
    },
)


def row_bytes(sample_bytes, dtype, npy):
    """What a sample takes in the file."""
    return sample_bytes if npy else sample_bytes // 4 * np.dtype(dtype).itemsize


def values_of(sample_bytes, dtype, npy):
    """How many values a sample has."""
    return row_bytes(sample_bytes, dtype, npy) // np.dtype(dtype).itemsize


def count(size, sample_bytes, dtype, npy):
    return max(2, size // row_bytes(sample_bytes, dtype, npy))


@scenario.inputs
def file_and_labels(size, sample_bytes, dtype, data_offset, npy, raw, folder, rng):
    path = folder / "samples.npy"
    if not npy:
        rows = count(size, sample_bytes, dtype, npy)
        return path, write_samples(path, rows, sample_bytes // 4, dtype, rng, offset=data_offset)
    if raw:
        shape, first = parse_raw(raw)
        copy_leading(npy, NpyHeader(shape, np.dtype(dtype), first), path, size)
    elif read_npy(Path(npy)).data_bytes > size:
        copy_leading(npy, read_header(npy), path, size)
    else:
        path.symlink_to(Path(npy).resolve())
    return path, label_samples(path)


@scenario.step
def step(step, sample_bytes, dtype, compute_ms, npy):
    return make_step(step, values_of(sample_bytes, dtype, npy), compute_ms, ids=holds_ids(dtype))
