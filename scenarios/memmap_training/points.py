"""Points of the grid that make no sense, and what the declarations of strategies have in common."""

from functools import partial

from harness.scenario import KIB, MIB
from harness.scenario.sample_files import holds_ids

from . import scenario
from .costs import needs

ARTICLE = "How can I efficiently use NumPy memmap for PyTorch neural network training?"
LEAST_VALUES = 16
"""So that no two samples of bytes are alike."""


def readable(size):
    for unit, name in ((MIB, "MiB"), (KIB, "KiB")):
        if size >= unit and size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size} B"


def no_such_samples(size, sample_bytes, dtype, data_offset, npy, **_):
    if npy:
        moved = data_offset != scenario.parameters["data_offset"].default
        return "a file of your own begins where it does" if moved else None
    if holds_ids(dtype):
        return f"made samples are no {dtype}, which are ids; --npy or --raw takes yours"
    if sample_bytes % 4 or sample_bytes < 4 * LEAST_VALUES:
        return f"a sample of {sample_bytes} B is no row of {LEAST_VALUES} or more float32"
    if size < sample_bytes:
        return f"a sample of {readable(sample_bytes)} does not fit into {readable(size)} of data"
    return None


def no_such_epoch(dtype, batch_size, step, compute_ms, **samples):
    if compute_ms < 0:
        return f"a step cannot take {compute_ms:g} ms"
    if step != "compute" and compute_ms != scenario.parameters["compute_ms"].default:
        return "compute_ms means nothing but for step=compute"
    if step == "conv" and holds_ids(dtype):
        return "ids that are neighbours are not alike: there is nothing to convolve"
    if batch_size <= 0:
        return f"a batch cannot hold {batch_size} samples"
    return no_such_samples(dtype=dtype, **samples)


def no_such_rows(access, **point):
    if access == "chunks":
        return "rows are taken one by one; chunk_shuffle and its neighbours take chunks"
    return no_such_epoch(**point)


def no_such_image(dtype, **point):
    if holds_ids(dtype):
        return f"{dtype} are ids, and no image: there is nothing to flip or rotate"
    return no_such_epoch(dtype=dtype, **point)


def no_such_loader(num_workers, start_method, **point):
    if num_workers < 0:
        return f"there cannot be {num_workers} workers"
    if not num_workers and start_method != "fork":
        return "start_method means nothing without workers"
    return no_such_epoch(**point)


# What a quick sweep varies for a few strategies only.

VARIED = ("sample_bytes", "dtype", "access", "page_cache", "num_workers", "step", "compute_ms")


def all_but(*varied):
    return tuple(name for name in VARIED if name not in varied)


strategy = partial(scenario.strategy, skip=no_such_epoch, not_quick=VARIED)
shuffled = partial(strategy, group="shuffled")
by_row = partial(shuffled, skip=no_such_rows, copies=needs())
