"""A case as progress and errors name it.

Keys of cases spell out every parameter, since they have to be the same in every run; a person
wants to see what is special about a case.
"""

from __future__ import annotations

from pathlib import PurePath

from harness.scenario.npy import NPY
from harness.schema.description import ScenarioInfo
from harness.schema.records import DEFAULT_HOST, Case, Value
from harness.schema.values import is_number, number_of, value_text
from harness.units import format_size

SIZE = "size"


def case_text(case: Case, info: ScenarioInfo) -> str:
    """``tensor_from_array/from_numpy 2 MiB, dtype=uint8``: its size, and what is not the default.

    The default of a parameter is the strategy's own where it has one.
    """
    usual = {name: parameter.default for name, parameter in info.parameters.items()}
    usual |= info.strategy(case.strategy).at
    host = "" if case.host == DEFAULT_HOST else f"@{case.host}"
    size = case.parameters.get(SIZE)
    parts = [] if size is None else [_size_text(size)]
    parts += [
        f"{name}={setting_value(name, value)}"
        for name, value in case.parameters.items()
        if name != SIZE and (name not in usual or value != usual[name])
    ]
    return f"{case.scenario}/{case.strategy}{host} {', '.join(parts)}".rstrip()


def setting_value(name: str, value: Value) -> str:
    """A value in a setting: sizes as people write them, and of a user's file its name alone."""
    if name == NPY:
        return PurePath(str(value)).name
    return value_text(name, value) if name.endswith("_bytes") else str(value)


def _size_text(size: Value) -> str:
    return format_size(number_of(size)) if is_number(size) else str(size)
