"""Find and load scenarios: built in, from entry points, or from a user's path.

A scenario is a file, or a folder whose ``__init__.py`` declares it and whose other files declare
its strategies. Any other folder holds several scenarios. Names that begin with an underscore are
left to those that import them.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
import traceback
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from harness.scenario.declaration import DeclarationError, Scenario

SCENARIO_PACKAGE = "ferrybench_scenarios"
"""What loaded modules seem to be part of; no folder, so that a user's own names are left alone."""
ENTRY_POINT_GROUP = "ferrybench.scenarios"
_BUILT_IN = Path(__file__).resolve().parents[2] / "scenarios"
_INIT = "__init__.py"


class ScenarioLoadError(Exception):
    """A scenario could not be loaded; the message is one line and names the file."""


def built_in_files() -> list[Path]:
    """The scenarios that come with the harness, by name."""
    return module_files(_BUILT_IN)


def entry_point_files() -> list[Path]:
    """Scenarios that installed packages offer."""
    from importlib.metadata import entry_points

    files = []
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        spec = importlib.util.find_spec(entry.module)
        if spec is None or spec.origin is None:
            raise ScenarioLoadError(
                f"entry point {entry.name}: module {entry.module} cannot be found"
            )
        files.append(_whole(Path(spec.origin)))
    return files


def module_files(path: Path) -> list[Path]:
    """The scenarios at a path, each a file or a folder: itself, or those in a folder of several.

    Raises:
        ScenarioLoadError: nothing there.
    """
    if path.is_file():
        return [_whole(path.resolve())]
    if not path.is_dir():
        raise ScenarioLoadError(f"{path}: no such file or folder")
    if _is_one(path):
        return [path.resolve()]
    files = [
        entry.resolve()
        for entry in path.iterdir()
        if not entry.name.startswith("_") and (entry.suffix == ".py" or _is_one(entry))
    ]
    if not files:
        raise ScenarioLoadError(f"{path}: no Python files in this folder")
    return sorted(files, key=lambda file: file.stem)


def _is_one(folder: Path) -> bool:
    """Whether a folder is one scenario."""
    try:
        body = ast.parse((folder / _INIT).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, SyntaxError, ValueError):
        return True  # loading it says what is wrong
    return any(
        (isinstance(node, ast.ImportFrom) and any(name.name == "Scenario" for name in node.names))
        or (isinstance(node, ast.Attribute) and node.attr == "Scenario")
        for node in ast.walk(body)
    )


def _whole(file: Path) -> Path:
    """A scenario by a file of it: the folder, if the file is the one that declares a folder."""
    return file.parent if file.name == _INIT and _is_one(file.parent) else file


def is_part(file: str, scenario: str) -> bool:
    """Whether a file, as tracebacks name it, is a scenario's file or one in its folder."""
    return file == scenario or file.startswith(scenario + os.sep)


def load(path: Path) -> list[Scenario]:
    """Import a file or a folder and return its scenarios, complete and valid.

    Raises:
        ScenarioLoadError: it raises on import, or declares nothing, or something unusable.
    """
    before = set(sys.modules)
    try:
        found = _of_folder(path, before) if path.is_dir() else _declared(_executed(path, path))
        for scenario in found:
            scenario.validate()
    except (Exception, SystemExit) as error:
        raise ScenarioLoadError(_in_words(error, path)) from error
    if not found:
        raise ScenarioLoadError(f"{path}: declares no Scenario")
    return found


def _declared(module: ModuleType) -> list[Scenario]:
    return [value for value in vars(module).values() if isinstance(value, Scenario)]


def _executed(file: Path, path: Path) -> ModuleType:
    """The module of a scenario's file, or of the one that declares its folder, executed anew."""
    name = f"{_package(path.parent)}.{path.stem}"
    for known in [one for one in sys.modules if f"{one}.".startswith(f"{name}.")]:
        del sys.modules[known]
    folder = [str(path)] if path.is_dir() else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=folder)
    if spec is None or spec.loader is None:
        raise ScenarioLoadError(f"{file}: not a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _package(folder: Path) -> str:
    """The package that what stands in a folder seems to be part of, the same in every process.

    Modules of equal names in different folders are different ones to pickle, which takes datasets
    to workers. It also imports the packages that a module's name tells of.
    """
    names = [SCENARIO_PACKAGE]
    if folder != _BUILT_IN:
        names.append(f"{SCENARIO_PACKAGE}.in_{zlib.crc32(os.fsencode(folder)):08x}")
    for name in names:
        sys.modules.setdefault(name, ModuleType(name))
    return names[-1]


def _of_folder(folder: Path, before: Iterable[str]) -> list[Scenario]:
    """The one scenario of a folder, with the strategies that its other files declare."""
    importlib.invalidate_caches()
    module = _executed(folder / _INIT, folder)
    own = f"{module.__name__}."
    others = [importlib.import_module(own + stem) for stem in _others(folder, module)]
    for name, file in _loaded_since(before):
        if is_part(file, str(folder)) and not f"{name}.".startswith(own):
            source = "." if Path(file).name == _INIT else f".{Path(file).stem}"
            raise ScenarioLoadError(f"{file}: imported again as {name}; {_relatively(source)}")
    found = _declared(module)
    for one in (module, *others):
        if any(scenario not in found[:1] for scenario in _declared(one)):
            raise ScenarioLoadError(
                f"{one.__file__}: declares another Scenario, but a folder is one scenario"
            )
    return found


def _others(folder: Path, module: ModuleType) -> list[str]:
    """The other files of a folder, in the order of ``__all__``, then by name."""
    stems = sorted(file.stem for file in folder.glob("*.py") if not file.name.startswith("_"))
    first = [name for name in getattr(module, "__all__", ()) if name in stems]
    return list(dict.fromkeys([*first, *stems]))


def _loaded_since(before: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in [name for name in sys.modules if name not in before]:
        yield name, getattr(sys.modules[name], "__file__", None) or ""


def _relatively(source: str) -> str:
    return f"files of a scenario's folder import each other relatively: from {source} import …"


def _in_words(error: BaseException, path: Path) -> str:
    """What is wrong, in one line that begins with the file."""
    if isinstance(error, ScenarioLoadError):
        return str(error)
    if isinstance(error, SyntaxError) and is_part(error.filename or "", str(path)):
        return f"{error.filename}, line {error.lineno}: {error.args[0]}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if is_part(frame.filename, str(path))]
    file = own[-1].filename if own else path
    if isinstance(error, DeclarationError):
        return f"{file}: {error}"
    line = own[-1].lineno if own else "?"
    said = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return f"{file}, line {line}: {said}{_hint(error, path)}"


def _hint(error: BaseException, path: Path) -> str:
    """How a file of a folder imports another, where one was looked for elsewhere."""
    if not isinstance(error, ModuleNotFoundError) or not path.is_dir():
        return ""
    name = error.name or ""
    if name == path.name:
        return f"; {_relatively('.')}"
    return f"; {_relatively(f'.{name}')}" if (path / f"{name}.py").is_file() else ""
