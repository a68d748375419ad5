"""What decides, against noise that was made: rates in small, and that the experiments run."""

from __future__ import annotations

import pytest

from harness.run.runner import default_effort
from harness.selfcheck import contest_errors, memory_false_alarms, time_false_alarms
from harness.selfcheck.history_false_alarms import (
    SERIES,
    counted_among_others,
    doubts_of_memory,
    doubts_of_times,
    suites_with_false_changes,
)
from harness.selfcheck.memory_false_alarms import NOTHING, PLANTS, WAYS, counts
from harness.selfcheck.simulated_noise import MEMORY_NOISE, NOISE_KINDS


@pytest.mark.parametrize("noise", MEMORY_NOISE)
def test_pairs_raise_no_alarm_whatever_the_noise(noise: str) -> None:
    """Of 15 suites a seventh of one is expected at most."""
    assert counts("in pairs (ab)", MEMORY_NOISE[noise], NOTHING, 15)[1].found == 0


@pytest.mark.parametrize("noise", ["stray pages", "two modes, by chance", "70% carries over"])
def test_a_baseline_raises_none_where_processes_do_not_take_after_each_other(noise: str) -> None:
    assert counts("against a baseline", MEMORY_NOISE[noise], NOTHING, 15)[1].found == 0


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("plant", PLANTS)
def test_what_is_planted_is_found_where_memory_hardly_varies(way: str, plant: str) -> None:
    found, false = counts(way, MEMORY_NOISE["stray pages"], PLANTS[plant], 2)
    assert (found.found, false.found) == (2, 0)


@pytest.mark.parametrize("way", WAYS)
def test_a_leak_is_found_where_the_peak_sways_below_the_data(way: str) -> None:
    """What is left does not sway: no simulated ledger may contradict itself."""
    found, _ = counts(way, MEMORY_NOISE["70% carries over"], PLANTS["1 MiB leaked"], 2)
    assert found.found == 2


def test_many_series_of_a_wandering_machine_are_hardly_ever_called_changed() -> None:
    doubts = doubts_of_times(NOISE_KINDS["wandering"], 12, 300)
    assert sum(doubt < 0.05 for doubt in doubts) > 3  # series by themselves
    assert suites_with_false_changes(doubts, 100).found <= 50


def test_one_change_among_many_series_counts() -> None:
    plain = NOISE_KINDS["plain"]
    same, changed = (doubts_of_times(plain, 30, 60, step) for step in (0.0, 0.25))
    assert counted_among_others(changed, same, 1, 40) > 0.9
    pages = MEMORY_NOISE["stray pages"]
    same, changed = (doubts_of_memory(pages, 30, 4, 60, step) for step in (0.0, 1.0))
    assert counted_among_others(changed, same, 1, 40) > 0.7
    assert suites_with_false_changes(same, 10).found == 0
    assert SERIES == 100


@pytest.mark.parametrize("runs", [8, 12])
def test_the_luck_of_runs_is_no_change_in_however_many_processes(runs: int) -> None:
    luck = MEMORY_NOISE["two modes, by chance"]
    doubts = doubts_of_memory(luck, runs, 8, 300, shared=True)
    assert suites_with_false_changes(doubts, 100).found == 0


@pytest.mark.parametrize("noise", ["spikes", "two layouts"])
def test_sweeps_name_no_winner_of_equals_and_end_within_their_time(noise: str) -> None:
    effort = default_effort("quick")
    assert effort.contests is not None
    found = contest_errors.sweeps(noise, 2, effort)
    assert (found.false_winners.found, found.false_levels.found) == (0, 0)
    assert found.ended.found > found.ended.of / 4
    assert 0 < found.seconds <= effort.contests.extra_share


def test_the_experiments_print_a_row_for_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    contest_errors.main(["--sweeps", "1", "--noise", "uneven"])
    memory_false_alarms.main(["--suites", "1", "--planted", "1"])
    time_false_alarms.main(["--comparisons", "1"])
    said = capsys.readouterr().out
    assert said.count("two modes that last") == len(WAYS)
    assert said.count("Simulated, 24 cases") == 1 + len(WAYS)
