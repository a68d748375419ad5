"""The files that a strategy may refer to, and what stands at their top level."""

from __future__ import annotations

import ast
import importlib.util
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.scenario.discover import SCENARIO_PACKAGE


@dataclass(frozen=True)
class SourceFile:
    """A file that a function is defined in, or that such a file imports of its own folder."""

    module: ModuleType
    text: str
    body: list[ast.stmt]
    imported: dict[str, tuple[str, str]]  # names of other files in the folder: file and name there

    @classmethod
    @lru_cache(maxsize=256)  # every strategy of a file asks for it
    def of(cls, module: ModuleType) -> SourceFile:
        text = importlib.util.decode_source(Path(str(module.__file__)).read_bytes())
        body = ast.parse(text).body
        package = module.__package__ or ""
        loaded = package.startswith(SCENARIO_PACKAGE)
        return cls(module, text, body, dict(_of_own_folder(body, package)) if loaded else {})

    def definitions(self, names: set[str]) -> Iterator[tuple[set[str], str]]:
        """The top-level definitions of some names, as they stand in the file."""
        for node in self.body:
            match node:
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    defined = {name}
                case _:
                    defined = assigned(node)
            if defined & names:
                lines = self.text.splitlines()[node.lineno - 1 : node.end_lineno]
                yield defined & names, "\n".join(lines)

    def imports(self, names: set[str]) -> Iterator[tuple[str, str, str]]:
        """What names are imported from: a module, the name in it, and ``as`` if there is one."""
        for node in self.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                for one in node.names:
                    if (one.asname or one.name.split(".")[0]) not in names:
                        continue
                    if isinstance(node, ast.Import):
                        yield one.name, "", one.asname or ""
                    else:
                        yield "." * node.level + (node.module or ""), one.name, one.asname or ""


def _of_own_folder(body: Iterable[ast.stmt], package: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """What a module imports relatively, by the name that it has there.

    The name in the other file is empty where it is that file which is imported.
    """
    for node in body:
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        other = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
        there = vars(sys.modules[other])
        for one in node.names:
            if one.name == "*":
                yield from ((name, (other, name)) for name in there if not name.startswith("_"))
            elif isinstance(there.get(one.name), ModuleType):
                yield one.asname or one.name, (there[one.name].__name__, "")
            else:
                yield one.asname or one.name, (other, one.name)


def files_of(functions: Iterable[Callable[..., Any]]) -> dict[str, SourceFile]:
    """The files that functions may refer to, by module; what others import comes before them."""
    found: dict[str, SourceFile] = {}
    seen: set[str] = set()

    def add(name: str) -> None:
        module = sys.modules.get(name)
        if name in seen or module is None or not getattr(module, "__file__", None):
            return
        seen.add(name)
        file = SourceFile.of(module)
        for other, _ in file.imported.values():
            add(other)
        found[name] = file

    for function in functions:
        add(str(function.__module__))
    return found


def assigned(node: ast.stmt) -> set[str]:
    """The names that a statement gives values to."""
    match node:
        case ast.Assign(targets=targets):
            pass
        case ast.AnnAssign(target=target, value=ast.expr()):
            targets = [target]
        case _:
            return set()
    flat = [
        one for each in targets for one in (each.elts if isinstance(each, ast.Tuple) else [each])
    ]
    return {one.id for one in flat if isinstance(one, ast.Name)}


def import_lines(imports: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    """Import statements, sorted as they are at the top of a file."""

    def place(one: tuple[str, str, str]) -> tuple[int, bool, tuple[str, str, str]]:
        package = one[0].partition(".")[0]
        section = 0 if package in sys.stdlib_module_names else 2 if package == "harness" else 1
        return section, bool(one[1]), one

    ordered = sorted(set(imports), key=place)
    for (module, taken), several in itertools.groupby(ordered, lambda one: (one[0], bool(one[1]))):
        names = [f"{name or module}{f' as {alias}' if alias else ''}" for _, name, alias in several]
        yield f"from {module} import {', '.join(names)}" if taken else f"import {', '.join(names)}"
