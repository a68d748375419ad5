"""Runs scripts in an interpreter in which NumPy and torch can be imported, and nothing else.

``python -I clean.py FOLDER``: every ``*.py`` there, each in a folder of its own, and says of each
what its names are worth. torch may go on importing what it needs itself.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
import torch.utils.data

OF_TORCH = {"filelock", "fsspec", "jinja2", "markupsafe", "mpmath", "networkx", "setuptools"}
OF_TORCH |= {"sympy", "torchgen", "typing_extensions", "functorch"}
ALLOWED = {"numpy", "torch", *OF_TORCH, *sys.stdlib_module_names}


class Refusing:
    """Finds no other module."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] not in ALLOWED:
            raise ModuleNotFoundError(f"No module named {name!r}")
        return None


def run(file: Path) -> dict[str, Any]:
    folder = file.with_suffix("")
    folder.mkdir()
    os.chdir(folder)
    names: dict[str, Any] = {"__name__": "__main__"}
    try:
        exec(compile(file.read_text(), str(file), "exec"), names)
    except Exception:  # noqa: BLE001 — whatever it raises is what is asked
        return {"failed": traceback.format_exc()}
    found: dict[str, Any] = {"failed": ""}
    if "tensor" in names:
        array = names["array"]
        tensor = names["tensor"]
        found["equal"] = bool(np.array_equal(tensor.numpy(), array))
        found["shape"] = list(tensor.shape)
    if "x" in names and "y" in names:
        found["equal"] = bool(np.array_equal(names["x"], names["data"]))
        found["shape"] = list(names["x"].shape)
    if "batch" in names:
        batch = names["batch"]
        first = batch[0] if isinstance(batch, list | tuple) else batch
        assert isinstance(first, torch.Tensor)
        found["batch"] = list(first.shape)
    return found


def main() -> None:
    sys.meta_path.insert(0, Refusing())
    for name in [
        name for name in sys.modules if name.partition(".")[0] in ("harness", "scenarios")
    ]:
        del sys.modules[name]
    folder = Path(sys.argv[1])
    files = sorted(folder.glob("*.py"))
    sys.stdout.write(json.dumps({file.stem: run(file) for file in files}))


if __name__ == "__main__":
    main()
