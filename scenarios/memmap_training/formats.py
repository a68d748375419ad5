"""Other formats, each written once beside the file, in pieces."""

import json
import math
import os
import shutil

import numpy as np
import torch

from .chunks import by_chunk, chunks_shuffled
from .costs import needs
from .gathering import gathered, rows_by_batch
from .mapping import by_torch, selected
from .points import by_row
from .samples import as_input, rows_of_a_chunk


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
    kind = f"{data.dtype.kind.upper()}{8 * data.dtype.itemsize}"  # such as F32
    entry = {"dtype": kind, "shape": data.shape, "data_offsets": [0, data.nbytes]}
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
            yield as_input(samples[rows]), torch.from_numpy(labels[rows])


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
