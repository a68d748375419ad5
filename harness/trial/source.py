"""The source of a strategy as a user would paste it: with what it needs of its scenario's files."""

from __future__ import annotations

import ast
import dis
import inspect
import itertools
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any

from harness.scenario.declaration import Strategy
from harness.trial.source_files import SourceFile, assigned, files_of, import_lines

_TAKEN_FOR_GRANTED = {"np", "torch"}
"""Names that every reader has imported."""


def source(strategy: Strategy) -> str:
    """What it refers to of its scenario (imports, constants, functions, classes), setup, itself.

    Decorators are left out, and its docstring, which reports show by itself.
    """
    parts = [strategy.setup, strategy.function] if strategy.setup else [strategy.function]
    return "\n\n".join([*_helpers(parts), *(_function_source(part) for part in parts)])


def _helpers(functions: list[Callable[..., Any]]) -> list[str]:
    """Sources of what functions refer to, and what that refers to, in the files' order."""
    files = files_of(functions)
    needed: dict[str, set[str]] = {name: set() for name in files}
    unseen = [(str(one.__module__), name) for one in functions for name in _globals_of(one)]
    while unseen:
        where, name = unseen.pop()
        first, _, attribute = name.partition(".")
        file = files.get(where)
        if file is None or first in _TAKEN_FOR_GRANTED or first not in vars(file.module):
            continue
        value = vars(file.module)[first]
        other, there = file.imported.get(first, ("", ""))
        if other and not there:  # a file of the folder, of which something is used
            unseen.append((other, attribute))
        else:
            name = first
        if name in needed[where] or any(value is function for function in functions):
            continue
        needed[where].add(name)
        if other and there:
            unseen.append((other, there))
        elif not other:
            unseen += [(where, one) for one in _referred_to(file, name, value)]
    return list(_sources(files, needed))


def _referred_to(file: SourceFile, name: str, value: Any) -> list[str]:
    """What a definition needs: a class its bases as well, a constant what it is calculated from."""
    own = getattr(value, "__module__", None) == file.module.__name__
    nodes: list[ast.AST] = [node for node in file.body if name in assigned(node)]
    if own and inspect.isclass(value):
        classes = [node for node in file.body if isinstance(node, ast.ClassDef)]
        nodes = [base for node in classes if node.name == name for base in node.bases]
    named = [one.id for node in nodes for one in ast.walk(node) if isinstance(one, ast.Name)]
    return [*named, *(_globals_of(value) if own else ())]


def _globals_of(value: Any) -> list[str]:
    """The global names that a function, or any method of a class, loads.

    Each comes with the attribute that is read from it, if any: ``np.load``.
    """
    if inspect.isfunction(value):
        return list(_loaded(value.__code__))
    if inspect.isclass(value):
        methods = [own for own in vars(value).values() if inspect.isfunction(own)]
        return [name for method in methods for name in _loaded(method.__code__)]
    return []


@lru_cache(maxsize=4096)  # many strategies need the same functions
def _loaded(code: CodeType) -> tuple[str, ...]:
    return tuple(_names_loaded(code))


def _names_loaded(code: CodeType) -> Iterator[str]:
    # Not co_names, which holds attributes too: torch.tensor is no function named tensor.
    instructions = list(dis.get_instructions(code))
    for index, instruction in enumerate(instructions):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            following = instructions[index + 1]  # there is one: a function ends with RETURN
            read = following.opname in ("LOAD_ATTR", "LOAD_METHOD")
            yield f"{instruction.argval}.{following.argval}" if read else instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _loaded(constant)


def _sources(files: dict[str, SourceFile], needed: dict[str, set[str]]) -> Iterator[str]:
    """Imports together, then what each file defines of the names that are needed."""
    own = {where: needed[where] - file.imported.keys() for where, file in files.items()}
    namespaces = {where: sorted(one for one in needed[where] if "." in one) for where in files}
    imports = [one for where, file in files.items() for one in file.imports(own[where])]
    if any(namespaces.values()):
        imports.append(("types", "SimpleNamespace", ""))
    if imports:
        yield "\n".join(import_lines(imports))
    times = Counter(name for names in own.values() for name in names)
    for where, file in files.items():
        yield from _renamed(file, needed[where] & file.imported.keys())
        yield from _namespaces(namespaces[where])
        for names, text in file.definitions(own[where]):
            # Of two files' definitions of one name, the reader is told which is which.
            twice = any(times[name] > 1 for name in names)
            yield f"# {Path(str(file.module.__file__)).name}\n{text}" if twice else text


def _renamed(file: SourceFile, names: Iterable[str]) -> Iterator[str]:
    """What a file calls otherwise than the file that it imports it from."""
    for name in sorted(names):
        there = file.imported[name][1]
        if there != name:
            yield f"{name} = {there}"


def _namespaces(names: Iterable[str]) -> Iterator[str]:
    """For each imported file of the folder, what is used of it, so that ``file.name`` is there."""
    for file, uses in itertools.groupby(names, key=lambda name: name.partition(".")[0]):
        attributes = ", ".join(f"{one}={one}" for one in (name.partition(".")[2] for name in uses))
        yield f"{file} = SimpleNamespace({attributes})"


def _function_source(function: Callable[..., Any]) -> str:
    text = textwrap.dedent(inspect.getsource(function))
    try:
        node = ast.parse(text).body[0]
    except SyntaxError:  # a lambda in the middle of a statement
        return text.rstrip()
    if not isinstance(node, ast.FunctionDef):
        return text.rstrip()
    lines = text.splitlines()
    first_statement = node.body[0]
    drop: range = range(0)
    if ast.get_docstring(node) is not None and len(node.body) > 1:
        drop = range(first_statement.lineno, (first_statement.end_lineno or 0) + 1)
    kept = [
        line
        for number, line in enumerate(lines, start=1)
        if number >= node.lineno and number not in drop
    ]
    return "\n".join(kept).rstrip()
