"""From an array to a tensor: every way there is, and what each costs."""

from functools import partial

import numpy as np
import torch

from harness import Parameter, Scenario
from harness.scenario import MIB, SIZES
from harness.scenario.checks import same_values
from harness.scenario.layouts import ARRAY_LAYOUTS, make_array, no_such_array, shape_for

DTYPES = ("uint8", "float16", "float32", "float64", "int64")

scenario = Scenario(
    "tensor_from_array",
    question="Does making a tensor from an array copy it, and what does the copy cost?",
    baseline="torch_tensor",
    order=10,
    groups={
        "share": "if the memory may be shared",
        "copy": "if you need your own copy",
        "reuse": "if the data may go into memory you keep",
        "chunks": "if a part at a time will do",
        "kept chunks": "if the data comes in parts, and all are kept",
        "shared memory": "if other processes must see it",
        "list": "if the data is a list of arrays",
        "layout": "if the layout must change",
        "cast": "if the dtype must change",
    },
    parameters={
        "size": SIZES,
        "dtype": Parameter("float32", choices=DTYPES, usual=DTYPES, full=DTYPES),
        "layout": Parameter(
            "C",
            choices=tuple(ARRAY_LAYOUTS),
            usual=tuple(ARRAY_LAYOUTS),
            full=tuple(ARRAY_LAYOUTS),
            doc="how the array lies in memory",
        ),
        "threads": Parameter(1, usual=(1, "all"), full=(1, "all"), doc="threads torch may use"),
    },
)


@scenario.inputs
def array(size, dtype, layout, rng):
    return make_array(rng, size, dtype, layout)


# Share: the tensor and the array are one memory, so a change to either is seen in both.


NOT_ONE_BLOCK = "retrieve buffer"
REFUSED = {
    "bigendian": ("byte order",),
    "negative": ("stride", NOT_ONE_BLOCK),
    **dict.fromkeys(("fortran", "step", "broadcast"), (NOT_ONE_BLOCK,)),
}
"""By layout: words of the exceptions of torch and NumPy. What converts it first is not refused."""


def refused(layout):
    return REFUSED.get(layout, ())


strategy = partial(scenario.strategy, skip=no_such_array, refuses=refused)
share = partial(strategy, group="share", copies=0, shares_memory=True)


@share()
def from_numpy(array):
    """Shares the array's memory, or raises."""
    return torch.from_numpy(array)


@share()
def as_tensor(array):
    """Shares the array's memory unless asked for another dtype or device."""
    return torch.as_tensor(array)


@share()
def asarray(array):
    """Shares where it can (copy=None); takes lists and scalars too."""
    return torch.asarray(array)


@share()
def asarray_no_copy(array):
    """Shares, and raises rather than copy."""
    return torch.asarray(array, copy=False)


@share()
def from_dlpack(array):
    """Shares through the DLPack protocol, which any array library may offer."""
    return torch.from_dlpack(array)


@share()
def from_dlpack_no_copy(array):
    """Shares through DLPack; the array's library must raise rather than copy."""
    return torch.from_dlpack(array, copy=False)


@share()
def frombuffer(array):
    """Reads the buffer's bytes as the dtype it is given: it cannot see a byte order."""
    dtype = getattr(torch, array.dtype.name)
    return torch.frombuffer(array, dtype=dtype).reshape(array.shape)


# Copy: the tensor has memory of its own.

copy = partial(strategy, group="copy", copies=1, shares_memory=False)


@copy()
def torch_tensor(array):
    """Always copies, whatever the dtype."""
    return torch.tensor(array)


@copy()
def asarray_copy(array):
    """Always copies."""
    return torch.asarray(array, copy=True)


@copy()
def from_dlpack_copy(array):
    """Has NumPy make the copy, in memory that NumPy allocates."""
    return torch.from_dlpack(array, copy=True)


@copy()
def from_numpy_clone(array):
    """Shares first, then copies with torch's threads into memory that torch allocates."""
    return torch.from_numpy(array).clone()


@copy()
def copy_then_from_numpy(array):
    """Copies with NumPy, in one thread, then shares the copy."""
    return torch.from_numpy(array.copy())


@copy()
def empty_like_copy(array):
    """The two halves of a clone, allocation and copy, written separately."""
    shared = torch.from_numpy(array)
    return torch.empty_like(shared).copy_(shared)


# Reuse: the copy goes into a tensor that exists already, and whose pages have been touched.


def touched_tensor(array):
    return torch.ones(array.shape, dtype=getattr(torch, array.dtype.name))


reuse = partial(strategy, group="reuse", copies=0, shares_memory=False, setup=touched_tensor)


@reuse()
def reused_tensor(array, tensor):
    """Copies into a tensor made once: no allocation, no page faults."""
    return tensor.copy_(torch.from_numpy(array))


@reuse()
def reused_by_numpy(array, tensor):
    """The same with NumPy doing the copy, which takes any stride and byte order."""
    np.copyto(tensor.numpy(), array)
    return tensor


# Chunks: the data pass through in sixteen parts, each summed and counted, so that none can be left
# out. NumPy copies the parts: torch.tensor allocates them aligned, which may split the blocks that
# glibc has freed, and then the peak is one part or a dozen, by luck of the process's addresses.


@strategy(group="chunks", copies=1 / 16, work="read")
def chunks_dropped(array):
    """Copies one part at a time and forgets it: memory for a sixteenth of the data."""
    total, rows = 0.0, 0
    for chunk in np.array_split(array, 16):
        tensor = torch.from_numpy(chunk.copy())
        total += tensor.sum(dtype=tensor.dtype).item()
        rows += len(tensor)
        del tensor
    return total, rows


@strategy(group="chunks", copies=2 / 16, work="read")
def chunk_generator(array):
    """Holds two parts: the loop keeps one while the generator makes the next."""
    total, rows = 0.0, 0
    for tensor in (torch.from_numpy(chunk.copy()) for chunk in np.array_split(array, 16)):
        total += tensor.sum(dtype=tensor.dtype).item()
        rows += len(tensor)
    return total, rows


@strategy(group="chunks", copies=0, work="read")
def chunk_views(array):
    """Shares the array and splits the tensor: the parts need no memory at all."""
    total, rows = 0.0, 0
    for tensor in torch.from_numpy(array).tensor_split(16):
        total += tensor.sum(dtype=tensor.dtype).item()
        rows += len(tensor)
    return total, rows


@strategy(group="kept chunks", copies=1, shares_memory=False)
def chunks_kept(array):
    """Copies part by part and keeps them all: chunks by themselves save nothing."""
    return [torch.tensor(chunk) for chunk in np.array_split(array, 16)]


# Shared memory: for handing the tensor to other processes.


def storage(size, dtype, layout):
    """The multiple of the data that lies between the array's first and last byte."""
    return {"step": 2, "broadcast": 1 / row_count(size, dtype)}.get(layout, 1)


@strategy(group="shared memory", copies=storage, shares_memory=False)
def share_memory(array):
    """Moves the data into shared memory: everything the strides span, once."""
    return torch.from_numpy(array).share_memory_()


@strategy(group="shared memory", copies=2, shares_memory=False)
def tensor_share_memory(array):
    """Copies twice: into a tensor first, from there into shared memory."""
    return torch.tensor(array).share_memory_()


# List: the data come as a list of arrays, here the rows.


def rows_of(array):
    return list(array)


def copy_and(bytes_per_row):
    """The cost of one copy of the data and of an object for every row."""
    return lambda size, dtype: 1 + bytes_per_row * row_count(size, dtype) / size


def row_count(size, dtype):
    return shape_for(size, np.dtype(dtype).itemsize)[0]


def python_objects(dtype):
    """The cost of an object and its place in a list for every number, and of the result."""
    made = {"uint8": 8.4 + 8, "int64": 36.4 + 8}  # integers from -5 to 256 exist already
    return made.get(dtype, 40.4 + 4) / np.dtype(dtype).itemsize


@strategy(group="list", copies=1, shares_memory=False, setup=rows_of, max_size=4 * MIB)
def tensor_of_list(array, rows):
    """Converts number by number; torch itself warns that this is extremely slow."""
    return torch.tensor(rows)


@strategy(group="list", copies=copy_and(492), shares_memory=False, setup=rows_of)
def stack_tensors(array, rows):
    """Makes a small tensor from every array, then copies them together."""
    return torch.stack([torch.from_numpy(row) for row in rows])


@strategy(group="list", copies=copy_and(196), shares_memory=False, setup=rows_of)
def stack_arrays(array, rows):
    """Copies together with NumPy, then shares the result."""
    return torch.from_numpy(np.stack(rows))


@strategy(group="list", copies=python_objects, shares_memory=False, max_size=4 * MIB)
def tensor_of_tolist(array):
    """Makes a Python object from every number; the dtype is lost on the way."""
    return torch.tensor(array.tolist())


# Layout: a tensor of an array whose layout torch refuses, or that is to be contiguous.


def contiguous_already(dtype, layout):
    if layout in ("C", "readonly", "unaligned"):
        return f"an array of layout {layout} is contiguous already"
    return no_such_array(dtype, layout)


def not_reversed(dtype, layout):
    return None if layout == "negative" else "only a reversed array needs it"


def native_already(dtype, layout):
    if layout != "bigendian":
        return "the array is in native byte order already"
    return no_such_array(dtype, layout)


fix = partial(scenario.strategy, group="layout", copies=1, shares_memory=False, refuses=refused)


@fix(skip=contiguous_already, at={"layout": "fortran"})
def ascontiguousarray(array):
    """Copies into C order with NumPy unless the array has it already."""
    return torch.from_numpy(np.ascontiguousarray(array))


@fix(skip=contiguous_already, at={"layout": "fortran"})
def contiguous(array):
    """Shares whatever the strides, then copies into C order with torch's threads."""
    return torch.from_numpy(array).contiguous()


@fix(skip=not_reversed, at={"layout": "negative"})
def flip(array):
    """Undoes the reversal in NumPy, which is free, and redoes it in torch, which copies."""
    return torch.from_numpy(array[::-1]).flip(0)


@fix(skip=native_already, at={"layout": "bigendian"})
def byteswap(array):
    """Swaps the bytes into native order, in a copy."""
    return torch.from_numpy(array.byteswap().view(array.dtype.newbyteorder("=")))


@fix(skip=native_already, at={"layout": "bigendian"})
def astype_native(array):
    """Casts to the same dtype in native byte order."""
    return torch.from_numpy(array.astype(array.dtype.newbyteorder("=")))


# Cast: a float32 tensor of an array of another dtype.


def float32_already(dtype, layout):
    return "the array is float32 already" if dtype == "float32" else no_such_array(dtype, layout)


def result_only(dtype):
    return 4 / np.dtype(dtype).itemsize


def result_and_copy(dtype):
    return 1 + result_only(dtype)


def nothing_or_result(dtype):
    return 0 if dtype == "float32" else result_only(dtype)


cast = partial(
    scenario.strategy,
    refuses=refused,
    group="cast",
    shares_memory=False,
    skip=float32_already,
    at={"dtype": "float64"},
)


@strategy(group="cast", copies=nothing_or_result)
def tensor_constructor(array):
    """Shares a float32 array, and silently casts any other to float32."""
    return torch.Tensor(array)


@cast(copies=result_only)
def tensor_dtype(array):
    """Copies and casts in one step."""
    return torch.tensor(array, dtype=torch.float32)


@cast(copies=result_only)
def as_tensor_dtype(array):
    """Copies only because the dtype differs."""
    return torch.as_tensor(array, dtype=torch.float32)


@cast(copies=result_only)
def astype_then_from_numpy(array):
    """Casts with NumPy, then shares the result."""
    return torch.from_numpy(array.astype(np.float32))


@cast(copies=result_only)
def from_numpy_to(array):
    """Shares first, then casts with torch's threads."""
    return torch.from_numpy(array).to(torch.float32)


@cast(copies=result_and_copy)
def tensor_then_float(array):
    """Copies in full, then casts the copy: both are alive at once."""
    return torch.tensor(array).float()


# The same copies on other pages: what page faults cost, apart from what copying does.

scenario.variant(
    "torch_huge_pages",
    env={"THP_MEM_ALLOC_ENABLE": "1"},
    strategies=("torch_tensor", "from_numpy_clone", "empty_like_copy", "from_numpy_to"),
    doc="torch asks for huge pages too",
)
scenario.variant(
    "numpy_small_pages",
    env={"NUMPY_MADVISE_HUGEPAGE": "0"},
    strategies=("copy_then_from_numpy", "from_dlpack_copy", "astype_then_from_numpy"),
    doc="NumPy does not ask for huge pages",
)


@scenario.check
def all_of_the_array(array, result, strategy):
    if isinstance(result, tuple):
        same_sum(array, *result)
    elif isinstance(result, list):
        same_parts(array, result)
    elif strategy == "tensor_of_tolist":  # Python numbers carry no dtype; torch's defaults do
        same_values(array, result, dtype="float32" if array.dtype.kind == "f" else "int64")
    else:
        casts = scenario.strategies[strategy].group == "cast"
        same_values(array, result, dtype="float32" if casts else None)


def same_parts(array, parts):
    start = 0
    for part in parts:
        same_values(array[start : start + len(part)], part)
        start += len(part)
    assert start == len(array), f"{start} rows in all parts together, expected {len(array)}"


def same_sum(array, total, rows):
    assert rows == len(array), f"{rows} rows in all parts together, expected {len(array)}"
    floating = array.dtype.kind == "f"
    wide = np.float64 if floating else array.dtype.newbyteorder("=")
    sums = [part.sum(dtype=wide).item() for part in np.array_split(array, 16)]
    # Most sums of these values are exact; float16 rounds each, float32 where rows repeat.
    rounding = np.finfo(array.dtype).eps * sum(map(abs, sums)) if floating else 0
    if array.dtype.name == "float32":
        rounding *= 8
    assert abs(total - sum(sums)) <= rounding, f"sum {total!r}, expected {sum(sums)!r}"
