"""What pytest-benchmark writes, as far as it is read here.

``pytest --benchmark-json`` writes such files with the times of all rounds, ``--benchmark-save``
and ``--benchmark-autosave`` without, unless ``--benchmark-save-data`` is given. Earlier versions
leave out what they did not know: 2.5 has neither parameters nor ``extra_info``, ``ops`` or
``total``. Hooks of a suite may put anything in place of the machine and the commit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import UsageError
from harness.schema.numbers import finite

NAME = "pytest-benchmark"
EXTRA_INFO = "ferrybench"
"""Where in a test's ``extra_info`` our plugin keeps what it found out."""
DEEPEST = 100
"""Levels of a document. Python could read a thousand, but then not write them."""
_UNSERIALIZABLE = "UNSERIALIZABLE["
"""How a value begins that cannot be written as JSON: with its address, a new one every time."""


@dataclass(frozen=True)
class Benchmark:
    """One test."""

    name: str
    fullname: str
    stats: dict[str, Any]
    group: str | None = None
    params: dict[str, Any] | None = None
    param: str | None = None
    extra_info: dict[str, Any] | None = None
    options: dict[str, Any] | None = None

    @property
    def samples_s(self) -> tuple[float, ...]:
        """Every round, as the time of one call; empty where they were not kept, or not all."""
        data = self.stats.get("data")
        if not isinstance(data, list) or len(data) != self.stats.get("rounds", len(data)):
            return ()
        # An infinite time is a number, if no duration: the file is refused for it.
        return tuple(data) if all(type(one) in (int, float) for one in data) else ()

    @property
    def statistics(self) -> dict[str, Any]:
        """What the file states of the rounds, by its own names."""
        return {name: value for name, value in self.stats.items() if name != "data"}

    @property
    def plugin_facts(self) -> dict[str, Any]:
        """What our plugin noted of the test."""
        return part(self.extra_info, EXTRA_INFO)

    @property
    def function(self) -> str:
        """The test without its parameters."""
        return self.name.partition("[")[0]

    @property
    def label(self) -> str:
        """Its parameters as pytest calls them; "" where it has none."""
        return self.param or self.name.partition("[")[2].removesuffix("]")

    @property
    def file(self) -> str:
        """The file of the test, as its node id begins."""
        return self.fullname.partition("::")[0]

    @property
    def path(self) -> tuple[str, ...]:
        """The classes of the test, if it has any, and its function."""
        return tuple(self.fullname.partition("[")[0].split("::")[1:]) or (self.function,)

    @property
    def parameters(self) -> dict[str, Any]:
        """By name, where every value can be told again; else the whole as pytest calls it."""
        values = self.params or {}
        if values and not any(_has_address(value) for value in values.values()):
            return values
        return {"param": self.label} if self.label else {}


def _has_address(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(_UNSERIALIZABLE)


@dataclass(frozen=True)
class File:
    """One session of pytest."""

    machine_info: Any
    benchmarks: list[Benchmark]
    commit_info: Any = None
    datetime: Any = ""
    version: Any = ""

    @property
    def exported(self) -> bool:
        """Whether it is a run of ferrybench that was exported."""
        return "ferrybench" in as_object(self.machine_info)


def parse(path: Path, data: bytes) -> tuple[File, dict[str, Any]]:
    """Read and validate a file; returned with all that is in it.

    Python's own reader takes the NaN and Infinity that pytest-benchmark writes.

    Raises:
        UsageError: it is damaged, or holds no benchmarks; the message names file and problem.
    """
    try:
        document = json.loads(data.decode("utf-8-sig"))
        file = msgspec.convert(document, File)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: a damaged pytest-benchmark file: {error}") from error
    if _nested(document) > DEEPEST:
        raise UsageError(f"{path}: a damaged pytest-benchmark file: nested too deeply")
    if not file.benchmarks:
        raise UsageError(f"{path}: a pytest-benchmark file without benchmarks")
    for benchmark in file.benchmarks:
        if "median" not in benchmark.stats:
            raise UsageError(f"{path}: {benchmark.fullname}: missing required field `median`")
        if not _has_times(benchmark):
            raise UsageError(f"{path}: {benchmark.fullname}: its times are not durations")
    return file, document


def _nested(document: Any) -> int:
    """How deep the deepest part of a document lies."""
    level, depth = [document], 0
    while level:
        depth += 1
        level = [
            inner
            for whole in level
            for inner in (whole.values() if isinstance(whole, dict) else whole)
            if isinstance(inner, dict | list)
        ]
    return depth


def _has_times(benchmark: Benchmark) -> bool:
    """Whether every time is one."""
    times = map(finite, (benchmark.stats["median"], *benchmark.samples_s))
    return all(time_s is not None and time_s >= 0 for time_s in times)


def as_object(value: Any) -> Mapping[str, Any]:
    """A part of the file that a hook may have replaced by anything."""
    return value if isinstance(value, dict) else {}


def part(whole: Any, name: str) -> dict[str, Any]:
    """A part of a part; empty where there is none."""
    return dict(as_object(as_object(whole).get(name)))


def number(whole: Mapping[str, Any] | None, name: str) -> float | None:
    """A number of a part of the file; None where there is none."""
    return finite((whole or {}).get(name))


def text(whole: Mapping[str, Any], name: str) -> str:
    """A text of a part of the file; "" where there is none."""
    value = whole.get(name)
    return value if isinstance(value, str) else ""
