"""Verdicts on loaders: per sample, with workers, and on their process trees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.analysis.verdict import Verdict, verdict
from harness.schema.description import ScenarioInfo
from harness.schema.records import Outcome, PlannedCase, Trial, Value
from tests.analysis.planted import Point, planned_at, sweep_at, timed_sweep, tree_sweep
from tests.journals import MIB, loaded, parameter, scenario, strategy, trial

ABLE = ("num_workers", "start_method")
WORKERS = {
    "num_workers": parameter(0, 0, 2, 4),
    "start_method": parameter("fork", "fork", "spawn", beside={"num_workers": 2}),
}


def loaders(*strategies: str, **more: object) -> ScenarioInfo:
    every = tuple(strategy(name, names=ABLE) for name in strategies or ("base", "other"))
    return replace(scenario(every, WORKERS), epochs=True, **more)  # type: ignore[arg-type]


def point(workers: int = 0, method: str = "fork") -> Point:
    return {"num_workers": workers, "start_method": method}


def test_times_of_loaders_are_told_per_sample(tmp_path: Path) -> None:
    times = [("base", point(), [4.096e-3] * 3), ("other", point(), [1.024e-3] * 3)]
    text = verdict(timed_sweep(tmp_path, loaders(), times)).text
    assert text.startswith("`base` takes 4 µs a sample and 1.00× the data in extra memory.")
    assert "`other` is the fastest: 4.0× faster than `base`" in text


class TestWorkers:
    """What is said of worker processes."""

    @pytest.mark.parametrize(
        ("two", "four", "said"),
        [
            (
                [40e-3, 41e-3, 42e-3],
                [80e-3] * 3,
                "With 2 or 4 workers an epoch of `base` takes 4.1× to 8.0× as long as in the "
                "process itself",
            ),
            (
                [40e-3] * 3,
                [5e-3] * 3,
                "With 2 workers an epoch of `base` takes 4.0× as long as in the process itself; "
                "with 4 workers it is 2.0× faster than in the process itself",
            ),
            (  # not certain of two, for its times overlap those without workers
                [9.9e-3, 11e-3, 30e-3],
                [5e-3] * 3,
                "With 4 workers an epoch of `base` is 2.0× faster",
            ),
            ([9e-3, 10e-3, 11e-3], [10e-3] * 3, ""),
        ],
        ids=["slower", "both", "one", "none"],
    )
    def test_only_what_is_certain(
        self, tmp_path: Path, two: list[float], four: list[float], said: str
    ) -> None:
        times = [
            (name, point(workers), seconds)
            for workers, seconds in ((0, [10e-3] * 3), (2, two), (4, four))
            for name in ("base", "other")
        ]
        text = verdict(timed_sweep(tmp_path, loaders(), times)).text
        assert said in text
        if not said:
            assert "in the process itself" not in text

    def test_a_baseline_that_takes_no_workers_is_not_what_is_told(self, tmp_path: Path) -> None:
        info = loaders()
        info = replace(info, strategies=(strategy("base", names=("other",)), info.strategies[1]))
        times: list[tuple[str, Point, list[float]]] = []
        for workers, seconds in ((0, 10e-3), (2, 40e-3)):
            times.append(("base", point(workers), [1e-3] * 3))
            times.append(("other", point(workers), [seconds] * 3))
        assert (
            "an epoch of `other` takes 4.0× as long"
            in verdict(timed_sweep(tmp_path, info, times)).text
        )

    def test_the_wait_for_the_first_batch_is_told_by_start_method(self, tmp_path: Path) -> None:
        info = loaders()
        starts = {"fork": 10e-3, "spawn": 1.0}
        cases: list[PlannedCase] = []
        trials: list[Trial] = []
        for name in ("base", "other"):
            for workers, method in ((0, "fork"), (2, "fork"), (2, "spawn")):
                start_s = starts[method] if workers else 0.0
                trials += [
                    loaded(trial(len(cases), n), 1e-3 + start_s, start_s=start_s, build_s=0.0)
                    for n in range(4)
                ]
                cases.append(planned_at(info, name, point(workers, method)))
        text = verdict(sweep_at(tmp_path, info, cases, trials)).text
        assert "and the first batch comes after 9.2 ms instead of 200 µs" in text
        assert (
            "The first batch of `base` with 2 workers comes after 9.2 ms with fork and 900 ms with "
            "spawn." in text
        )


class TestMemory:
    """Scenarios whose strategies are compared by the memory of their process tree."""

    DATA = 64 * MIB
    POINT: Point = point(2) | {"passes": 3}

    def info(self) -> ScenarioInfo:
        parameters = WORKERS | {"passes": parameter(3, 1, 3), "num_workers": parameter(2)}
        every = tuple(strategy(name, names=ABLE) for name in ("base", "other", "third"))
        return replace(scenario(every, parameters), epochs=True, weighs="memory")

    def told(self, tmp_path: Path, **multiples: float) -> Verdict:
        grown = [(n, self.POINT, round(m * self.DATA)) for n, m in multiples.items()]
        return verdict(tree_sweep(tmp_path, self.info(), grown, self.DATA))

    def test_the_leanest_and_the_fattest_are_told_with_what_rss_would_say(
        self, tmp_path: Path
    ) -> None:
        found = self.told(tmp_path, base=6.3, other=1.0, third=3.0)
        assert found.sentences == (
            "With 2 forked workers after 3 passes, `other` grows the whole process tree by 1.00× "
            "the data, `base` by 6.30×; adding up RSS would give 3.00× and 18.90×.",
            "If you need your own copy, `other` needs the least memory: 2.00× the data less than "
            "`third`.",
        )
        assert found.rankings[0].winner is not None

    @pytest.mark.parametrize("other", [1.04, 1.06], ids=["within 5%", "within 4 MiB"])
    def test_what_lies_close_has_no_winner(self, tmp_path: Path, other: float) -> None:
        found = self.told(tmp_path, base=6.3, other=1.0, third=other)
        assert found.rankings[0].winner is None
        assert "`other`, `third` need about the same memory, the least" in found.text

    def test_a_faster_one_wins_nothing(self, tmp_path: Path) -> None:
        found = self.told(tmp_path, base=1.0, other=3.0)
        assert found.rankings[0].winner is not None
        assert found.rankings[0].winner.strategy == "base"
        assert "faster" not in found.text

    def test_what_makes_it_grow_is_told_where_it_does(self, tmp_path: Path) -> None:
        changed: tuple[tuple[dict[str, Value], float], ...] = (
            ({}, 6.0),
            ({"start_method": "spawn"}, 9.0),
            ({"passes": 1}, 2.0),
        )
        grown = [
            (name, self.POINT | change, round((times if name == "base" else 1.0) * self.DATA))
            for name in ("base", "other")
            for change, times in changed
        ]
        text = verdict(tree_sweep(tmp_path, self.info(), grown, self.DATA)).text
        assert "With fork `base` grows the tree by 6.00×, with spawn by 9.00×." in text
        assert "After 1 pass `base` grows the tree by 2.00×, after 3 passes by 6.00×." in text


class TestPublished:
    """Strategies kept as they were printed."""

    def info(self) -> ScenarioInfo:
        info = loaders()
        printed = strategy("printed", names=ABLE, published="An article")
        return replace(info, strategies=(*info.strategies, printed))

    def told(self, tmp_path: Path, workers: int, outcome: Outcome) -> str:
        info = self.info()
        cases = [planned_at(info, "base", point()), planned_at(info, "printed", point())]
        trials = [loaded(trial(i, n), 1e-3) for i in (0, 1) for n in range(4)]
        if workers:
            cases += [planned_at(info, name, point(workers)) for name in ("base", "printed")]
            trials += [trial(3, 0, outcome=outcome)]
        else:
            trials = [*trials[:4], trial(1, 0, outcome=outcome)]
        return verdict(sweep_at(tmp_path, info, cases, trials)).text

    def test_how_it_fails_is_told_apart_from_what_cannot_be_used(self, tmp_path: Path) -> None:
        text = self.told(tmp_path, 0, Outcome("error", "RuntimeError: `pin`"))
        assert "As published, `printed` fails: RuntimeError: 'pin'." in text
        assert "Not usable" not in text

    def test_a_failure_in_one_setting_names_it(self, tmp_path: Path) -> None:
        text = self.told(tmp_path, 2, Outcome("wrong", "row 3 came 2 times"))
        assert (
            "As published, `printed` gives a wrong result with num_workers=2: row 3 came 2 times."
            in text
        )

    def test_one_that_works_is_not_spoken_of(self, tmp_path: Path) -> None:
        assert "published" not in self.told(tmp_path, 2, Outcome("ok"))

    def test_long_reasons_are_cut(self, tmp_path: Path) -> None:
        text = self.told(tmp_path, 0, Outcome("error", "x" * 300))
        assert f"{'x' * 120}…." in text
        assert "x" * 121 not in text
