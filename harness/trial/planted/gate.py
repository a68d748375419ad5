"""A suite of ordinary work into which slowdowns, copies and leaks of known size can be planted.

What is planted stands in an environment variable, as JSON: by strategy and size, a share. So the
two sides of a comparison are two hosts of one interpreter, and only one of them has the fault.
What is not planted there is the very same code on both.
"""

from __future__ import annotations

import functools
import json
import os
import time
import timeit
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from harness.scenario import Parameter, Scenario

PLANTED = "FERRYBENCH_PLANTED"
"""``{"numpy_copy 524288": {"slower": 0.1}}``: see :data:`FAULTS`."""
SIZES = (128 * 1024, 512 * 1024, 4 * 1024**2)
_KEPT: list[Any] = []

suite = Scenario(
    "gate_truths",
    question="Is what was planted found, and nothing else?",
    baseline="numpy_copy",
    parameters={"size": Parameter(SIZES[0], quick=SIZES, usual=SIZES, full=SIZES, axis=True)},
)


@suite.inputs
def array(size: int, rng: np.random.Generator) -> Any:
    return rng.random(size // 4, np.float32)


@suite.check
def same_sum(array: Any, result: Any) -> None:
    """Every way ends in the same sum."""
    np.testing.assert_allclose(float(result), float(array.sum(dtype=np.float64)), rtol=1e-3)


def _slower(function: Callable[..., Any], share: float) -> Callable[..., Any]:
    """Busy for a share of the time that each call has taken, what it takes to be so included."""
    own_s = _taken_s(_waiting(lambda array: array, 0.0, 0.0)) - _taken_s(lambda array: array)
    return functools.wraps(function)(_waiting(function, share, own_s))


def _waiting(function: Callable[..., Any], share: float, own_s: float) -> Callable[..., Any]:
    def wait(array: Any) -> Any:
        began = time.perf_counter()
        result = function(array)
        now = time.perf_counter()
        end = now + (now - began) * share - own_s
        while time.perf_counter() < end:
            pass
        return result

    return wait


def _taken_s(function: Callable[..., Any]) -> float:
    """By a call that does nothing."""
    return min(timeit.repeat(lambda: function(None), number=500, repeat=40)) / 500


def _filled(array: Any, share: float) -> Any:
    """New memory of a share of the input, every page of it written."""
    return np.ones(max(1, round(array.nbytes * share)), np.uint8)


def _copies(function: Callable[..., Any], share: float) -> Callable[..., Any]:
    """Has more memory while it works: an extra copy of a share of its input."""

    @functools.wraps(function)
    def copy(array: Any) -> Any:
        held = _filled(array, share)
        result = function(array)
        del held
        return result

    return copy


def _leaks(function: Callable[..., Any], share: float) -> Callable[..., Any]:
    """Never gives back a share of its input."""

    @functools.wraps(function)
    def leak(array: Any) -> Any:
        _KEPT.append(_filled(array, share))
        return function(array)

    return leak


FAULTS: Mapping[str, Callable[[Callable[..., Any], float], Callable[..., Any]]] = {
    "slower": _slower,
    "copies": _copies,
    "leaks": _leaks,
}
"""What can be planted; each takes the share."""


def _plants() -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = json.loads(os.environ.get(PLANTED, "{}"))
    return found


def _may_be_planted(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself where nothing is planted; else one that has the fault at its sizes."""
    faulty = {}
    for key, faults in _plants().items():
        name, _, size = key.partition(" ")
        if name == function.__name__:
            worse = function
            for fault, share in faults.items():
                worse = FAULTS[fault](worse, share)
            faulty[int(size)] = worse
    if not faulty:
        return function

    @functools.wraps(function)
    def choose(array: Any) -> Any:
        return faulty.get(array.nbytes, function)(array)

    return choose


@suite.strategy()
@_may_be_planted
def numpy_copy(array: Any) -> Any:
    return array.copy().sum(dtype=np.float64)


@suite.strategy()
@_may_be_planted
def torch_tensor(array: Any) -> Any:
    return torch.tensor(array).sum(dtype=torch.float64)


@suite.strategy()
@_may_be_planted
def cast_both_ways(array: Any) -> Any:
    return torch.from_numpy(array).double().float().sum(dtype=torch.float64)


@suite.strategy()
@_may_be_planted
def in_place_passes(array: Any) -> Any:
    work = array.copy()
    for _ in range(4):
        np.sqrt(work, out=work)
        np.square(work, out=work)
    return work.sum(dtype=np.float64)


@suite.strategy()
@_may_be_planted
def stack_rows(array: Any) -> Any:
    rows = [torch.from_numpy(row) for row in array.reshape(64, -1)]
    return torch.stack(rows).sum(dtype=torch.float64)


@suite.strategy()
@_may_be_planted
def gather_rows(array: Any) -> Any:
    rows = array.reshape(64, -1)
    return rows[np.arange(63, -1, -1)].sum(dtype=np.float64)


@suite.strategy()
@_may_be_planted
def preallocate(array: Any) -> Any:
    out = np.empty_like(array)
    for start in range(0, len(array), 4096):
        out[start : start + 4096] = array[start : start + 4096]
    return out.sum(dtype=np.float64)


@suite.strategy()
@_may_be_planted
def many_small_calls(array: Any) -> Any:
    total = 0.0
    for row in array.reshape(64, -1):
        total += float(torch.from_numpy(row).sum(dtype=torch.float64))
    return total
