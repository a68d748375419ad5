"""The conversion matrix, the other way: what every API makes of every kind of tensor."""

from functools import partial

import numpy as np
import torch

from harness import Parameter, Scenario
from harness.scenario.checks import as_array, same_values
from harness.scenario.layouts import TENSOR_LAYOUTS, make_tensor, no_such_tensor, random_values

DTYPES = (
    "bool",
    "uint8",
    "int8",
    "uint16",
    "int16",
    "uint32",
    "int32",
    "uint64",
    "int64",
    "float8_e4m3fn",
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "complex64",
    "complex128",
)
FEW = ("uint8", "bfloat16", "float32", "complex64")
SIZE = 4096  # bytes: what happens to an array does not depend on it
LAYOUTS = tuple(TENSOR_LAYOUTS)
FOREIGN = ("float8_e4m3fn", "bfloat16")  # NumPy lacks them; float32 holds their values

scenario = Scenario(
    "matrix_tensor_to_array",
    question="Which tensors does each API share, copy, cast, warn about, refuse or crash on?",
    baseline="np_array",
    groups={
        "share": "if the memory may be shared",
        "copy": "if you need your own copy",
        "cast": "if the dtype must change",
    },
    probe=True,
    parameters={
        "dtype": Parameter("float32", DTYPES, quick=FEW, usual=DTYPES, full=DTYPES, axis=True),
        "layout": Parameter(
            "contiguous",
            LAYOUTS,
            LAYOUTS,
            LAYOUTS,
            LAYOUTS,
            axis=True,
            doc="how the tensor lies in memory, or what it carries",
        ),
    },
)


@scenario.inputs
def tensor(dtype, layout, rng):
    def fill(shape):
        values = random_values(rng, shape, "float32" if dtype in FOREIGN else dtype)
        return torch.from_numpy(values).to(getattr(torch, dtype))

    return make_tensor(fill, SIZE, getattr(torch, dtype).itemsize, layout)


strategy = partial(scenario.strategy, skip=no_such_tensor)
share = partial(strategy, group="share")
copy = partial(strategy, group="copy", shares_memory=False)
cast = partial(strategy, group="cast")


@share()
def tensor_numpy(tensor):
    """t.numpy(): shares or raises."""
    return tensor.numpy()


@share()
def numpy_force(tensor):
    """t.numpy(force=True)."""
    return tensor.numpy(force=True)


@share()
def detach_cpu_numpy(tensor):
    """t.detach().cpu().numpy()."""
    return tensor.detach().cpu().numpy()


@share()
def np_asarray(tensor):
    """np.asarray(t)."""
    return np.asarray(tensor)


@share()
def np_asarray_no_copy(tensor):
    """np.asarray(t, copy=False)."""
    return np.asarray(tensor, copy=False)


@share()
def np_from_dlpack(tensor):
    """np.from_dlpack(t)."""
    return np.from_dlpack(tensor)


@share()
def np_from_dlpack_no_copy(tensor):
    """np.from_dlpack(t, copy=False)."""
    return np.from_dlpack(tensor, copy=False)


@share()
def np_ascontiguousarray(tensor):
    """np.ascontiguousarray(t)."""
    return np.ascontiguousarray(tensor)


@copy()
def np_array(tensor):
    """np.array(t)."""
    return np.array(tensor)


@copy()
def np_from_dlpack_copy(tensor):
    """np.from_dlpack(t, copy=True)."""
    return np.from_dlpack(tensor, copy=True)


@copy()
def array_of_tolist(tensor):
    """np.array(t.tolist()): Python numbers."""
    return np.array(tensor.tolist())


@cast()
def np_asarray_dtype(tensor):
    """np.asarray(t, dtype=np.float64)."""
    return np.asarray(tensor, dtype=np.float64)


@cast()
def float_numpy(tensor):
    """t.float().numpy()."""
    return tensor.float().numpy()


@scenario.check
def no_value_lost(tensor, array):
    """Any dtype will do that holds the values: the record tells which one it was."""
    foreign = str(tensor.dtype).removeprefix("torch.") in FOREIGN
    truth = as_array(tensor.float() if foreign else tensor)
    same_values(truth, array.astype(truth.dtype))
    same_values(truth, array, dtype=array.dtype.str)
