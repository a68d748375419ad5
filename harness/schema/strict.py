"""Dataclasses across the process boundary: as JSON, and back without a key lost on the way.

A key that no field has is an error, and so is a field without a default that has no key. Values are
taken as they are, but for dataclasses and tuples, which JSON knows nothing of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class FieldError(Exception):
    """A key that a dataclass has no field for, or a field that is missing."""


def from_fields(kind: type[T], given: Mapping[str, Any]) -> T:
    """A dataclass made of what :func:`dataclasses.asdict` gave on the other side.

    Raises:
        FieldError: a key is unknown or missing, here or in a dataclass within.
    """
    known = {one.name: one for one in _fields_of(kind)}
    for name in given:
        if name not in known:
            close = get_close_matches(name, known, 1)
            meant = f"; did you mean {close[0]}?" if close else ""
            raise FieldError(f"{kind.__name__} has no field {name}{meant}")
    for name, one in known.items():
        if name not in given and one.default is MISSING and one.default_factory is MISSING:
            raise FieldError(f"{kind.__name__} lacks its field {name}")
    hints = _hints(kind)  # type: ignore[arg-type]
    return kind(**{name: read_as(hints[name], value) for name, value in given.items()})


def read_as(hint: Any, value: Any) -> Any:
    """A value as its type hint has it: mappings as dataclasses, lists as tuples.

    Raises:
        FieldError: see :func:`from_fields`.
    """
    for one in _alternatives(hint):
        origin, inner = get_origin(one) or one, get_args(one)
        if isinstance(value, Mapping):
            if is_dataclass(one):
                return from_fields(one, value)  # type: ignore[arg-type]
            if inner and isinstance(origin, type) and issubclass(origin, Mapping):
                return {name: read_as(inner[1], item) for name, item in value.items()}
        elif isinstance(value, list | tuple) and origin in (list, tuple):
            same = origin is list or inner[-1] is ...
            each = [inner[0]] * len(value) if same else inner
            return origin(read_as(kind, item) for kind, item in zip(each, value, strict=True))
    return value


def set_fields(record: Any) -> dict[str, Any]:
    """The fields of a dataclass object that differ from their defaults, as plain data."""
    plain = asdict(record)
    return {
        one.name: plain[one.name]
        for one in fields(record)
        if one.default is MISSING or getattr(record, one.name) != one.default
    }


def _fields_of(kind: Any) -> tuple[Field[Any], ...]:
    return fields(kind)


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind)


def _alternatives(hint: Any) -> tuple[Any, ...]:
    """The members of a union; of anything else, itself."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
