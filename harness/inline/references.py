"""What a function refers to without being given it: its object, what encloses it, and globals."""

from __future__ import annotations

import dis
import functools
import inspect
import types
from collections.abc import Iterator
from typing import Any

from harness.trial.base.callables import bare, plain
from harness.trial.base.parts import defaults, enclosed

OBJECT, CLOSURE, GLOBALS, ARGUMENTS = "object", "closure", "globals", "arguments"
_FOLLOWED = ("LOAD_ATTR", "LOAD_METHOD")
Reference = tuple[str, Any]
"""Where a value comes from, and the value."""


def references(function: Any) -> Iterator[Reference]:
    """What a function refers to, functions of the same file included that it calls by name."""
    waiting, seen = [function], set[int]()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        for source, value in _of_one(one):
            if isinstance(value, types.FunctionType) and source != ARGUMENTS:
                if value.__globals__ is _globals(function):
                    waiting.append(value)
                yield from ((CLOSURE, held) for _, held in (*enclosed(value), *defaults(value)))
            else:
                yield source, value


def _globals(function: Any) -> dict[str, Any] | None:
    return getattr(inspect.unwrap(plain(bare(function))), "__globals__", None)


def _of_one(function: Any) -> Iterator[Reference]:
    while isinstance(function, functools.partial):
        yield from ((ARGUMENTS, value) for value in (*function.args, *function.keywords.values()))
        function = function.func
    own = plain(function)
    if not isinstance(function, types.FunctionType):
        yield OBJECT, getattr(function, "__self__", function)
    while isinstance(own, types.FunctionType):
        yield from ((CLOSURE, value) for _, value in (*enclosed(own), *defaults(own)))
        yield from ((GLOBALS, value) for value in _loaded(own.__code__, own.__globals__))
        own = getattr(own, "__wrapped__", None)


def _loaded(code: types.CodeType, known: dict[str, Any]) -> Iterator[Any]:
    """The globals that code loads, that of functions defined in it included.

    Where it goes on to an attribute that a module, a class or an object simply has, it is that.
    """
    missing = object()
    value: Any = missing
    for instruction in dis.get_instructions(code):
        if value is not missing and instruction.opname in _FOLLOWED:
            inner = _attribute(value, instruction.argval, missing)
            if inner is not missing:
                value = inner
                continue
        if value is not missing:
            yield value
            value = missing
        if instruction.opname == "LOAD_GLOBAL":
            value = known.get(instruction.argval, missing)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _loaded(constant, known)


def _attribute(value: Any, name: str, missing: Any) -> Any:
    return getattr(value, "__dict__", {}).get(name, missing)
