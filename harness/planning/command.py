"""The command that measures one case again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import PurePath

from harness.scenario.npy import NPY, RAW, parse_raw
from harness.schema.description import LEVELS, Level, ScenarioInfo
from harness.schema.records import DEFAULT_HOST, Case, HostSpec, Value
from harness.schema.values import is_number

BUILT_IN = "scenarios/"
"""Where the path of a scenario begins that is found without being named."""
OF_FILE = ("size", "dtype", "sample_bytes")
"""What a user's own file says, so that it cannot be asked for."""
_UNITS = (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024))


def command_for(case: Case, info: ScenarioInfo, level: str, host: HostSpec | None = None) -> str:
    """``ferrybench run tensor_from_array/from_numpy --quick --set size=64MiB``.

    It measures the case with the baseline beside it, and nothing else but what a scenario always
    measures along: its variants of the environment. Files of a user's are called by their names
    alone, as everywhere in what is passed on.

    Args:
        case: which.
        info: its scenario.
        level: of the sweep it was measured in, which says with how much effort.
        host: the interpreter it was measured in, where that was asked for by the user.
    """
    return shlex.join(_parts(case, info, level, host))


def _parts(case: Case, info: ScenarioInfo, level: str, host: HostSpec | None) -> Iterator[str]:
    sweep: Level = next((one for one in LEVELS if one == level), "usual")
    yield from ("ferrybench", "run", f"{case.scenario}/{case.strategy}")
    if sweep != "usual":
        yield f"--{sweep}"
    yield from scenario_option(info)
    own = info.strategy(case.strategy).at
    file = PurePath(str(case.parameters.get(NPY, ""))).name
    if file:
        yield from _file(file, case)
    for name, value in case.parameters.items():
        given = bool(file) and (name in OF_FILE or name in (NPY, RAW))
        parameter = info.parameters.get(name)
        if parameter is None or given:
            continue
        # A value that is taken anyway need not be named, unless others are taken too.
        usual = {parameter.default, own.get(name, parameter.default)} == {value}
        if not usual or len(parameter.values(sweep)) > 1:
            yield from ("--set", f"{name}={option_text(name, value)}")
    if host is not None and case.host not in (DEFAULT_HOST, *(v.name for v in info.variants)):
        python = [f"python={PurePath(host.python).name}"] if host.python else []
        settings = [*python, *(f"{name}={text}" for name, text in host.env.items())]
        yield from ("--host", f"{host.name}:{','.join(settings)}")


def scenario_option(info: ScenarioInfo) -> Iterator[str]:
    """How a scenario of a user's own is named, as files are: without its folder."""
    if not info.path.startswith(BUILT_IN):
        yield from ("--scenarios", PurePath(info.path).name)


def _file(file: str, case: Case) -> Iterator[str]:
    raw = str(case.parameters.get(RAW, ""))
    if not raw:
        yield from ("--npy", file)
        return
    shape, first = parse_raw(raw)
    yield from ("--raw", file, "--dtype", str(case.parameters.get("dtype", "")))
    yield from ("--shape", ",".join(map(str, shape)))
    if first:
        yield from ("--offset", str(first))


def option_text(name: str, value: Value) -> str:
    """As ``--set`` reads it: sizes exactly, in the largest unit that they are whole in."""
    sized = name == "size" or name.endswith("_bytes")
    if sized and isinstance(value, int) and is_number(value):
        for unit, factor in _UNITS:
            if value and value % factor == 0:
                return f"{value // factor}{unit}"
    return str(value)
