"""Cost models, in multiples of the file and its labels.

A batch is held until the next has come.
"""

from harness.scenario.sample_files import given_dtype

from . import count, row_bytes, values_of

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
        batches: alive at a time, as they are given. Where the file has another dtype, no batch is a
            view of it, and there is one more as it is in the file.
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
        given = given_dtype(dtype)
        sample = given.itemsize * values_of(sample_bytes, dtype, npy)
        cast = dtype != given.name
        gaps = GAPS if by_torch or (cast and not tensors) else 0
        alive = max(batches, 2) if cast else batches
        needed = min(alive * batch_size, rows) * sample + rows * of_a_row
        needed += views * VIEW_BYTES * -(-rows // batch_size)
        of_a_sample = (temporaries + gaps) * sample + tensors * VIEW_BYTES + cast * row
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
