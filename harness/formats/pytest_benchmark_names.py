"""What tests of pytest-benchmark are called here: every test is a case, with a name of its own.

A group becomes a scenario and a test a strategy; a test of no group belongs to a scenario named
like its file. Names are cleaned so that they can stand in a page, a file name and one line; what
would then have the name of another gets the shortest addition that makes it unique.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from harness.formats.pytest_benchmark_file import Benchmark, File, as_object
from harness.schema.numbers import finite
from harness.schema.records import DEFAULT_HOST, Case, Value
from harness.schema.texts import apart

_ABOUT = ("scenario", "strategy", "host")
"""What an export of ours says of a case beside its own parameters."""


def cases_of(file: File) -> list[Case]:
    """The case that each test is."""
    tests = list(zip(file.benchmarks, _scenarios(file.benchmarks), strict=True))
    make = _exported if file.exported else _case
    found = [make(*test) for test in tests]
    alike: dict[str, list[int]] = {}
    for index, case in enumerate(found):
        alike.setdefault(case.key, []).append(index)
    for indices in alike.values():
        if len(indices) > 1:
            longer = _apart([tests[index] for index in indices])
            for index, case in zip(indices, longer, strict=True):
                found[index] = case
    return list(_numbered(found))


def _exported(benchmark: Benchmark, scenario: str) -> Case:
    """The case of a run of ours, as it was."""
    info = as_object(benchmark.extra_info)
    own = {name: _value(value) for name, value in benchmark.parameters.items()}
    host = str(own.pop("host", DEFAULT_HOST))
    if not all(isinstance(info.get(name), str) for name in ("scenario", "strategy")):
        return _case(benchmark, scenario)
    own = {name: value for name, value in own.items() if name not in _ABOUT}
    return Case(info["scenario"], info["strategy"], own, host)


def _qualified(benchmark: Benchmark) -> str:
    return ".".join(benchmark.path)


def _case(
    benchmark: Benchmark, scenario: str, strategy: Callable[[Benchmark], str] = _qualified
) -> Case:
    own = {_text(name): _value(value) for name, value in benchmark.parameters.items()}
    return Case(scenario, as_name(strategy(benchmark)), own)


def _scenarios(benchmarks: Sequence[Benchmark]) -> list[str]:
    """The group of each test, or else its file; no two groups or files share a name."""
    places = [(one.group or "", "" if one.group else one.file) for one in benchmarks]
    known = list(dict.fromkeys(places))
    texts = (group or _without_ending(file) for group, file in known)
    names = dict(zip(known, apart(map(as_name, texts)), strict=True))
    return [names[place] for place in places]


def _without_ending(file: str) -> str:
    path = PurePosixPath(file)
    return str(path.with_suffix("") if path.name else path)


def _by_stem(benchmark: Benchmark) -> str:
    return f"{PurePosixPath(benchmark.file).stem}.{_qualified(benchmark)}"


def _by_file(benchmark: Benchmark) -> str:
    return f"{_without_ending(benchmark.file)}.{_qualified(benchmark)}"


def _by_label(benchmark: Benchmark) -> str:
    return f"{_by_file(benchmark)}.{benchmark.label}"


_LADDER: tuple[Callable[[Benchmark], str], ...] = (_qualified, _by_stem, _by_file, _by_label)
"""Names that tell ever more."""


def _apart(tests: Sequence[tuple[Benchmark, str]]) -> list[Case]:
    """Tests that would have one name, by the shortest names that differ, if there are any."""
    for rung in _LADDER:
        cases = [_case(*test, rung) for test in tests]
        if len({case.key for case in cases}) == len(cases):
            return cases
    return [_case(*test) for test in tests]


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
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and finite(value) is not None:
        return value
    return _text(value if isinstance(value, str) else str(value))


def _text(text: str) -> str:
    """On one line, as it can be printed; quoted where blanks at an end would be lost."""
    plain = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return plain if plain == plain.strip() else repr(plain)
