"""What pytest-benchmark writes, as far as it is read here.

``pytest --benchmark-json`` writes such files with the times of all rounds, ``--benchmark-save``
and ``--benchmark-autosave`` without, unless ``--benchmark-save-data`` is given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import UsageError

NAME = "pytest-benchmark"
EXTRA_INFO = "ferrybench"
"""Where in a test's ``extra_info`` our plugin keeps what it found out."""
_UNSERIALIZABLE = "UNSERIALIZABLE["
"""How a value begins that cannot be written as JSON: with its address, a new one every time."""


@dataclass(frozen=True)
class Stats:
    """The times of a test, in seconds a call."""

    median: float
    min: float = math.nan
    rounds: int = 1
    iterations: int = 1
    data: tuple[float, ...] = ()

    @property
    def samples_s(self) -> tuple[float, ...]:
        """Every round; the median alone where they were not kept."""
        return self.data or (self.median,)


@dataclass(frozen=True)
class Benchmark:
    """One test."""

    name: str
    fullname: str
    stats: Stats
    group: str | None = None
    params: dict[str, Any] | None = None
    param: str | None = None
    extra_info: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def noted(self) -> dict[str, Any]:
        """What ferrybench noted of the test: our plugin apart, our export with everything else."""
        own = self.extra_info.get(EXTRA_INFO)
        return own if isinstance(own, dict) else self.extra_info

    @property
    def function(self) -> str:
        """The test without its parameters."""
        return self.name.partition("[")[0]

    @property
    def file(self) -> str:
        """The file of the test, as its node id begins."""
        return self.fullname.partition("::")[0]

    @property
    def qualified(self) -> str:
        """The test with its class, if it has one."""
        path = self.fullname.partition("[")[0].split("::")[1:]
        return ".".join(path) or self.function

    @property
    def parameters(self) -> dict[str, Any]:
        """By name, where every value can be told again; else the whole as pytest calls it."""
        values = self.params or {}
        if values and not any(_has_address(value) for value in values.values()):
            return values
        label = self.param or self.name.partition("[")[2].removesuffix("]")
        return {"param": label} if label else {}


def _has_address(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(_UNSERIALIZABLE)


@dataclass(frozen=True)
class File:
    """One session of pytest."""

    machine_info: dict[str, Any]
    benchmarks: list[Benchmark]
    commit_info: dict[str, Any] = field(default_factory=dict)
    datetime: str = ""
    version: str = ""


def parse(path: Path, data: bytes) -> File:
    """Read and validate a file.

    Raises:
        UsageError: it is damaged, or holds no benchmarks; the message names file and problem.
    """
    try:
        file = msgspec.json.decode(data, type=File)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: a damaged pytest-benchmark file: {error}") from error
    if not file.benchmarks:
        raise UsageError(f"{path}: a pytest-benchmark file without benchmarks")
    for benchmark in file.benchmarks:
        if not all(math.isfinite(time_s) and time_s >= 0 for time_s in benchmark.stats.samples_s):
            raise UsageError(f"{path}: {benchmark.fullname}: its times are not durations")
    return file


def number(part: dict[str, Any], name: str) -> float | None:
    """A number of a part of the file; None where there is none."""
    value = part.get(name)
    return value if isinstance(value, int | float) and math.isfinite(value) else None
