"""``harness.profile``: a function of this process, line by line, in forks of it."""

from __future__ import annotations

import functools
import linecache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import harness
from harness.errors import UsageError
from harness.profiling.figures import accurate_to, kept_bytes, peak_bytes
from harness.units import MIB

DATA = np.ones(1 << 22)
CELL = """\
def scaled(array):
    doubled = array * 2
    return (doubled + 1).astype("f4")
"""


def doubled(array: Any, times: int = 1) -> Any:
    made = array * 2
    for _ in range(times):
        DATA.view("u1")[0] = 7
    return made


def close(found: int, expected: float) -> bool:
    return abs(found - expected) <= accurate_to(expected)


def test_a_function_of_this_process_is_left_as_it_is() -> None:
    found = harness.profile(doubled, DATA, times=2)
    assert found.ok
    first, loop, body, last = found.rows
    assert close(peak_bytes(first), 32 * MIB)
    assert close(kept_bytes(first), 32 * MIB)
    assert (loop.visits, body.visits, last.visits) == (3, 2, 1)
    assert DATA[0] == 1.0
    assert "made = array * 2" in repr(found)
    assert "(1.00×)" in repr(found)
    assert found.collected.found["memory_profiler"].sampled


def test_code_of_a_notebook_has_its_lines() -> None:
    name = "<ipython-input-1-profile>"
    linecache.cache[name] = (len(CELL), None, CELL.splitlines(keepends=True), name)
    namespace: dict[str, Any] = {}
    exec(compile(CELL, name, "exec"), namespace)
    found = harness.profile(namespace["scaled"], DATA)
    doubled_row, cast = found.rows
    assert close(kept_bytes(doubled_row), 32 * MIB)
    assert close(peak_bytes(cast), 48 * MIB)
    assert close(kept_bytes(cast), 16 * MIB)
    assert 'return (doubled + 1).astype("f4")' in repr(found)
    assert "memory_profiler" in found.collected.missing


class Scaled(torch.nn.Module):
    """Takes as much as its input, in a line of its own."""

    def forward(self, tensor: torch.Tensor) -> torch.Tensor:
        made = tensor * 2
        return made.add_(1)


def test_of_a_module_the_lines_of_its_forward_are_watched() -> None:
    first, last = harness.profile(Scaled(), torch.from_numpy(DATA)).rows
    assert close(kept_bytes(first), 32 * MIB)
    assert (first.visits, last.visits) == (1, 1)


def test_what_only_raises_is_shown() -> None:
    found = harness.profile(lambda: DATA + DATA[:-1])
    assert not found.ok
    assert found.headline.startswith("error: ValueError")


def test_what_has_no_lines_or_is_no_function_is_refused() -> None:
    with pytest.raises(UsageError, match="written in C"):
        harness.profile(np.empty, 5)
    with pytest.raises(UsageError, match="also=: empty is written in C, in no file"):
        harness.profile(doubled, DATA, also=(np.empty,))
    with pytest.raises(UsageError, match="not callable"):
        harness.profile(5)  # type: ignore[arg-type]


def test_a_folder_that_has_something_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(UsageError, match="without force=True"):
        harness.profile(functools.partial(doubled, DATA), folder=tmp_path)


@pytest.mark.slow
def test_a_page_has_all_of_it(tmp_path: Path) -> None:
    found = harness.profile(doubled, DATA, folder=tmp_path / "page")
    files = {file.name for file in (tmp_path / "page").iterdir()}
    assert files == {"index.html", "lines.json", "allocations.html", "timeline.json"}
    assert {"lines", "memory_profiler", "memray", "viztracer"} <= found.collected.found.keys()
