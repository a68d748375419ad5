"""What a function refers to without being given it: its object, what encloses it, and globals."""

from __future__ import annotations

import dis
import functools
import inspect
import types
from collections.abc import Iterator
from typing import Any

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


def bare(function: Any) -> Any:
    """What a partial, or several around one another, call in the end."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _globals(function: Any) -> dict[str, Any] | None:
    return getattr(inspect.unwrap(_plain(bare(function))), "__globals__", None)


def _plain(function: Any) -> Any:
    """The function that a method, or an object that can be called, runs."""
    if isinstance(function, types.FunctionType | types.MethodType):
        return getattr(function, "__func__", function)
    call = inspect.getattr_static(type(function), "__call__", None)
    return call if isinstance(call, types.FunctionType) else inspect.unwrap(function)


def _of_one(function: Any) -> Iterator[Reference]:
    while isinstance(function, functools.partial):
        yield from ((ARGUMENTS, value) for value in (*function.args, *function.keywords.values()))
        function = function.func
    plain = _plain(function)
    if not isinstance(function, types.FunctionType):
        yield OBJECT, getattr(function, "__self__", function)
    while isinstance(plain, types.FunctionType):
        yield from ((CLOSURE, value) for _, value in (*enclosed(plain), *defaults(plain)))
        yield from ((GLOBALS, value) for value in _loaded(plain.__code__, plain.__globals__))
        plain = getattr(plain, "__wrapped__", None)


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
