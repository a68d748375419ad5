"""Files as versions of pytest-benchmark write them, small and made up: 2.5, 3.2, 4.0 and 5.1."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_benchmark.stats import Stats

SAMPLES_S = (2.5e-5, 2.1e-5, 2.2000000001e-5, 9.7e-5, 2.3e-5, 2.3000000007e-5)
CASES: tuple[tuple[str, str | None, dict[str, Any]], ...] = (
    ("tests/test_fft.py::test_fft", None, {"n": 64, "dtype": "f4"}),
    ("tests/test_fft.py::test_fft", None, {"n": 64, "dtype": "f8"}),
    ("tests/test_fft.py::test_fft", None, {"n": 4096, "dtype": "f4"}),
    ("tests/test_fft.py::test_plain", None, {}),
    ("tests/test_fft.py::TestAll::test_method", None, {}),
    ("tests/test_omp.py::test_omp", "omp ", {"size": 2}),
    ("tests/test_omp.py::test_serial", "omp ", {"size": 2}),
)
"""Node ids without parameters, groups, and parameters."""
LATER = {"2.5.0": ("ops", "total"), "3.2.2": (), "4.0.0": (), "5.1.0": ()}
"""By version, which statistics it did not have yet."""
VERSIONS = tuple(LATER)


def benchmark(
    node: str,
    group: str | None = None,
    params: Mapping[str, Any] | None = None,
    *,
    version: str = "5.1.0",
    samples_s: Sequence[float] = SAMPLES_S,
    with_data: bool = False,
) -> dict[str, Any]:
    """One test, with the statistics that pytest-benchmark itself computes."""
    label = "-".join(str(value) for value in (params or {}).values())
    fullname = f"{node}[{label}]" if params else node
    make: Any = Stats  # it has no types
    stats = make()
    for sample in samples_s:
        stats.update(sample)
    stated = {k: v for k, v in stats.as_dict().items() if k not in LATER[version]}
    found: dict[str, Any] = {
        "group": group,
        "name": fullname[node.rindex("::") + 2 :],
        "fullname": fullname,
        "options": {"disable_gc": False, "timer": "perf_counter", "min_rounds": 5},
        "stats": {**stated, "iterations": 3, **({"data": list(samples_s)} if with_data else {})},
    }
    if version != "2.5.0":
        found |= {"params": params or None, "param": label or None, "extra_info": {"mine": 1}}
    return found


def document(tests: Sequence[dict[str, Any]], version: str = "5.1.0") -> dict[str, Any]:
    machine: dict[str, Any] = {"node": "box", "machine": "x86_64", "system": "Linux"}
    machine |= {"release": "3.13.0-55-generic", "python_version": "2.7.3", "processor": "x86_64"}
    if version == "3.2.2":
        machine["cpu"] = {"vendor_id": "unknown", "hardware": "unknown", "brand": "unknown"}
    elif version != "2.5.0":
        machine["cpu"] = {"brand_raw": "A Processor", "count": 8, "flags": ["avx", "sse"]}
    return {
        "machine_info": machine,
        "commit_info": {"id": "5b78858eb718649a31fb93d8dc96ca2cee41a4cd", "dirty": True},
        "benchmarks": list(tests),
        "datetime": "2015-08-14T16:04:13.515460",
        "version": version,
    }


def saved(
    path: Path, version: str = "5.1.0", *, with_data: bool = False, times: float = 1.0
) -> Path:
    """A file of seven tests, which take so many times as long as usual."""
    samples_s = [times * sample for sample in SAMPLES_S]
    tests = [
        benchmark(*case, version=version, samples_s=samples_s, with_data=with_data)
        for case in CASES
    ]
    return put(path, document(tests, version))


def put(path: Path, content: Mapping[str, Any]) -> Path:
    path.write_text(json.dumps(content))
    return path
