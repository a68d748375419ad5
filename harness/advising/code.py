"""Code to paste: a strategy's own source, with the user's file or shape filled in.

It runs as it is printed, with nothing but NumPy and torch. Where data was only told of, ones stand
in its place, to be replaced.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from harness.advising.advice import Advice, Way
from harness.advising.data import Data
from harness.schema.records import Value

_IMPORTS = ("import numpy as np", "import torch")
OWN = "  # your own in place of this"


def code_of(advice: Advice, way: Way) -> str:
    """A whole script that does the task in one of the ways."""
    tree = ast.parse(way.source)
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    before = _lines(advice)
    call = _call(way, names, advice)
    body = _in_a_loop(call) if advice.task.unit == "epoch" else _assigned(call, advice)
    imports = [one for one in _IMPORTS if one not in way.source.splitlines()]
    if advice.task.name == "train-from-file" and "from pathlib import Path" not in way.source:
        imports.insert(0, "from pathlib import Path\n")
    parts = ["\n".join(imports), way.source, "\n".join(before), body]
    return "\n\n".join(part for part in parts if part) + "\n"


def _in_a_loop(call: str) -> str:
    return f"for batch in {call}:\n    pass  # train on it; for the next epoch, call it again"


def _assigned(call: str, advice: Advice) -> str:
    if advice.task.name == "from-loader":
        return f"x, y = {call}"
    if advice.task.name == "to-device" and len(advice.data.shape) > 1:
        return f"result = {call}.reshape({advice.data.shape})"
    return f"tensor = {call}" if advice.task.name == "to-tensor" else f"result = {call}"


def _lines(advice: Advice) -> list[str]:
    """The data, under the names that the strategy's first arguments have."""
    data, task = advice.data, advice.task
    if task.name == "train-from-file":
        labels = f"labels = np.zeros({data.rows}, np.int64){OWN}"
        return [*_path(data), labels]
    if task.name == "to-device":
        flat = [f"array = {_array(data)}", "data = torch.from_numpy(array).reshape(-1)"]
        copied = data.file is not None and data.file.fortran
        return [*flat, "array = None  # columns came first: what is sent is a copy"][: 2 + copied]
    if len(task.inputs) == 1:
        return [f"{task.inputs[0]} = {_array(data)}"]
    if task.name == "to-loader":
        return [f"data = {_array(data)}", "labels = None  # these batches are of data alone"]
    return [f"data = {_array(data)}", f"labels = np.arange({data.rows}){OWN}"]


def _array(data: Data) -> str:
    file = data.file
    if file is None:
        return f"np.ones({data.shape}, np.{data.dtype}){OWN}"
    if not file.raw:
        return f"np.load({str(file.path)!r})"
    start = f", offset={file.first_byte}" if file.first_byte else ""
    count = data.nbytes // (data.row_bytes // _values(data))
    return f"np.fromfile({str(file.path)!r}, np.{data.dtype}, {count}{start}).reshape({data.shape})"


def _values(data: Data) -> int:
    found = 1
    for length in data.shape[1:]:
        found *= length
    return found


def _path(data: Data) -> list[str]:
    """Where the file is; one is made of data without a header, or that there is not."""
    file = data.file
    if file is not None and not file.raw:
        return [f"path = Path({str(file.path)!r})"]
    if file is None:
        return [
            f'path = Path("samples.npy"){OWN}',
            "if not path.exists():",
            f"    np.save(path, np.ones({data.shape}, np.{data.dtype}))",
        ]
    name, start = str(file.path), file.first_byte
    # So that what was written once of another file, or of more of this one, is not read instead.
    own = [file.path.name, "x".join(map(str, data.shape)), data.dtype]
    own += [f"from{start}"] if start else []
    return [
        f"path = Path({'.'.join([*own, 'npy'])!r})  # with a header, written once",
        "if not path.exists():",
        f"    np.save(path, np.memmap({name!r}, np.{data.dtype}, 'r', {start}, {data.shape}))",
    ]


def _call(way: Way, names: list[str], advice: Advice) -> str:
    """How the strategy is called: with its inputs, what its setup makes of them, and values."""
    own = _arguments(way.source, names[-1])
    inputs, parameters = list(advice.task.inputs), advice.parameters
    made = own[len(inputs)] if len(own) > len(inputs) else ""
    given = [", ".join(inputs)]
    rest = own[len(inputs) :]
    if made and made not in parameters:
        setup = names[-2]
        given.append(f"{setup}({_filled(_arguments(way.source, setup), inputs, parameters)})")
        rest = rest[1:]
    given += [f"{name}={parameters[name]!r}" for name in rest]
    return f"{names[-1]}({', '.join(given)})"


def _filled(names: list[str], inputs: list[str], parameters: Mapping[str, Value]) -> str:
    rest = [f"{name}={parameters[name]!r}" for name in names[len(inputs) :]]
    return ", ".join([*inputs, *rest])


def _arguments(source: str, function: str) -> list[str]:
    found = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == function
    ]
    return [one.arg for one in found[-1].args.args]
