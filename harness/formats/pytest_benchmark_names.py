"""What tests of pytest-benchmark are called here: every test is a case, with a name of its own.

A group becomes a scenario and a test a strategy; a test of no group belongs to a scenario named
like its file. Names are cleaned so that they can stand in a page, a file name and one line; what
would then have the name of another test is told apart, by as little as does it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from harness.formats.pytest_benchmark_file import Benchmark, File, as_object
from harness.schema.records import DEFAULT_HOST, Case, Value
from harness.schema.texts import apart

_ABOUT = ("scenario", "strategy", "host")
"""What an export of ours says of a case beside its own parameters."""


def cases_of(file: File) -> list[Case]:
    """The case that each test is."""
    if file.exported:
        found = [_exported(benchmark) for benchmark in file.benchmarks]
    else:
        found = [_case(benchmark, _qualified(benchmark)) for benchmark in file.benchmarks]
    alike: dict[str, list[int]] = {}
    for index, case in enumerate(found):
        alike.setdefault(case.key, []).append(index)
    for indices in alike.values():
        if len(indices) > 1:
            apart = _apart([file.benchmarks[index] for index in indices])
            for index, case in zip(indices, apart, strict=True):
                found[index] = case
    return list(_numbered(found))


def _exported(benchmark: Benchmark) -> Case:
    """The case of a run of ours, as it was."""
    info = as_object(benchmark.extra_info)
    own = {name: _value(value) for name, value in benchmark.parameters.items()}
    host = str(own.pop("host", DEFAULT_HOST))
    if not all(isinstance(info.get(name), str) for name in ("scenario", "strategy")):
        return _case(benchmark, _qualified(benchmark))
    own = {name: value for name, value in own.items() if name not in _ABOUT}
    return Case(info["scenario"], info["strategy"], own, host)


def _case(benchmark: Benchmark, strategy: str) -> Case:
    own = {_text(name): _value(value) for name, value in benchmark.parameters.items()}
    return Case(scenario_of(benchmark), as_name(strategy), own)


def scenario_of(benchmark: Benchmark) -> str:
    """The group of a test, or else its file."""
    return as_name(benchmark.group or str(PurePosixPath(benchmark.file).with_suffix("")))


def _qualified(benchmark: Benchmark) -> str:
    return ".".join(benchmark.path)


def _by_stem(benchmark: Benchmark) -> str:
    return f"{PurePosixPath(benchmark.file).stem}.{_qualified(benchmark)}"


def _by_file(benchmark: Benchmark) -> str:
    return f"{PurePosixPath(benchmark.file).with_suffix('')}.{_qualified(benchmark)}"


def _by_label(benchmark: Benchmark) -> str:
    return f"{_by_file(benchmark)}.{benchmark.label}"


_LADDER: tuple[Callable[[Benchmark], str], ...] = (_qualified, _by_stem, _by_file, _by_label)
"""Names that tell ever more."""


def _apart(benchmarks: Sequence[Benchmark]) -> list[Case]:
    """Tests that would have one name, by the shortest names that differ, if there are any."""
    for rung in _LADDER:
        cases = [_case(benchmark, rung(benchmark)) for benchmark in benchmarks]
        if len({case.key for case in cases}) == len(cases):
            return cases
    return [_case(benchmark, _qualified(benchmark)) for benchmark in benchmarks]


def _numbered(cases: Sequence[Case]) -> Iterator[Case]:
    """With a number where a name is there already: a file may hold one test several times."""
    for case, name in zip(cases, apart(case.key for case in cases), strict=True):
        number = name.removeprefix(case.key)
        yield replace(case, strategy=f"{case.strategy}{number}")


def as_name(text: str) -> str:
    """Text that can name a file and a place in a page."""
    dotted = re.sub(r"(?<=\w)/(?=\w)", ".", text)
    return re.sub(r"[^\w.=+-]+", "_", dotted).strip("_.") or "tests"


def _value(value: Any) -> Value:
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return _text(value if isinstance(value, str) else str(value))


def _text(text: str) -> str:
    """On one line, as it can be printed; quoted where blanks at an end would be lost."""
    plain = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return plain if plain == plain.strip() else repr(plain)
