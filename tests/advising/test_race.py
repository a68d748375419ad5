"""The race finds the fastest, with time and memory that are planted."""

from __future__ import annotations

from functools import partial

import pytest

from harness.advising.data import Data
from harness.advising.race import HEAT_BYTES, Race
from harness.advising.tasks import TASKS
from harness.errors import UnableError
from harness.schema.records import Outcome
from tests.advising.simulated import Model, SimulatedBench, as_bench

MIB = 1024**2
ROOMY = 64 * 1024 * MIB


def line(fixed_s: float, mib_per_s: float) -> Model:
    return lambda size: fixed_s + size / MIB / mib_per_s


def data_of(mib: int) -> Data:
    return Data((mib * 256, 1024), "float32")


def raced(bench: SimulatedBench, free_bytes: float = ROOMY) -> Race:
    race = Race(as_bench(bench), list(bench.models), free_bytes, lambda text: None)
    race.run(batch_size=64)
    return race


SPEEDS = {"usual": 100.0, "slow": 300.0, "near": 950.0, "best": 1000.0, "slowest": 50.0}


@pytest.mark.parametrize("mib", [1, 40, 300, 2048])
def test_the_best_is_measured_with_all_of_the_data_within_the_budget(mib: int) -> None:
    models = {name: line(0.0, speed) for name, speed in SPEEDS.items()}
    bench = SimulatedBench(models, data_of(mib), noise=0.02)
    race = raced(bench)
    times = {one.name: one.times() for one in race.runners}
    assert len(times["best"][mib * MIB]) >= 2
    assert bench.left_s > -1
    if mib < 2048:  # the usual one is so slow that there is no time for it
        assert len(times["usual"][mib * MIB]) >= 2


def test_who_is_better_only_with_much_data_is_not_dropped() -> None:
    """A fixed cost shows with little; the heat shows that it does not matter."""
    models = {"usual": line(0.0, 100), "at_first": line(0.0, 500), "later": line(0.02, 2000)}
    bench = SimulatedBench(models, data_of(500), noise=0.01)
    race = raced(bench)
    medians = {one.name: min(one.times().get(500 * MIB, [99.0])) for one in race.runners}
    assert min(medians, key=lambda name: medians[name]) == "later"


def test_with_little_data_one_look_does_not_choose_the_finalists() -> None:
    """Of many that look alike, every one is timed before most are left out."""
    models = {"usual": line(0.0, 300)} | {f"way_{n}": line(0.0, 900 + 20 * n) for n in range(9)}
    bench = SimulatedBench(models, data_of(3), noise=0.3)
    race = raced(bench)
    assert all(one.times() for one in race.runners)


def test_without_memory_for_two_rows_nothing_is_tried() -> None:
    bench = SimulatedBench({"usual": line(0.0, 500)}, Data((10, 256 * 1024 * 1024), "float32"))
    bench.task = TASKS["to-tensor"]
    with pytest.raises(UnableError, match=r"^2 rows of 1 GiB and what is made .* into 4 GiB of"):
        raced(bench, free_bytes=4 * 1024 * MIB)
    assert not bench.ran


def test_nor_for_a_batch() -> None:
    bench = SimulatedBench({"usual": line(0.0, 500)}, Data((100, 4 * MIB), "float32"))
    with pytest.raises(UnableError, match=r"^a batch of 64 rows of 16 MiB and .* into 2 GiB of"):
        raced(bench, free_bytes=2 * 1024 * MIB)
    assert not bench.ran
    raced(bench, free_bytes=3 * 1024 * MIB)
    assert {size for _, size, _ in bench.ran} == {65 * 16 * MIB}


def test_the_first_look_takes_fewer_rows_where_memory_is_little() -> None:
    bench = SimulatedBench({"usual": line(0.0, 500)}, data_of(64), task=TASKS["to-tensor"])
    raced(bench, free_bytes=4 * MIB)
    sizes = [2 * size <= 4 * MIB for _, size, kind in bench.ran if kind == "memory"]
    assert sizes
    assert all(sizes)


def test_what_is_filled_takes_memory_before_it_is_called() -> None:
    models = {"torch_tensor": line(0.0, 500), "reused_tensor": line(0.0, 1000)}
    task = TASKS["to-tensor"]
    race = raced(SimulatedBench(models, data_of(512), task=task), free_bytes=1024 * MIB)
    assert race.last_bytes == 256 * MIB  # and not 512, which with the tensor would be all there is


def test_what_would_not_fit_is_measured_with_less() -> None:
    models = {"usual": line(0.0, 500), "best": line(0.0, 1000)}
    bench = SimulatedBench(models, data_of(512), extra={"usual": 2.0, "best": 2.0})
    race = raced(bench, free_bytes=1024 * MIB)
    sizes = {size for _, size, _ in bench.ran}
    assert max(sizes) == race.last_bytes == 256 * MIB
    within = [size + 2 * size <= 1024 * MIB for size in sizes]
    assert all(within)


def test_what_fails_is_out_and_says_why() -> None:
    wrong = Outcome("wrong", "2 rows never came")
    models = {"usual": line(0.0, 500), "bad": line(0.0, 9000), "best": line(0.0, 1000)}
    race = raced(SimulatedBench(models, data_of(16), failing={"bad": wrong}))
    usual, bad, best = race.runners
    assert bad.failed == "wrong: 2 rows never came"
    assert not bad.readings
    assert usual.times()
    assert best.times()


def test_everything_may_fail() -> None:
    failing = {"usual": Outcome("error", "no"), "other": Outcome("oom", "none left")}
    models = dict.fromkeys(failing, line(0.0, 1))
    race = raced(SimulatedBench(models, data_of(16), failing=failing))
    assert [one.failed for one in race.runners] == ["error: no", "oom: none left"]


def test_how_often_the_best_is_found_and_what_is_lost_else() -> None:
    """Five rivals within 40%, and noise of 5%: what is chosen takes 5% more at most, nearly always.

    By the harness's own rule, the best is the one of the least mean.
    """
    speeds = {"usual": 300.0, "a": 1000.0, "b": 980.0, "c": 900.0, "d": 700.0}
    models = {name: line(0.001, speed) for name, speed in speeds.items()}
    lost = 0
    for seed in range(100):
        race = raced(SimulatedBench(models, data_of(120), noise=0.05, seed=seed))
        own = {one.name: one.times().get(120 * MIB) for one in race.runners}
        means = {name: sum(some) / len(some) for name, some in own.items() if some}
        lost += speeds[min(means, key=lambda name: means[name])] < 0.95 * 1000
    assert lost <= 10
    assert HEAT_BYTES < 120 * MIB


def test_a_slow_usual_one_is_told_of_from_less_data() -> None:
    models = {"usual": line(0.0, 20), "best": line(0.0, 2000)}
    race = raced(SimulatedBench(models, data_of(1024)))
    usual, best = race.runners
    assert max(best.times()) == 1024 * MIB
    assert max(usual.times()) < 1024 * MIB
    assert usual.note == "too slow to be measured with more"


def test_a_crash_with_much_data_leaves_what_is_known_of_little() -> None:
    bench = SimulatedBench({"usual": line(0.0, 500), "best": line(0.0, 1000)}, data_of(512))
    run = bench.run

    def crashing(
        crash_bytes: int, strategy: str, size: int, *rest: object, **named: object
    ) -> object:
        if strategy == "best" and size >= crash_bytes:
            bench.failing = {"best": Outcome("oom", "killed")}
        found = run(strategy, size, *rest, **named)  # type: ignore[arg-type]
        bench.failing = {}
        return found

    bench.run = partial(crashing, 512 * MIB)  # type: ignore[assignment]
    race = raced(bench)
    best = race.runners[1]
    assert not best.failed
    assert best.note == "oom with 512 MiB"
    assert best.times()
