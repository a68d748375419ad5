"""Values that JSON has no form for: numbers that are none, text that is not Unicode, bytes.

A loss may be NaN, and the message of an error, or the name of a folder, may hold what is not valid
text. Such numbers are written as ``{"$float": "nan"}`` and read as what they were; such text is
written with escapes, as Python prints it, so that everybody can read it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from harness.schema.texts import valid

NUMBER = "$float"
_MOST = 2**63
_LONG = re.compile(rb"\d{19}")
_NUMBERS = {text: float(text) for text in ("nan", "inf", "-inf")}
_NULL = re.compile(r"Expected `[^`]*float[^`]*`, got `null` - at `\$([^`]*)`")


def writable(value: Any) -> Any:
    """Plain data as JSON can hold it."""
    if isinstance(value, str):
        return valid(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else {NUMBER: repr(value)}
    if isinstance(value, dict):
        return {writable(name): writable(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [writable(item) for item in value]
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    return value


def restored(value: Any) -> Any:
    """What was written so, as it was."""
    if isinstance(value, dict):
        if value.keys() == {NUMBER} and (text := value[NUMBER]) in tuple(_NUMBERS):
            return _NUMBERS[text]
        return {name: restored(item) for name, item in value.items()}
    if isinstance(value, list):
        return [restored(item) for item in value]
    return value


def too_large(value: Any, line: bytes) -> bool:
    """Whether a line holds a whole number that no field of ours can hold, nor a float perhaps."""
    return _LONG.search(line) is not None and _is_too_large(value)


def _is_too_large(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_is_too_large, value.values() if isinstance(value, dict) else value))
    return isinstance(value, int) and not -_MOST <= value < _MOST


def nan_for_null(fields: Any, problem: str) -> bool:
    """Put NaN where a number is null, by what msgspec says of it; whether there was any.

    So ferrybench wrote such numbers up to the first journals of schema 4.
    """
    found = _NULL.search(problem)
    if found is None:
        return False
    *path, last = re.findall(r"\.(\w+)|\[(\.\.\.|\d+)\]", found[1])
    return _replace(fields, [name or index for name, index in path], last[0] or last[1])


def _replace(part: Any, path: list[str], last: str) -> bool:
    """At the end of a path; where it says ``...``, in every item."""
    if path:
        return sum(_replace(inner, path[1:], last) for inner in _items(part, path[0])) > 0
    if isinstance(part, dict):
        names = list(part) if last == "..." else [last]
    else:
        names = list(range(len(part))) if last == "..." else [int(last)]
    null = [name for name in names if part[name] is None]
    for name in null:
        part[name] = math.nan
    return bool(null)


def _items(part: Any, name: str) -> list[Any]:
    if name == "...":
        return list(part.values() if isinstance(part, dict) else part)
    key: Callable[[str], Any] = str if isinstance(part, dict) else int
    return [part[key(name)]]
