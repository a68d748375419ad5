"""Several ways to do one thing: ratios, agreement, and what is shown."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
import torch

from harness import Comparison, compare
from harness.errors import UsageError
from harness.inline.comparison import FRAME_COLUMNS

MIB = 1024**2


def fast(array: Any) -> Any:
    time.sleep(0.002)
    return array + 1


def slow(array: Any) -> Any:
    time.sleep(0.006)
    return array + 1


def shared(array: Any) -> Any:
    time.sleep(0.002)
    array += 1
    return array


def off(array: Any) -> Any:
    return array + 1.5


def breaks(array: Any) -> Any:
    raise ValueError("no way")


@pytest.fixture(scope="module")
def found() -> Comparison:
    ways = {"slow": slow, "fast": fast, "in place": shared, "off": off, "breaks": breaks}
    return compare(ways, np.ones(MIB), baseline="fast", trials=3, steady_s=0.05)


def test_ratios_are_those_of_the_times(found: Comparison) -> None:
    """Three times the sleep is three times the time, but for the sum they share."""
    plain = found["fast"].steady_median_s
    expected = (plain + 0.004) / plain
    assert found.ratios["slow"].median == pytest.approx(expected, rel=0.15)
    assert found.ratios["slow"].low <= found.ratios["slow"].median <= found.ratios["slow"].high
    assert found.ratios["fast"].median == 1
    assert found.ratios["slow"].count == 3


def test_memory_is_that_of_each(found: Comparison) -> None:
    assert found["slow"].copies == pytest.approx(1, abs=0.02)
    assert found["in place"].copies == pytest.approx(0, abs=0.02)


def test_results_must_agree_with_the_baselines(found: Comparison) -> None:
    assert found["off"].outcome.name == "wrong"
    assert found["off"].outcome.reason.startswith("differs from the result of fast: ")
    assert math.isnan(found.ratios["off"].median)
    assert not found.ok
    assert found["in place"].ok


def test_what_fails_is_told_and_the_rest_goes_on(found: Comparison) -> None:
    assert found["breaks"].outcome.reason == "ValueError: no way"
    text = repr(found).splitlines()
    assert text[0].split()[:3] == ["steady", "state", "ratio"]
    assert [line.split("  ")[0] for line in text[1:6]] == [
        "slow", "fast", "in place", "off", "breaks",
    ]  # fmt: skip
    assert "×" in text[1]
    assert any(line.startswith("breaks: ValueError: no way (test_inline_comp") for line in text)


def test_the_frame_has_a_row_for_each(found: Comparison) -> None:
    frame = found.frame
    assert list(frame.index) == ["slow", "fast", "in place", "off", "breaks"]
    assert tuple(frame.columns) == FRAME_COLUMNS
    assert frame.loc["fast", "ratio"] == 1
    assert frame.loc["off", "outcome"] == "wrong"
    assert frame.loc["slow", "payload_bytes"] == 8 * MIB


def test_html_is_escaped() -> None:
    shown = compare({"<b>": abs}, -1, trials=1, steady_s=0.01)._repr_html_()
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown


def test_the_figure_shows_what_did_not_fail(found: Comparison) -> None:
    figure = found.figure()
    times, memory = figure.axes
    assert [label.get_text() for label in times.get_yticklabels()] == [
        "slow", "fast (baseline)", "in place",
    ]  # fmt: skip
    (bar, _, none) = memory.patches
    assert bar.get_width() == found["slow"].copied_bytes  # type: ignore[attr-defined]
    assert none.get_width() == found["in place"].copied_bytes  # type: ignore[attr-defined]
    assert getattr(figure, "_repr_png_")().startswith(b"\x89PNG")  # noqa: B009 — for notebooks


def test_a_figure_without_anything_is_no_error() -> None:
    assert compare({"breaks": breaks}, 1).figure().axes


def test_a_check_takes_the_place_of_agreement() -> None:
    found = compare(
        {"up": lambda value: value + 1, "down": lambda value: value - 1},
        1,
        check=lambda result: result >= 0,
        trials=1,
        steady_s=0.01,
    )
    assert found.ok
    assert found["down"].verified == "by check="


def test_an_array_and_a_tensor_may_agree() -> None:
    found = compare({"array": np.copy, "tensor": torch.tensor}, np.ones(3), trials=1, steady_s=0.01)
    assert found.ok, found


def test_without_rounds_memory_is_compared() -> None:
    found = compare({"none": np.asarray, "one": np.copy}, np.ones(MIB), trials=0)
    assert found["one"].copies == pytest.approx(1, abs=0.02)
    assert math.isnan(found.ratios["one"].median)
    assert "–" in repr(found)


@pytest.mark.parametrize(
    ("ways", "options", "message"),
    [
        ({}, {}, "compare needs functions"),
        ({"a": abs}, {"baseline": "b"}, "baseline 'b' is not one of a"),
        ({"a": 3}, {}, "3 is not callable"),
    ],
)
def test_what_cannot_be_compared_is_refused(ways: Any, options: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        compare(ways, 1, **options)
