"""Which function runs when something is called."""

from __future__ import annotations

import functools
import inspect
import sys
import types
from typing import Any


def bare(function: Any) -> Any:
    """What a partial, or several around one another, call in the end."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def plain(function: Any) -> Any:
    """The function that a method, or an object that can be called, runs."""
    if isinstance(function, types.FunctionType | types.MethodType):
        return getattr(function, "__func__", function)
    call = inspect.getattr_static(type(function), "__call__", None)
    return call if isinstance(call, types.FunctionType) else inspect.unwrap(function)


def python_function(function: Any) -> types.FunctionType | None:
    """The function with code of its own behind something that can be called, its decorators taken
    off; of a class, the one that makes its objects; of a torch module, its ``forward``. None where
    that is written in C.
    """
    one = bare(function)
    torch: Any = sys.modules.get("torch")
    if torch is not None and isinstance(one, torch.nn.Module):
        one = one.forward
    if isinstance(one, type):
        one = inspect.getattr_static(one, "__init__", None)
    found = inspect.unwrap(plain(one))
    return found if isinstance(found, types.FunctionType) else None
