"""The conversion matrix, one way: what every API makes of every kind of array."""

from functools import partial

import numpy as np
import torch

from harness import Parameter, Scenario
from harness.scenario.checks import as_array, same_values
from harness.scenario.layouts import ARRAY_LAYOUTS, make_array, no_such_array

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
    "float16",
    "float32",
    "float64",
    "longdouble",
    "complex64",
    "complex128",
    "datetime64[D]",
    "U4",
)
FEW = ("uint8", "float32", "float64", "complex64")
SIZE = 4096  # bytes: what happens to an array does not depend on it
LAYOUTS = tuple(ARRAY_LAYOUTS)

scenario = Scenario(
    "matrix_array_to_tensor",
    question="Which arrays does each API share, copy, cast, warn about, refuse or crash on?",
    baseline="torch_tensor",
    groups={
        "share": "if the memory may be shared",
        "copy": "if you need your own copy",
        "cast": "if the dtype must change",
        "layout": "if the layout must change",
    },
    probe=True,
    parameters={
        "dtype": Parameter("float32", DTYPES, quick=FEW, usual=DTYPES, full=DTYPES, axis=True),
        "layout": Parameter(
            "C", LAYOUTS, LAYOUTS, LAYOUTS, LAYOUTS, axis=True, doc="how the array lies in memory"
        ),
    },
)


@scenario.inputs
def array(dtype, layout, rng):
    return make_array(rng, SIZE, dtype, layout)


strategy = partial(scenario.strategy, skip=no_such_array)
share = partial(strategy, group="share")
copy = partial(strategy, group="copy", shares_memory=False)
cast = partial(strategy, group="cast")


@share()
def from_numpy(array):
    """torch.from_numpy(a): shares or raises."""
    return torch.from_numpy(array)


@share()
def as_tensor(array):
    """torch.as_tensor(a)."""
    return torch.as_tensor(array)


@share()
def asarray(array):
    """torch.asarray(a)."""
    return torch.asarray(array)


@share()
def asarray_no_copy(array):
    """torch.asarray(a, copy=False)."""
    return torch.asarray(array, copy=False)


@share()
def from_dlpack(array):
    """torch.from_dlpack(a)."""
    return torch.from_dlpack(array)


@share()
def from_dlpack_no_copy(array):
    """torch.from_dlpack(a, copy=False)."""
    return torch.from_dlpack(array, copy=False)


@share()
def frombuffer(array):
    """torch.frombuffer(a, dtype=…), told the dtype by name."""
    dtype = getattr(torch, array.dtype.name)
    return torch.frombuffer(array, dtype=dtype).reshape(array.shape)


@copy()
def torch_tensor(array):
    """torch.tensor(a)."""
    return torch.tensor(array)


@copy()
def asarray_copy(array):
    """torch.asarray(a, copy=True)."""
    return torch.asarray(array, copy=True)


@copy()
def from_dlpack_copy(array):
    """torch.from_dlpack(a, copy=True)."""
    return torch.from_dlpack(array, copy=True)


@copy()
def tensor_of_list(array):
    """torch.tensor(list(a)): a list of its rows."""
    return torch.tensor(list(array))


@copy()
def tensor_of_tolist(array):
    """torch.tensor(a.tolist()): Python numbers."""
    return torch.tensor(array.tolist())


@copy()
def default_collate(array):
    """What a DataLoader makes of a batch of its rows."""
    return torch.utils.data.default_collate(list(array))


@cast()
def tensor_constructor(array):
    """torch.Tensor(a): float32, whatever the array is."""
    return torch.Tensor(array)


@cast()
def as_tensor_dtype(array):
    """torch.as_tensor(a, dtype=torch.float32)."""
    return torch.as_tensor(array, dtype=torch.float32)


@cast()
def copy_into(array):
    """torch.empty(…, dtype=torch.float32).copy_(torch.from_numpy(a))."""
    return torch.empty(array.shape, dtype=torch.float32).copy_(torch.from_numpy(array))


@strategy(group="layout")
def ascontiguousarray(array):
    """torch.from_numpy(np.ascontiguousarray(a))."""
    return torch.from_numpy(np.ascontiguousarray(array))


@scenario.check
def no_value_lost(array, tensor):
    """Any dtype will do that holds the values: the record tells which one it was."""
    same_values(array, as_array(tensor).astype(array.dtype))
    same_values(array, tensor, dtype=str(tensor.dtype).removeprefix("torch."))
