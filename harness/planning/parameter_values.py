"""In what order values of a parameter stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.schema.records import Value
from harness.schema.values import is_number, number_of


def in_order(values: Iterable[Value], known: Sequence[Value] = ()) -> list[Value]:
    """Each value once: numbers ascending, then the rest as declared, then as they came."""
    distinct = list(dict.fromkeys(values))
    numbers = sorted((value for value in distinct if is_number(value)), key=number_of)
    rest = [value for value in distinct if not is_number(value)]
    declared = list(known)
    return numbers + sorted(
        rest, key=lambda value: declared.index(value) if value in declared else len(declared)
    )
