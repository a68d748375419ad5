"""A user's own data, for the strategies of other scenarios: what ``ferrybench advise`` measures.

Inputs are a text that says what the data is. Each trial makes of it what its strategy is given, in
memory of its own: the first rows of a file, read as the user would read them, or values of the
shape that was said. So nothing is copied to disk, but where it is a file that is to be read.
"""

import inspect
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness import Parameter, Scenario
from harness.batches import number_rows, verify_file_epoch
from harness.scenario import MIB
from harness.scenario.declaration import argument_names
from harness.scenario.discover import load
from harness.scenario.sample_files import (
    CLASSES,
    NpyHeader,
    copy_leading,
    holds_ids,
)
from harness.scenario.training_step import make_step

BLOCK_VALUES = 2**18 + 3
"""Values that are drawn; all others repeat them, and no row is like the one before."""
NUMBER_BYTES = 4

DATA: dict[str, Any] = {
    "size": Parameter(MIB, axis=True, doc="bytes of the first rows that are taken"),
    "dtype": "float32",
    "shape": Parameter("", doc="of the whole array, such as 1000x1024"),
    "npy": Parameter("", doc="the file; values are made where there is none"),
    "offset": Parameter(0, doc="bytes before its first value"),
    "order": Parameter("C", choices=("C", "F")),
    "header": Parameter(True, doc="whether the file is one by numpy.save"),
    "checked": Parameter(True, doc="whether every value is compared, or only how many there are"),
}
BATCHES = {"batch_size": 64, "shuffle": False}
LOADER = {
    **BATCHES,
    "num_workers": 0,
    "pin_memory": False,
    "persistent_workers": False,
    "prefetch_factor": 2,
    "start_method": "fork",
}


def described(size, dtype, shape, npy, offset, order):
    """The first rows of so many bytes, at least two, or the only one."""
    lengths = [int(length) for length in shape.split("x")]
    row_bytes = math.prod(lengths[1:]) * np.dtype(dtype).itemsize
    rows = min(lengths[0], max(2, size // row_bytes))
    said = {"lengths": lengths, "rows": rows, "dtype": dtype}
    return json.dumps({**said, "npy": npy, "offset": offset, "order": order})


def block_of(dtype):
    rng = np.random.default_rng(0)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return rng.random(BLOCK_VALUES, np.float32).astype(kind)
    return rng.integers(0, min(np.iinfo(kind).max, 2**30), BLOCK_VALUES).astype(kind)


def fill(flat):
    """Fill memory with values; what is written first is what is repeated."""
    block = block_of(flat.dtype)
    for start in range(0, flat.size, BLOCK_VALUES):
        piece = flat[start : start + BLOCK_VALUES]
        piece[...] = block[: piece.size]


def array_of(said):
    """What the text describes, in memory of its own."""
    one = json.loads(said)
    whole, rows, dtype = one["lengths"], one["rows"], np.dtype(one["dtype"])
    shape = (rows, *whole[1:])
    if one["npy"] and one["order"] == "F":
        mapped = np.memmap(one["npy"], dtype, "r", one["offset"], tuple(whole), order="F")
        return np.array(mapped[:rows], order="F")
    if one["npy"]:
        read = np.fromfile(one["npy"], dtype, math.prod(shape), offset=one["offset"])
        return read.reshape(shape)
    array = np.empty(shape, dtype)
    fill(array.reshape(-1))
    return array


def labels_of(said):
    return np.arange(json.loads(said)["rows"], dtype=np.int64)


NOT_COMPARED = "the values: here, only how many came is looked at"


def with_names(function, names):
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    function.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])
    return function


def adopted(strategy, make, inputs):
    """A strategy of another scenario, whose inputs are made in its setup.

    Args:
        strategy: the other scenario's.
        make: its inputs, of the text.
        inputs: how many they are.
    """

    def setup(said, *more):
        data = make(said)
        return data if strategy.setup is None else (*data, strategy.setup(*data, *more))

    def function(said, given, *more):
        return strategy.function(*given, *more)

    own = argument_names(strategy.function)[inputs + (strategy.setup is not None) :]
    setup_names = argument_names(strategy.setup)[inputs:] if strategy.setup else ()
    function.__name__ = strategy.name
    return unbound(
        strategy,
        setup=with_names(setup, ("said", *setup_names)),
        function=with_names(function, ("said", "given", *own)),
    )


def unbound(strategy, **changed):
    """Without what is said of it in terms of its own scenario's parameters."""
    nothing = dict.fromkeys(("skip", "refuses", "copies", "pins", "shares_memory"))
    return replace(strategy, **nothing, at={}, max_size=None, **changed)


def built_in(name):
    return load(Path(__file__).resolve().parent / name)[0]


def own(name, other, parameters, make, inputs, **options):
    scenario = Scenario(
        name,
        question=other.question,
        baseline=other.baseline,
        parameters={**DATA, **parameters},
        **options,
    )
    scenario.make_inputs = described
    for key, strategy in other.strategies.items():
        scenario.strategies[key] = adopted(strategy, make, inputs)
    return scenario


# An array in memory becomes a tensor.


to_tensor = own(
    "own_to_tensor",
    tensors := built_in("tensor_from_array.py"),
    {},
    lambda said: (array_of(said),),
    1,
)


@to_tensor.check
def same_tensor(said, result, strategy, checked):
    return tensors.verify(array_of(said), result, strategy) if checked else NOT_COMPARED


# An array in memory becomes batches, whose rows are numbered so that a check can tell them.


def numbered(said):
    data = array_of(said)
    if len(data) and data[0].nbytes >= NUMBER_BYTES:
        number_rows(data)
    return data, labels_of(said)


to_loader = own(
    "own_to_loader",
    loaders := built_in("loader_from_array.py"),
    LOADER,
    numbered,
    2,
    epochs=True,
)


@to_loader.check
def same_epoch(said, result, group, batch_size, shuffle, checked):
    data, labels = numbered(said)
    are_numbered = data[0].nbytes >= NUMBER_BYTES
    if checked and are_numbered:
        return loaders.verify(data, labels, result, group, batch_size, shuffle)
    count_samples(result, labels)
    return NOT_COMPARED if are_numbered else "the values: rows of so few bytes cannot be told apart"


def count_samples(batches, labels):
    came = sum(len(batch[0] if isinstance(batch, list | tuple) else batch) for batch in batches)
    assert came == len(labels), f"{came} samples came, expected {len(labels)}"


# A loader's batches become arrays.


from_loader = own(
    "own_from_loader",
    arrays := built_in("array_from_loader.py"),
    {**LOADER, "drop_last": False},
    numbered,
    2,
)


@from_loader.check
def same_arrays(said, result, batch_size, drop_last, group, checked):
    if checked:
        data, labels = numbered(said)
        return arrays.verify(data, labels, result, batch_size, drop_last, group)
    assert len(result[0]) == json.loads(said)["rows"], f"{len(result[0])} rows came"
    return NOT_COMPARED


# An array goes to an accelerator.


def flat_tensor(said):
    return (torch.from_numpy(array_of(said)).reshape(-1),)


to_device = own("own_to_device", transfers := built_in("host_to_device.py"), {}, flat_tensor, 1)


@to_device.check
def same_on_device(said, result, group, checked):
    return transfers.verify(*flat_tensor(said), result, group) if checked else NOT_COMPARED


# Samples in a file become batches: here the file is what strategies are given.

training = built_in("memmap_training")
train_from_file = Scenario(
    "own_train_from_file",
    question=training.question,
    baseline=training.baseline,
    parameters={
        **DATA,
        **BATCHES,
        "access": Parameter("shuffled", choices=("shuffled", "sequential")),
        "page_cache": Parameter("warm", choices=("warm", "cold")),
        "num_workers": 0,
        "start_method": "fork",
    },
    epochs=True,
)
for name, strategy in training.strategies.items():
    train_from_file.strategies[name] = unbound(strategy)


@train_from_file.inputs
def file_and_labels(size, dtype, shape, npy, offset, order, header, folder):
    one = json.loads(described(size, dtype, shape, npy, offset, order))
    path = folder / "samples.npy"
    rows, lengths = one["rows"], tuple(one["lengths"])
    if not npy:
        write_repeated(path, (rows, *lengths[1:]), dtype)
    elif rows == lengths[0] and header:
        path.symlink_to(npy)
    else:
        there = NpyHeader(lengths, np.dtype(dtype), offset)
        copy_leading(npy, there, path, rows * there.row_bytes)
    return path, np.arange(rows, dtype=np.int64) % CLASSES


def write_repeated(path, shape, dtype):
    values, block = math.prod(shape), block_of(dtype)
    with path.open("wb") as file:
        fields = {"descr": block.dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, fields)
        for start in range(0, values, BLOCK_VALUES):
            block[: values - start].tofile(file)


@train_from_file.step
def step(shape, dtype):
    """Reads the batch, and learns nothing: what counts is what it takes to come."""
    return make_step("read", math.prod(map(int, shape.split("x")[1:])), 0.0, ids=holds_ids(dtype))


@train_from_file.check
def same_rows(path, labels, result, strategy, group, batch_size, access, checked):
    if not checked:
        count_samples(result, labels)
        return NOT_COMPARED
    in_one_batch = strategy.endswith("sorted_index") and len(labels) <= batch_size
    return verify_file_epoch(
        result,
        path,
        labels,
        batch_size=batch_size,
        shuffle=access != "sequential" and not in_one_batch,
        reused=group == "reused batch",
    )
