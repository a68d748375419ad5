"""Verdicts on training from files: planted waits, steps and pages, and silence where it is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.analysis.files import cold_and_warm, varied
from harness.analysis.stalls import hidings, stall_text
from harness.analysis.sweep import Sweep
from harness.analysis.verdict import verdict
from harness.journal.read import read_journal
from harness.report.content.content import Content, content
from harness.schema.records import PlannedCase, Rss, Trial
from harness.stats.intervals import Interval
from tests.analysis.planted import Point, planned_at, sweep_at
from tests.journals import MIB, loaded, trained, trial
from tests.report.file_runs import (
    BATCHES,
    DATA,
    DISK,
    cache_of,
    feeding,
    feeding_run,
    ledger_of,
    usual,
)

Planted = Sequence[tuple[str, Point, Sequence[float], float]]
"""Strategy, point, what an epoch waits in each process, and what its steps take."""


def sweep_of(folder: Path, planted: Planted, data_bytes: int = DATA) -> Sweep:
    info = feeding()
    cases: list[PlannedCase] = []
    trials: list[Trial] = []
    for strategy, point, waits, step_s in planted:
        state = str(point["page_cache"])
        for number, wait_s in enumerate((1.0, *waits)):
            one = loaded(
                trial(len(cases), number, payload=DATA),
                wait_s,
                data_bytes=data_bytes,
                batches=BATCHES,
            )
            trials.append(replace(trained(one, step_s), page_cache=cache_of(state)))
        cases.append(planned_at(info, strategy, point))
    return sweep_at(folder, info, cases, trials)


def about(seconds: float) -> list[float]:
    return [seconds * 0.99, seconds, seconds * 1.01]


class TestStalls:
    """How long the training step stands still."""

    def test_the_best_is_told_beside_the_baseline(self, tmp_path: Path) -> None:
        # GIVEN steps that take 10 ms of an epoch, and waits of 30 and 1 ms
        planted = [
            ("loading", usual(), about(30e-3), 10e-3),
            ("ahead", usual(), about(1e-3), 10e-3),
            ("mapping", usual(), about(2e-3), 10e-3),
        ]
        text = verdict(sweep_of(tmp_path, planted)).text
        assert (
            "Training is stalled for 75% of an epoch with `loading`, for 9.1% (9–9.2%) "
            "with `ahead`." in text
        )

    def test_of_overlapping_stalls_the_baseline_s_is_told_alone(self, tmp_path: Path) -> None:
        planted = [
            ("loading", usual(), [20e-3, 30e-3, 40e-3], 10e-3),
            ("ahead", usual(), [15e-3, 25e-3, 21e-3], 10e-3),
        ]
        text = verdict(sweep_of(tmp_path, planted)).text
        assert "Training is stalled for 75% (67–80%) of an epoch with `loading`." in text

    def test_a_baseline_that_never_waits_is_told_alone(self, tmp_path: Path) -> None:
        planted = [(n, usual(), about(1e-3), 10e-3) for n in ("loading", "ahead")]
        text = verdict(sweep_of(tmp_path, planted)).text
        assert "of an epoch with `loading`." in text

    @pytest.mark.parametrize(
        ("interval", "text"),
        [
            (Interval(0.42, 0.4, 0.44, 0.75, 3), "42% (40–44%)"),
            (Interval(0.42, 0.421, 0.424, 0.75, 3), "42%"),
            (Interval(0.42, 0.1, 0.9, 0.0, 1), "42%"),
            (Interval(0.0123, 0.01, 0.02, 0.75, 3), "1.2% (1–2%)"),
            (Interval(0.0, 0.0, 0.0, 0.75, 3), "0%"),
        ],
    )
    def test_shares_have_no_more_digits_than_are_certain(
        self, interval: Interval, text: str
    ) -> None:
        assert stall_text(interval) == text


class TestHiding:
    """From which computing time on loading hides behind it."""

    def computing(self, ms: float, workers: int = 0) -> Point:
        return usual() | {"step": "compute", "compute_ms": ms, "num_workers": workers}

    def series(self, name: str, wait_s: float, workers: int = 0) -> Planted:
        return [
            (name, self.computing(ms, workers), about(wait_s), ms * 1e-3 * BATCHES)
            for ms in (0.1, 1.0, 10.0)
        ]

    def test_it_is_interpolated_where_a_loader_works_while_the_step_waits(
        self, tmp_path: Path
    ) -> None:
        # GIVEN waits w of an epoch, and so w / (w + c) of stall: 5% where c = 19 w
        sweep = sweep_of(tmp_path, [*self.series("loading", 9.6e-3), *self.series("ahead", 1e-3)])
        found = {one.strategy: one for one in hidings(sweep)}
        for name, wait_s in (("loading", 9.6e-3), ("ahead", 1e-3)):
            assert found[name].shape == "gains"
            assert found[name].value == pytest.approx(19 * wait_s * 1e3 / BATCHES, rel=0.02)
        told = verdict(sweep).text
        assert (
            "Loading hides behind computing (training is stalled for less than 5% of an epoch) "
            "from about 300 µs a batch on with `ahead` and from about 2.8 ms on with `loading`."
        ) in told or "from about 2.9 ms on with `loading`." in told

    def test_where_it_does_not_within_what_was_measured(self, tmp_path: Path) -> None:
        planted = [*self.series("loading", 1.0), *self.series("ahead", 0.9)]
        assert (
            "Loading does not hide behind computing (training is stalled for less than 5% of an "
            "epoch) within the 10 ms a batch measured with `loading`, `ahead`."
        ) in verdict(sweep_of(tmp_path, planted)).text

    def test_all_three_shapes_stand_in_one_sentence(self, tmp_path: Path) -> None:
        planted = [
            *self.series("loading", 1.0),
            *self.series("mapping", 10e-3),
            *self.series("ahead", 1e-4),
        ]
        text = verdict(sweep_of(tmp_path, planted)).text
        assert "with `mapping`; at every amount with `ahead`; not within the 10 ms a batch" in text

    def test_workers_are_told_apart(self, tmp_path: Path) -> None:
        planted = [*self.series("loading", 1.0), *self.series("loading", 1e-3, workers=2)]
        planted += [*self.series("ahead", 1.0)]
        found = {
            (one.strategy, one.workers): one.shape for one in hidings(sweep_of(tmp_path, planted))
        }
        assert found == {("loading", 0): "never", ("loading", 2): "gains", ("ahead", 0): "never"}
        assert "with `loading` (2 workers); not" in verdict(sweep_of(tmp_path, planted)).text

    def test_an_uncertain_point_between_leaves_but_the_range(self, tmp_path: Path) -> None:
        planted = [
            ("loading", self.computing(0.1), about(10e-3), 6.4e-3),
            ("loading", self.computing(1.0), [1e-3, 3e-3, 9e-3], 64e-3),
            ("loading", self.computing(10.0), about(10e-3), 640e-3),
            *self.series("ahead", 1.0),
        ]
        text = verdict(sweep_of(tmp_path, planted)).text
        assert "from somewhere between 100 µs and 10 ms a batch on with `loading`" in text

    def test_what_is_uncertain_throughout_is_not_spoken_of(self, tmp_path: Path) -> None:
        planted = [
            (name, self.computing(ms), [1e-4, 1e-3, 1.0], ms * 1e-3 * BATCHES)
            for name in ("loading", "ahead")
            for ms in (0.1, 1.0, 10.0)
        ]
        assert "behind computing" not in verdict(sweep_of(tmp_path, planted)).text


class TestParameters:
    """What the page cache, the order, the size and the dtype of samples cost."""

    def test_cold_is_told_against_warm_by_its_ends(self, tmp_path: Path) -> None:
        planted = [
            (name, usual() | {"page_cache": state}, about(wait_s), 1e-3)
            for name, warm_s, cold_s in (("loading", 9e-3, 19e-3), ("mapping", 9e-3, 99e-3))
            for state, wait_s in (("warm", warm_s), ("cold", cold_s))
        ]
        assert cold_and_warm(sweep_of(tmp_path, planted)) == (
            "from a cold page cache an epoch takes 2.0× (`loading`) to 10× (`mapping`) as long as "
            "from a warm one"
        )

    def test_the_disk_s_ceiling_stands_beside_it(self, tmp_path: Path) -> None:
        made = content(read_journal(feeding_run(tmp_path)))
        text = made.scenarios[0].verdict.text
        rate = DATA / (10e-3 + 51e-3)
        assert DISK[0].bytes_per_s == 1.5e9
        assert f"`ahead` reads {rate / 1e9:.3g} GB/s, {rate / 1.5e9:.0%} of what" in text

    def test_cold_epochs_that_overlap_with_warm_ones_are_not_spoken_of(
        self, tmp_path: Path
    ) -> None:
        planted = [
            ("loading", usual() | {"page_cache": state}, waits, 1e-3)
            for state, waits in (("warm", [9e-3, 10e-3, 20e-3]), ("cold", [19e-3, 30e-3, 40e-3]))
        ]
        planted += [("mapping", *one[1:]) for one in planted]
        assert cold_and_warm(sweep_of(tmp_path, planted)) == ""

    @pytest.mark.parametrize(
        ("name", "value", "waits", "text"),
        [
            (
                "access",
                "sequential",
                {"loading": 4.5e-3, "mapping": 2.8e-3},
                "compared with samples in shuffled order, those in sequential order are 1.73× "
                "(`loading`) to 2.5× (`mapping`) faster",
            ),
            (
                "access",
                "sequential",
                {"loading": 19e-3, "mapping": 4e-3},
                "compared with samples in shuffled order, those in sequential order take 2.1× "
                "(`loading`) as long and are 1.90× (`mapping`) faster",
            ),
            (
                "sample_bytes",
                1024,
                {"loading": 18e-3, "mapping": 18e-3},
                "compared with samples of 4 KiB, those of 1 KiB take 2.0× (`loading` and 1 more) "
                "as long a byte",
            ),
            ("dtype", "uint8", {"loading": 8.6e-3, "mapping": 8.5e-3}, ""),
        ],
    )
    def test_what_a_parameter_of_files_makes_of_samples(
        self, tmp_path: Path, name: str, value: str | int, waits: dict[str, float], text: str
    ) -> None:
        planted = [
            (strategy, point, wait, 1e-3)
            for strategy, seconds in waits.items()
            for point, wait in (
                (usual(), about(8.5e-3)),
                (usual() | {name: value}, about(seconds)),
            )
        ]
        assert varied(sweep_of(tmp_path, planted), name) == text

    def test_a_file_a_quarter_the_size_is_compared_by_its_values(self, tmp_path: Path) -> None:
        # GIVEN files of equal size, of which that of bytes has four times the samples, and an
        # epoch that takes twice as long
        made = content(read_journal(feeding_run(tmp_path)))
        text = made.scenarios[0].verdict.text
        assert "those kept as uint8 are 4.0× (`ahead` and 2 more) faster a value." in text


class TestPages:
    """What the growing RSS of a memmap is."""

    def told(self, folder: Path, peak: Rss) -> str:
        info = feeding()
        cases = [planned_at(info, name, usual()) for name in ("loading", "mapping")]
        trials: list[Trial] = []
        for index, memory in enumerate((Rss(anon_bytes=DATA), peak)):
            for number in range(4):
                one = trained(loaded(trial(index, number, payload=DATA), 10e-3), 1e-3)
                trials.append(replace(one, ledger=ledger_of(memory)))
        return verdict(sweep_at(folder, info, cases, trials)).text

    def test_file_pages_are_told_from_the_process_s_own_memory(self, tmp_path: Path) -> None:
        text = self.told(tmp_path, Rss(anon_bytes=3 * MIB, file_bytes=60 * MIB))
        assert (
            "The RSS of `mapping` grows by 63 MiB, of which 60 MiB are pages of the file, which "
            "the system can reclaim; its own memory grows by 3 MiB." in text
        )

    @pytest.mark.parametrize(
        "peak", [Rss(60 * MIB, 60 * MIB - 1), Rss(0, 3 * MIB)], ids=["half", "little"]
    )
    def test_where_they_are_not_most_of_it_nothing_is_said(self, tmp_path: Path, peak: Rss) -> None:
        assert "RSS" not in self.told(tmp_path, peak)


def test_intervals_that_overlap_leave_few_words(tmp_path: Path) -> None:
    # GIVEN the same run with processes that vary by half
    made: Content = content(read_journal(feeding_run(tmp_path, spread=0.9)))
    text = made.scenarios[0].verdict.text
    for word in (
        "shuffled order",
        "`mapping`) as long as from a warm one",
    ):
        assert word not in text, word
    assert "nan" not in text
