"""Find and load scenario modules: built in, from entry points, or from a user's path."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from harness.scenario.declaration import DeclarationError, Scenario

_FIRST = (
    "tensor_from_array",
    "array_from_tensor",
    "preprocess",
    "loader_from_array",
    "worker_break_even",
    "worker_memory",
    "array_from_loader",
    "memmap_training",
    "memory_limit",
)
"""What most readers came for, in the order in which data goes through a program."""
SCENARIO_PACKAGE = "ferrybench_scenarios"
"""What loaded modules seem to be part of; no folder, so that a user's own names are left alone."""
ENTRY_POINT_GROUP = "ferrybench.scenarios"


class ScenarioLoadError(Exception):
    """A scenario module could not be loaded; the message is one line and names the file."""


def built_in_files() -> list[Path]:
    """The scenario modules that come with the harness, in the order reports show them."""
    files = module_files(Path(__file__).resolve().parents[2] / "scenarios")
    return sorted(
        files, key=lambda file: _FIRST.index(file.stem) if file.stem in _FIRST else len(_FIRST)
    )


def entry_point_files() -> list[Path]:
    """Scenario modules that installed packages offer."""
    from importlib.metadata import entry_points

    files = []
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        spec = importlib.util.find_spec(entry.module)
        if spec is None or spec.origin is None:
            raise ScenarioLoadError(
                f"entry point {entry.name}: module {entry.module} cannot be found"
            )
        files.append(Path(spec.origin))
    return files


def module_files(path: Path) -> list[Path]:
    """The Python files at a path: itself, or those of a folder whose name has no underscore first.

    Raises:
        ScenarioLoadError: nothing there.
    """
    if path.is_file():
        return [path.resolve()]
    if not path.is_dir():
        raise ScenarioLoadError(f"{path}: no such file or folder")
    files = sorted(f.resolve() for f in path.glob("*.py") if not f.name.startswith("_"))
    if not files:
        raise ScenarioLoadError(f"{path}: no Python files in this folder")
    return files


def load(file: Path) -> list[Scenario]:
    """Import one module and return its scenarios, complete and valid.

    Raises:
        ScenarioLoadError: it raises on import, or declares nothing, or something unusable.
    """
    name = f"{SCENARIO_PACKAGE}.{file.stem}"
    # Pickle, which takes datasets to workers, also imports the package a module's name tells of.
    sys.modules.setdefault(SCENARIO_PACKAGE, ModuleType(SCENARIO_PACKAGE))
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ScenarioLoadError(f"{file}: not a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        found = [value for value in vars(module).values() if isinstance(value, Scenario)]
        for scenario in found:
            scenario.validate()
    except (DeclarationError, SyntaxError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise ScenarioLoadError(f"{file}{line}: {error.args[0]}") from error
    except (Exception, SystemExit) as error:
        said = " ".join(str(error).split())
        raise ScenarioLoadError(
            f"{file}, line {_line_of(error, file)}: {type(error).__name__}: {said}"
        ) from error
    if not found:
        raise ScenarioLoadError(f"{file}: declares no Scenario")
    return found


def _line_of(error: BaseException, file: Path) -> int | str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame.lineno for frame in frames if frame.filename == str(file)]
    return own[-1] if own and own[-1] is not None else "?"
