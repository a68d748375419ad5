"""Verdicts on planted numbers: a winner where there is one, and only there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.analysis.sweep import Sweep, sweep
from harness.analysis.verdict import Verdict, verdict
from harness.analysis.wording import comparison, factor
from harness.cases.summaries import summaries
from harness.journal.read import read_journal
from harness.schema.description import ScenarioInfo, StrategyInfo, Variant
from harness.schema.records import Case, Outcome, PlannedCase, Rss, Trial
from harness.stats.intervals import Interval
from tests.journals import MIB, case, parameter, planned, scenario, strategy, trial, write_run

BASE, OTHER, THIRD = strategy("base"), strategy("other"), strategy("third")
SHARE = strategy("view", group="share", shares=True)


def sweep_of(
    tmp_path: Path,
    cases: Sequence[PlannedCase],
    trials: Sequence[Trial],
    info: ScenarioInfo | None = None,
    end: str = "complete",
) -> Sweep:
    info = info or scenario((BASE, OTHER, THIRD))
    path = write_run(tmp_path / "run.jsonl", cases, trials, infos=[info], end=end)
    run = read_journal(path)
    return sweep(info, summaries(run))


def answered(
    tmp_path: Path, times: Mapping[str, Sequence[float]], info: ScenarioInfo | None = None
) -> Verdict:
    """The verdict on strategies whose processes took these times, one a round, at 1 MiB."""
    cases = [planned(name, baseline=name == "base") for name in times]
    trials = [
        trial(index, number, seconds)
        for index, values in enumerate(times.values())
        for number, seconds in enumerate((1.0, *values))
    ]
    return verdict(sweep_of(tmp_path, cases, trials, info))


def test_a_planted_winner_is_named_with_its_gain(tmp_path: Path) -> None:
    found = answered(tmp_path, {"base": [40e-3, 41e-3, 42e-3], "other": [10e-3, 10.2e-3, 10.4e-3]})
    assert "`other` is the fastest: 4.0× faster than `base`" in found.text
    (ranking,) = found.rankings
    assert ranking.winner is not None
    assert ranking.winner.strategy == "other"


def test_a_planted_tie_has_no_winner(tmp_path: Path) -> None:
    found = answered(
        tmp_path,
        {
            "base": [40e-3, 41e-3, 42e-3],
            "other": [10e-3, 10.5e-3, 11e-3],
            "third": [10.9e-3, 10.1e-3, 10.6e-3],
        },
    )
    assert "it is undecided among `other`, `third`; about " in found.text
    again = "ferrybench run moving/other moving/third --quick --scenarios moving.py --size 1MiB"
    assert f"`{again} --trials " in found.text
    assert "; even the slowest of them is 3.9× faster than `base`." in found.text
    assert found.rankings[0].winner is None


@pytest.mark.parametrize("rounds", [3, 12])
def test_a_difference_below_the_harness_s_own_accuracy_makes_no_winner(
    tmp_path: Path, rounds: int
) -> None:
    # GIVEN times that are surely apart, but by one percent
    times = {"base": [10.1e-3] * rounds, "other": [10e-3] * rounds}
    found = answered(tmp_path, times)
    (ranking,) = found.rankings
    assert ranking.winner is None
    assert ranking.word == ("level" if rounds > 3 else "undecided")
    level = "any of `other` or `base` will do, level within 5%" in found.text
    assert level == (rounds > 3)


def test_what_needs_least_memory_is_named_of_those_that_are_level(tmp_path: Path) -> None:
    cases = [planned("base", baseline=True), planned("other")]
    big = Rss(anon_bytes=3 * MIB)
    trials = [trial(0, number, peak=big) for number in range(13)]
    trials += [trial(1, number) for number in range(13)]
    found = verdict(sweep_of(tmp_path, cases, trials))
    assert "level within 5%, of which `other` needs least memory" in found.text


def test_a_drifting_machine_does_not_hide_a_winner(tmp_path: Path) -> None:
    # GIVEN times that overlap because every round is three times slower than the one before
    found = answered(tmp_path, {"base": [1e-3, 3e-3, 9e-3], "other": [0.5e-3, 1.5e-3, 4.5e-3]})
    # THEN the paired ratios still tell
    assert "`other` is the fastest: 2.0× faster than `base`" in found.text


def test_the_baseline_may_win(tmp_path: Path) -> None:
    found = answered(tmp_path, {"base": [1e-3] * 3, "other": [2e-3] * 3})
    assert "`base` itself is the fastest: 2.0× (1.93× to 2.1×) faster than `other`" in found.text


@pytest.mark.parametrize("processes", [1, 2])
def test_too_few_processes_name_no_winner(tmp_path: Path, processes: int) -> None:
    found = answered(tmp_path, {"base": [4e-3] * processes, "other": [1e-3] * processes})
    assert "too few processes were timed" in found.text
    assert found.rankings[0].winner is None


def test_groups_do_not_compete_with_each_other(tmp_path: Path) -> None:
    info = scenario((BASE, OTHER, strategy("kept", group="reuse")))
    found = answered(tmp_path, {"base": [4e-3] * 3, "other": [2e-3] * 3, "kept": [1e-3] * 3}, info)
    winners = {
        ranking.group: ranking.winner.strategy for ranking in found.rankings if ranking.winner
    }
    assert winners == {"copy": "other", "reuse": "kept"}
    assert (
        "If the data may go into memory you keep, `kept` takes 1 ms and 1.00× the data in extra "
        "memory: 4.0× faster than `base`." in found.text
    )


@pytest.mark.parametrize(
    ("second_s", "flat"), [(2e-6, True), (5e-6, False)], ids=["level", "growing"]
)
def test_whatever_the_size_is_said_only_of_what_is_level(
    tmp_path: Path, second_s: float, flat: bool
) -> None:
    info = scenario((BASE, SHARE))
    cases, trials = [], []
    for size, seconds in ((MIB, 1.8e-6), (64 * MIB, second_s)):
        for name in ("base", "view"):
            cases.append(planned(name, size, baseline=name == "base"))
            shares = name == "view"
            trials += [
                trial(
                    len(cases) - 1,
                    number,
                    seconds if shares else 41e-3,
                    payload=size,
                    peak=Rss() if shares else None,
                    shares=shares,
                )
                for number in range(4)
            ]
    text = verdict(sweep_of(tmp_path, cases, trials, info)).text
    assert text.startswith("At 64 MiB, sharing the memory (`view`) takes")
    assert "and no extra memory" in text
    assert "`base` copies: 41 ms and 1.00× the data in extra memory." in text
    assert (", whatever the size" in text) is flat


def test_one_strategy_is_described_and_wins_nothing(tmp_path: Path) -> None:
    found = answered(tmp_path, {"base": [4e-3] * 3})
    assert found.text == "At 1 MiB, `base` takes 4 ms and 1.00× the data in extra memory."


def test_a_failed_baseline_is_said_and_nothing_compared_with_it(tmp_path: Path) -> None:
    cases = [planned("base", baseline=True), planned("other")]
    trials = [trial(0, 0, outcome=Outcome("oom", "no memory"))]
    trials += [trial(1, number) for number in range(4)]
    text = verdict(sweep_of(tmp_path, cases, trials)).text
    assert "the baseline `base` was not measured (oom: no memory)" in text
    assert "faster" not in text
    assert "Not usable here: `base` (oom)." in text


def test_a_wrong_answer_is_no_time(tmp_path: Path) -> None:
    cases = [planned("base", baseline=True), planned("other")]
    trials = [trial(0, number) for number in range(4)]
    trials += [trial(1, number, 1e-9, outcome=Outcome("wrong", "value 3")) for number in range(4)]
    found = verdict(sweep_of(tmp_path, cases, trials))
    assert "Not usable here: `other` (wrong)." in found.text
    assert [row.strategy for ranking in found.rankings for row in ranking.rows] == ["base"]


@pytest.mark.parametrize(("end", "words"), [("budget", "budget was used up"), ("", "cut off")])
def test_when_nothing_was_reached_the_reason_is_given(tmp_path: Path, end: str, words: str) -> None:
    cases = [planned("base", baseline=True), planned("other")]
    found = verdict(sweep_of(tmp_path, cases, [], end=end))
    assert "all 2 cases ended as skipped: not reached" in found.text
    assert words in found.text
    assert found.rankings == ()


def test_when_all_failed_the_commonest_reason_is_given(tmp_path: Path) -> None:
    cases = [planned("base", baseline=True), planned("other"), planned("third")]
    reasons = ("no disk", "no memory", "no memory")
    trials = [trial(i, 0, outcome=Outcome("error", why)) for i, why in enumerate(reasons)]
    text = verdict(sweep_of(tmp_path, cases, trials)).text
    assert "2 of 3 cases ended as error: no memory." in text


def test_nothing_planned_is_said(tmp_path: Path) -> None:
    assert verdict(sweep_of(tmp_path, [], [])).text == "Nothing was planned."


def test_a_scenario_without_sizes_or_groups_gets_a_verdict_too(tmp_path: Path) -> None:
    plain = [replace(one, group="") for one in (BASE, OTHER)]
    info = scenario(plain, {"batch": parameter(32)})
    cases = [
        PlannedCase(Case("moving", name, {"batch": 32}), baseline=name == "base")
        for name in ("base", "other")
    ]
    trials = [trial(i, n, (4e-3, 1e-3)[i]) for i in (0, 1) for n in range(4)]
    found = verdict(sweep_of(tmp_path, cases, trials, info))
    assert found.size_bytes is None
    assert found.sentences[0].startswith("`base` takes 4 ms")
    assert "Of all, `other` is the fastest: 4.0× faster than `base`." in found.text


def test_an_environment_variable_that_helps_the_baseline_is_named(tmp_path: Path) -> None:
    info = replace(scenario((BASE,)), variants=(Variant("huge", {"PAGES": "1"}, ("base",), ""),))
    cases = [planned("base", baseline=True), PlannedCase(case("base", host="huge"))]
    trials = [trial(i, n, (4e-3, 1e-3)[i]) for i in (0, 1) for n in range(4)]
    text = verdict(sweep_of(tmp_path, cases, trials, info)).text
    assert "With `PAGES=1` in the environment, `base` is 4.0× faster." in text


def test_much_leaner_than_the_winner_is_noticed(tmp_path: Path) -> None:
    cases = [planned("base", baseline=True), planned("other", copies=3)]
    trials = [trial(0, number, 4e-3, payload=MIB) for number in range(4)]
    big = Rss(anon_bytes=3 * MIB)
    trials += [trial(1, number, 1e-3, payload=MIB, peak=big) for number in range(4)]
    (ranking,) = verdict(sweep_of(tmp_path, cases, trials)).rankings
    assert ranking.winner is not None
    assert ranking.winner.strategy == "other"
    assert ranking.leanest is not None
    assert ranking.leanest.strategy == "base"


class TestSweep:
    """Which cases one table compares."""

    def test_the_reference_is_the_largest_size_up_to_64_mib(self, tmp_path: Path) -> None:
        sizes = (MIB, 64 * MIB, 256 * MIB)
        cases = [planned("base", size, baseline=True) for size in sizes]
        trials = [trial(i, n) for i in range(3) for n in range(4)]
        assert sweep_of(tmp_path, cases, trials).reference == 64 * MIB

    def test_a_size_the_baseline_did_not_survive_is_no_reference(self, tmp_path: Path) -> None:
        cases = [planned("base", size, baseline=True) for size in (MIB, 4 * MIB)]
        trials = [trial(0, n) for n in range(4)] + [trial(1, 0, outcome=Outcome("oom", "no"))]
        assert sweep_of(tmp_path, cases, trials).reference == MIB

    @pytest.mark.parametrize(
        ("at", "dtypes", "main"),
        [
            ({}, ("f4", "f8"), "f4"),  # the default, when it was measured
            ({"dtype": "f8"}, ("f4", "f8"), "f8"),  # the strategy's own before the default
            ({}, ("f2", "f8"), "f2"),  # else what was asked for first
        ],
    )
    def test_parameters_stand_at_their_usual_values(
        self, tmp_path: Path, at: dict[str, str], dtypes: tuple[str, ...], main: str
    ) -> None:
        special: StrategyInfo = strategy("other", at=at)
        info = scenario((BASE, special), {"size": parameter(MIB), "dtype": parameter("f4")})
        cases = [PlannedCase(case("other", dtype=dtype)) for dtype in dtypes]
        found = sweep_of(tmp_path, cases, [], info)
        assert [row.parameters["dtype"] for row in found.main] == [main]
        assert len(found.others) == len(dtypes) - 1


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (1.234, "1.23×"),
        (2.345, "2.3×"),
        (12.34, "12×"),
        (123.4, "120×"),
        (42_566.0, "43\u202f000×"),
    ],
)
def test_factors_have_no_more_digits_than_are_certain(ratio: float, text: str) -> None:
    assert factor(ratio) == text


@pytest.mark.parametrize(
    ("low", "median", "high", "text"),
    [
        (0.24, 0.25, 0.26, "4.0× faster"),
        (3.9, 4.0, 4.1, "4.0× slower"),
        (0.24, 0.5, 1.1, ""),
        (0.97, 0.98, 0.99, ""),
        (float("nan"), float("nan"), float("nan"), ""),
    ],
)
def test_comparisons_need_the_whole_interval(
    low: float, median: float, high: float, text: str
) -> None:
    assert comparison(Interval(median, low, high, 0.75, 3)) == text
