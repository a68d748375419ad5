"""Costs, predictions and crossovers of runs whose times are planted; what is unknown stays so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.analysis.models.as_text import (
    cost_text,
    crossover_text,
    next_text,
    prediction_text,
    step_texts,
    workers_text,
)
from harness.analysis.models.choosing import chosen_model, command_for
from harness.analysis.models.crossovers import crossovers, with_baseline
from harness.analysis.models.places import between, described, places
from harness.analysis.models.prediction import fits_into_memory, next_size, predict
from harness.analysis.models.scaling import worker_models
from harness.analysis.models.time_model import TimeModel, time_models
from harness.cases.summaries import summaries
from harness.errors import UsageError
from harness.journal.lines import Run
from harness.planning.command import option_text
from harness.planning.plan import parse_value
from harness.schema.records import Value
from harness.stats.scalability import throughput
from tests.analysis.planted import timed_sweep
from tests.analysis.planted_costs import LUCK, SIZES, Truth, base, other, run_of
from tests.journals import ENVIRONMENT, MIB, parameter, scenario, strategy
from tests.some import some


def models_of(run: Run) -> list[TimeModel]:
    return time_models(summaries(run), run.header.environment)


def model_of(folder: Path, truth: Truth, sizes: Sequence[int] = SIZES) -> TimeModel:
    (found,) = models_of(run_of(folder, {"base": truth}, sizes))
    return found


def test_a_cost_is_told_in_a_line(tmp_path: Path) -> None:
    found = model_of(tmp_path, base)
    assert cost_text(found) == "2.01 µs + 211 µs/MiB"


def test_what_shares_memory_costs_the_same_at_every_size(tmp_path: Path) -> None:
    assert cost_text(model_of(tmp_path, lambda size: 1e-6)) == "1 µs whatever the size"


def test_a_step_is_told_with_the_places_that_lie_near_it(tmp_path: Path) -> None:
    found = model_of(tmp_path, lambda size: base(size) * (5 if size >= 4 * MIB else 1))
    assert cost_text(found).endswith("; 5.0× from between 1 MiB and 4 MiB on")
    (step,) = step_texts(found)
    assert "between 1 MiB and 4 MiB, where there are: a huge page, 2 MiB" in step


def test_a_size_between_is_predicted_with_an_interval_that_holds_it(tmp_path: Path) -> None:
    found = predict(model_of(tmp_path, base), 3 * MIB)
    assert found.time.low < base(3 * MIB) < found.time.high
    assert found.time.median == pytest.approx(base(3 * MIB), rel=0.05)
    assert not found.outside
    assert prediction_text(found).startswith("6")


def test_beyond_the_sizes_it_says_so_and_is_wider(tmp_path: Path) -> None:
    model = model_of(tmp_path, base)
    inside, outside = predict(model, 24 * MIB), predict(model, 250 * MIB)
    assert outside.outside
    assert "extrapolated" in prediction_text(outside)
    assert outside.time.low < base(250 * MIB) < outside.time.high
    assert outside.time.high / outside.time.low > inside.time.high / inside.time.low


def test_a_known_place_beyond_the_sizes_widens_it_further(tmp_path: Path) -> None:
    model = model_of(tmp_path, base, SIZES[:6])  # up to 4 MiB
    beyond = predict(model, 16 * MIB)
    assert [place.what for place in beyond.steps] == ["half of L3"]
    assert "a step may come before it (half of L3, 16 MiB)" in prediction_text(beyond)
    assert beyond.time.high / beyond.time.low > 2


@pytest.mark.parametrize("size", [65 * 4 * MIB, 1000])
def test_too_far_away_nothing_is_predicted(tmp_path: Path, size: int) -> None:
    with pytest.raises(UsageError, match="too far from what was measured, 4 KiB to 64 MiB"):
        predict(model_of(tmp_path, base), size)


def test_two_sizes_are_too_few(tmp_path: Path) -> None:
    model = model_of(tmp_path, base, SIZES[:2])
    assert model.curve is None
    assert cost_text(model) == "not known: 2 sizes timed, and a fit needs 3"
    with pytest.raises(UsageError, match="moving/base: 2 sizes timed"):
        predict(model, 8192)


def test_single_processes_are_too_few(tmp_path: Path) -> None:
    (model,) = models_of(run_of(tmp_path, {"base": base}, luck=(1.0,)))
    assert model.curve is None
    assert "one process" in model.unknown


def test_strategies_cross_where_they_are_level(tmp_path: Path) -> None:
    first, second = models_of(run_of(tmp_path, {"base": base, "other": other}))
    (found,) = crossovers(second, first)
    assert (found.below, found.above) == ("base", "other")
    assert found.crossing.size == pytest.approx(MIB, rel=0.1)
    assert crossover_text(found).startswith("base is faster below 1")
    assert list(with_baseline([first, second], "base")) == [found]


def test_strategies_that_are_level_everywhere_do_not(tmp_path: Path) -> None:
    first, second = models_of(run_of(tmp_path, {"base": base, "other": base}))
    assert crossovers(first, second) == []


def test_the_size_to_measure_next_lies_within_the_step(tmp_path: Path) -> None:
    found = next_size(model_of(tmp_path, lambda size: base(size) * (5 if size >= 4 * MIB else 1)))
    assert found is not None
    assert found.size == 2 * MIB
    assert found.step
    assert "a step lies somewhere between 1 MiB and 4 MiB" in next_text(found)


def test_what_does_not_fit_into_memory_is_told(tmp_path: Path) -> None:
    model = model_of(tmp_path, base)
    assert fits_into_memory(model, 64 * MIB, ENVIRONMENT) == ""
    assert "only 12 GiB is free" in fits_into_memory(model, 8 * 1024 * MIB, ENVIRONMENT)


def test_places_are_those_of_the_machine() -> None:
    found = places(ENVIRONMENT)
    assert [place.size for place in found] == sorted(place.size for place in found)
    assert described(between(found, MIB // 2, MIB)) == "L2, 1 MiB"


def test_a_model_is_chosen_by_name_and_setting(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"base": base, "other": other})
    models = models_of(run)
    assert chosen_model(run, models, "moving/other", {}, "default").strategy == "other"
    with pytest.raises(UsageError, match="did you mean other"):
        chosen_model(run, models, "moving/othr", {}, "default")
    with pytest.raises(UsageError, match="name a strategy"):
        chosen_model(run, models, "moving", {}, "default")
    with pytest.raises(UsageError, match="timed at no size on host fast"):
        chosen_model(run, models, "moving/other", {}, "fast")


def test_a_printed_command_asks_for_the_very_sizes(tmp_path: Path) -> None:
    model = model_of(tmp_path, base)
    info = scenario([strategy("base")])
    said = "ferrybench run moving/base --size 5000,3MiB --scenarios moving.py"
    assert command_for(model, info, [3 * MIB, 5000]) == said
    size = parameter(MIB)
    for exact in some((3 * MIB, 5000, 6144, 2**31)):
        assert parse_value("size", size, option_text("size", exact)) == exact


def test_workers_follow_the_law_or_are_undecided(tmp_path: Path) -> None:
    info = scenario(
        [strategy("base", names=("num_workers",)), strategy("other", names=("num_workers",))],
        {"size": parameter(MIB, axis=True), "num_workers": parameter(0, 0, 1, 2, 4, 8)},
    )

    def times(workers: int) -> list[float]:
        rate = throughput(workers, 10_000.0, 0.2, 0.01) if workers else 10_000.0
        return [1024 / rate * share for share in LUCK]

    def point(workers: int) -> dict[str, Value]:
        return {"size": MIB, "num_workers": workers}

    counts = {"base": (0, 1, 2, 4, 8), "other": (0, 1, 2)}
    found = worker_models(
        timed_sweep(
            tmp_path,
            info,
            [
                (name, point(n), times(n))
                for name, some_counts in counts.items()
                for n in some_counts
            ],
        )
    )
    decided, undecided = found
    assert decided.law is not None
    assert decided.law.queueing.median == pytest.approx(0.2, abs=0.02)
    assert "one worker gives 9," in workers_text(decided) or "10," in workers_text(decided)
    assert workers_text(undecided).startswith("undecided: 2 numbers of workers timed")
