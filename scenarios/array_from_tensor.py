"""From a tensor to an array: every way there is, and what each costs."""

from functools import partial

import numpy as np
import torch

from harness import Parameter, Scenario
from harness.scenario import MIB, SIZES
from harness.scenario.checks import same_values
from harness.scenario.layouts import TENSOR_LAYOUTS, make_tensor, no_such_tensor, random_values

DTYPES = ("uint8", "float16", "bfloat16", "float32", "float64", "int64")
LAYOUTS = tuple(layout for layout in TENSOR_LAYOUTS if layout != "conjugate")

scenario = Scenario(
    "array_from_tensor",
    question="Does making an array from a tensor copy it, and what does the copy cost?",
    baseline="numpy_copy",
    order=20,
    groups={
        "share": "if the memory may be shared",
        "copy": "if you need your own copy",
        "reuse": "if the data may go into memory you keep",
        "list": "if you need Python numbers",
        "bfloat16": "if the tensor is bfloat16",
    },
    parameters={
        "size": SIZES,
        "dtype": Parameter("float32", choices=DTYPES, usual=DTYPES, full=DTYPES),
        "layout": Parameter(
            "contiguous",
            choices=LAYOUTS,
            usual=LAYOUTS,
            full=LAYOUTS,
            doc="how the tensor lies in memory, or that it requires gradients",
        ),
        "threads": Parameter(1, usual=(1, "all"), full=(1, "all"), doc="threads torch may use"),
    },
)


@scenario.inputs
def tensor(size, dtype, layout, rng):
    def fill(shape):
        # NumPy has no bfloat16; float16 values rounded to it serve as well as any.
        values = random_values(rng, shape, "float16" if dtype == "bfloat16" else dtype)
        return torch.from_numpy(values).to(getattr(torch, dtype))

    return make_tensor(fill, size, getattr(torch, dtype).itemsize, layout)


# Share: the array and the tensor are one memory, so a change to either is seen in both.


def refused(dtype, layout):
    """Words of the exceptions of torch and NumPy; what converts the tensor first is not refused."""
    return (
        *(("bfloat16", "Unsupported dtype") if dtype == "bfloat16" else ()),
        *(("requires grad", "require gradient") if layout == "requires_grad" else ()),
    )


strategy = partial(scenario.strategy, skip=no_such_tensor, refuses=refused)
share = partial(strategy, group="share", copies=0, shares_memory=True)


@share()
def tensor_numpy(tensor):
    """Shares the tensor's memory, or raises."""
    return tensor.numpy()


@share()
def numpy_force(tensor):
    """Detaches and moves to the host where needed, and shares where it can."""
    return tensor.numpy(force=True)


@share()
def detach_cpu_numpy(tensor):
    """What numpy(force=True) does, written out: each step is free where it is not needed."""
    return tensor.detach().cpu().numpy()


@share()
def np_asarray(tensor):
    """Calls the tensor's numpy()."""
    return np.asarray(tensor)


@share()
def np_from_dlpack(tensor):
    """Shares through the DLPack protocol, which any array library may offer."""
    return np.from_dlpack(tensor)


# Copy: the array has memory of its own.

copy = partial(strategy, group="copy", copies=1, shares_memory=False)


@copy()
def np_array(tensor):
    """Always copies, in one thread."""
    return np.array(tensor)


@copy()
def numpy_copy(tensor):
    """Shares first, then copies with NumPy."""
    return tensor.numpy().copy()


@copy()
def clone_numpy(tensor):
    """Copies with torch's threads, then shares the copy."""
    return tensor.detach().clone().numpy()


@copy()
def from_dlpack_copy(tensor):
    """Has torch make the copy that NumPy then shares."""
    return np.from_dlpack(tensor, copy=True)


# Reuse: the copy goes into an array that exists already, and whose pages have been touched.


def touched_array(tensor):
    return np.ones(tensor.shape, str(tensor.dtype).removeprefix("torch."))


reuse = partial(strategy, group="reuse", copies=0, shares_memory=False, setup=touched_array)


@reuse()
def reused_array(tensor, array):
    """Copies into an array made once: no allocation, no page faults."""
    np.copyto(array, tensor.numpy())
    return array


@reuse()
def reused_by_torch(tensor, array):
    """The same with torch's threads doing the copy."""
    torch.from_numpy(array).copy_(tensor.detach())
    return array


# List: plain Python numbers.


def python_objects(dtype):
    """The cost of an object and its place in a list for every number."""
    made = {"uint8": 8.4, "int64": 36.4}  # integers from -5 to 256 exist already
    return made.get(dtype, 40.4) / getattr(torch, dtype).itemsize


@strategy(group="list", copies=python_objects, max_size=4 * MIB)
def tolist(tensor):
    """Makes a Python object from every number."""
    return tensor.tolist()


# bfloat16: NumPy has no such dtype, and numpy() refuses.


def not_bfloat16(dtype, layout):
    if dtype != "bfloat16":
        return f"NumPy has {dtype}: there is nothing to work around"
    return no_such_tensor(dtype, layout)


bfloat16 = partial(
    scenario.strategy,
    group="bfloat16",
    skip=not_bfloat16,
    refuses=refused,
    at={"dtype": "bfloat16"},
)


@bfloat16(copies=0, shares_memory=True)
def bits_by_view(tensor):
    """Shares the bits as 16-bit integers, from which torch can view them back."""
    return tensor.view(torch.int16).numpy()


@bfloat16(copies=0, shares_memory=True, requires=("ml_dtypes",))
def ml_dtypes_by_view(tensor):
    """Shares the numbers, with the dtype that ml_dtypes adds to NumPy."""
    import ml_dtypes

    return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)


@bfloat16(copies=2, shares_memory=False)
def float_numpy(tensor):
    """Widens every number to float32, which holds it exactly in twice the memory."""
    return tensor.float().numpy()


scenario.variant(
    "torch_huge_pages",
    env={"THP_MEM_ALLOC_ENABLE": "1"},
    strategies=("clone_numpy", "from_dlpack_copy"),
    doc="torch asks for huge pages too",
)
scenario.variant(
    "numpy_small_pages",
    env={"NUMPY_MADVISE_HUGEPAGE": "0"},
    strategies=("np_array", "numpy_copy"),
    doc="NumPy does not ask for huge pages",
)


@scenario.check
def all_of_the_tensor(tensor, result):
    if isinstance(result, list):
        same_numbers(tensor, result)
    elif tensor.dtype is not torch.bfloat16:
        same_values(tensor, result)
    elif result.dtype == np.float32:
        for expected, actual in zip(
            tensor.split(1024), np.split(result, range(1024, len(result), 1024)), strict=True
        ):
            same_values(expected.float(), actual)
    else:
        assert result.dtype.name in ("int16", "bfloat16"), f"dtype {result.dtype}"
        same_values(tensor, result.view(np.int16))


def same_numbers(tensor, rows):
    assert len(rows) == len(tensor), f"{len(rows)} rows, expected {len(tensor)}"
    for index, (expected, row) in enumerate(zip(tensor, rows, strict=True)):
        number = type(expected[0].item())
        assert row == expected.tolist(), f"row {index} differs"
        assert all(type(value) is number for value in row), f"row {index} is not of {number}"
