"""Which cases one table compares when more than the size was varied."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.analysis.sweep import Sweep
from harness.planning.parameter_values import in_order
from harness.schema.description import ScenarioInfo
from harness.schema.records import Value
from harness.schema.values import value_text
from tests.analysis.planted import Point, timed_sweep
from tests.journals import MIB, parameter, scenario, strategy

STRATEGIES = (strategy("base"), strategy("other"))


def loaders(**parameters: object) -> ScenarioInfo:
    return replace(scenario(STRATEGIES, parameters), epochs=True)  # type: ignore[arg-type]


def swept(folder: Path, info: ScenarioInfo, points: list[Point]) -> Sweep:
    times = [(name, point, [1e-3] * 3) for point in points for name in ("base", "other")]
    return timed_sweep(folder, info, times)


class TestBeside:
    """A parameter that only makes sense with others at values that are not the usual ones."""

    @pytest.fixture
    def sweep(self, tmp_path: Path) -> Sweep:
        info = loaders(
            workers=parameter(0, 0, 2, 4),
            start=parameter("fork", "fork", "spawn", beside={"workers": 2}),
        )
        points: list[Point] = [{"workers": count, "start": "fork"} for count in (0, 2, 4)]
        points.append({"workers": 2, "start": "spawn"})
        return swept(tmp_path, info, points)

    def test_it_is_compared_at_the_values_beside_it(self, sweep: Sweep) -> None:
        rows = [row for row in sweep.variation("start") if row.strategy == "other"]
        assert [dict(row.parameters) for row in rows] == [
            {"workers": 2, "start": "fork"},
            {"workers": 2, "start": "spawn"},
        ]

    def test_the_parameter_beside_it_varies_on_its_own(self, sweep: Sweep) -> None:
        rows = [row for row in sweep.variation("workers") if row.strategy == "other"]
        assert [row.parameters["workers"] for row in rows] == [0, 2, 4]
        assert {row.parameters["start"] for row in rows} == {"fork"}

    def test_the_main_cases_are_the_usual_ones(self, sweep: Sweep) -> None:
        assert [dict(row.parameters) for row in sweep.main] == [{"workers": 0, "start": "fork"}] * 2


def test_values_that_were_asked_for_stand_in_for_those_beside(tmp_path: Path) -> None:
    # GIVEN a run of which the user set the workers
    info = loaders(
        workers=parameter(0, 0, 2), start=parameter("fork", "fork", "spawn", beside={"workers": 2})
    )
    points: list[Point] = [{"workers": 4, "start": start} for start in ("fork", "spawn")]
    rows = swept(tmp_path, info, points).variation("start")
    assert [row.parameters["start"] for row in rows if row.baseline] == ["fork", "spawn"]


@pytest.mark.parametrize(
    ("default", "measured", "main"),
    [(10, (1, 10, 100), 10), (7, (1, 10, 100), 10), (7, (1, 10, 100, 1000), 100)],
    ids=["the default", "the middle one", "the higher of two"],
)
def test_an_axis_beside_the_size_stands_at_one_value_for_all(
    tmp_path: Path, default: int, measured: tuple[int, ...], main: int
) -> None:
    info = loaders(cost_us=parameter(default, *measured, axis=True))
    found = swept(tmp_path, info, [{"cost_us": cost} for cost in measured])
    assert {row.parameters["cost_us"] for row in found.main} == {main}
    assert found.axes == ("cost_us",)
    assert found.place == f"with cost_us {main} µs"


def test_a_value_that_only_the_baseline_has_is_not_the_usual_one(tmp_path: Path) -> None:
    # GIVEN a default at which nothing but the baseline was measured
    info = loaders(cost_us=parameter(5, 1, 10, 100, axis=True))
    times = [
        (name, {"cost_us": cost}, [1e-3] * 3) for cost in (1, 10, 100) for name in ("base", "other")
    ]
    times.append(("base", {"cost_us": 5}, [1e-3] * 3))
    found = timed_sweep(tmp_path, info, times)  # type: ignore[arg-type]
    assert {row.parameters["cost_us"] for row in found.main} == {10}


def test_a_variation_is_shown_at_the_size_it_was_varied_at(tmp_path: Path) -> None:
    info = loaders(
        size=parameter(2 * MIB, 2 * MIB, 32 * MIB, axis=True), batch=parameter(64, 8, 64)
    )
    points: list[Point] = [{"size": size, "batch": 64} for size in (2 * MIB, 32 * MIB)]
    points.append({"size": 2 * MIB, "batch": 8})
    found = swept(tmp_path, info, points)
    assert found.reference == 32 * MIB
    assert {row.size_bytes for row in found.variation("batch")} == {2 * MIB}


def test_the_baseline_alone_is_no_variation(tmp_path: Path) -> None:
    info = loaders(batch=parameter(64, 8, 64))
    times = [("base", {"batch": batch}, [1e-3] * 3) for batch in (8, 64)]
    times.append(("other", {"batch": 64}, [1e-3] * 3))
    found = timed_sweep(tmp_path, info, times)  # type: ignore[arg-type]
    assert found.variation("batch") == ()
    assert len(found.variation("batch", "base")) == 2


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("sample_bytes", 16384, "16 KiB"),
        ("sample_cost_us", 250, "250 µs"),
        ("sample_cost_us", 0, "0"),
        ("wait_ms", 1500, "1.5 s"),
        ("num_workers", 4, "4"),
        ("shuffle", True, "True"),
        ("threads", "all", "all"),
    ],
)
def test_values_are_written_by_their_unit(name: str, value: Value, text: str) -> None:
    assert value_text(name, value) == text


def test_numbers_stand_in_their_order_and_names_in_the_declared_one() -> None:
    assert in_order([4, 0, 4, 2]) == [0, 2, 4]
    assert in_order(["spawn", "fork"], ("fork", "spawn")) == ["fork", "spawn"]
    assert in_order(["all", 1]) == [1, "all"]
