"""Tunings from beginning to end, on simulated loaders whose best setting is known."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from torch.utils.data import DataLoader

from harness.errors import UsageError
from harness.host.host import Report
from harness.schema.loader import LoaderData, LoaderRequest, LoaderSetting
from harness.schema.request import Observed, TaskRequest
from harness.tuning import as_json
from harness.tuning.as_text import cause, text, verdict_line
from harness.tuning.bench import LEAST_WAVES, Bench, counted, skipped
from harness.tuning.goal import Goal
from harness.tuning.memory import Peaks
from harness.tuning.ratios import Ratio
from harness.tuning.result import Tuning
from harness.tuning.session import Session
from tests.some import some
from tests.tuning.simulated import DATA, MIB, Simulated, even, shared_out


def tuned(simulated: Simulated, *, memory: int | None = None, step_ms: float = 2.0) -> Tuning:
    goal = Goal(60.0, memory, step_ms, step_ms > 0)
    bench = Bench(simulated, LoaderRequest(step_ms=step_ms), "train.py:make", time.monotonic() + 60)
    return Session(bench, goal, 2, lambda text: None).tune()


def test_the_faster_setting_is_found_and_confirmed() -> None:
    found = tuned(Simulated(shared_out, noise=0.02))
    assert found.word == "faster"
    assert found.chosen is not None
    assert found.chosen.num_workers == 4
    assert found.confirmed is not None
    assert found.confirmed.ratio.low <= 0.21 / 1.0 <= found.confirmed.ratio.high * 1.02
    assert "num_workers=4 instead of 0" in verdict_line(found)
    assert "paste  DataLoader(…, num_workers=4" in text(found)


@pytest.mark.parametrize("seed", range(20))
def test_equal_settings_are_never_called_faster(seed: int) -> None:
    found = tuned(Simulated(even, noise=0.05, seed=seed))
    assert found.word in ("keep", "undecided", "lighter")


def test_it_stops_where_nothing_can_be_won() -> None:
    simulated = Simulated(even, noise=0.01, step_s=0.010)
    found = tuned(simulated)
    assert found.word == "stop"
    assert found.tried == ()
    assert not any(one.setting and one.setting.num_workers for one in simulated.asked)
    assert "stop here" in verdict_line(found)


def test_a_loader_that_is_none_of_torchs_is_not_searched() -> None:
    found = tuned(Simulated(even, own=None))
    assert found.word == "no search"
    assert found.chosen is None


def test_no_trial_exceeds_the_limit() -> None:
    simulated = Simulated(shared_out, noise=0.01)
    limit = 450 * MIB
    found = tuned(simulated, memory=limit)
    for request in some(simulated.asked):
        assert simulated.memory(request.setting or LoaderSetting(0)).peak_bytes <= limit
    assert found.word == "faster"
    assert found.chosen is not None
    assert found.chosen.num_workers == 4
    assert 8 in {one.num_workers for one in found.refused}


def test_a_setting_of_the_users_beyond_the_limit_is_not_run() -> None:
    own = LoaderSetting(8, 2)
    simulated = Simulated(shared_out, own=own)
    found = tuned(simulated, memory=300 * MIB)
    assert all(one.setting is not None and one.setting != own for one in some(simulated.asked))
    assert found.word == "fits"
    assert found.chosen is not None
    assert simulated.memory(found.chosen).peak_bytes <= 300 * MIB
    assert "does not fit into 300 MiB" in verdict_line(found)


def test_a_limit_below_the_smallest_setting_is_refused() -> None:
    with pytest.raises(UsageError, match="without any worker, more than --memory"):
        tuned(Simulated(), memory=100 * MIB)


def test_a_prediction_is_near_what_is_seen() -> None:
    simulated = Simulated(shared_out, own=LoaderSetting(4, 2))
    found = tuned(simulated, memory=4096 * MIB)
    for setting, predicted in some(found.predicted.items()):
        if setting.num_workers > 1:  # before any worker was seen, it is a bound
            assert predicted == pytest.approx(simulated.memory(setting).peak_bytes, rel=0.1)


@dataclass
class Unreadable(Simulated):
    """The memory of workers cannot be read."""

    def call(self, request: TaskRequest, timeout_s: float, *, observe: Observed = "") -> Report:
        report = super().call(request, timeout_s, observe=observe)
        assert isinstance(request, LoaderRequest)
        assert report.answer is not None
        if request.setting is not None and request.setting.num_workers:
            report.answer["memory"] = None
        return report


def test_what_nobody_could_read_is_not_within_a_limit() -> None:
    simulated = Unreadable(shared_out)
    found = tuned(simulated, memory=4096 * MIB)
    assert any(one.setting and one.setting.num_workers for one in simulated.asked)
    assert found.word == "keep"
    assert "keep your setting; no other could be timed" in verdict_line(found)
    assert "not used, for its peak could not be read: num_workers=1" in text(found)


def test_a_peak_above_the_limit_is_told() -> None:
    limit = 450 * MIB
    found = tuned(Simulated(shared_out), memory=limit)
    assert found.chosen is not None
    assert "--memory" not in text(found)
    higher = replace(found.memory[found.chosen], peak_bytes=limit + MIB)
    beyond = text(replace(found, memory={**found.memory, found.chosen: higher}))
    assert "it does not keep to --memory: it took 451 MiB in a trial" in beyond
    unread = {one: memory for one, memory in found.memory.items() if one != found.chosen}
    assert "whether it keeps to --memory is not known" in text(replace(found, memory=unread))


@pytest.mark.parametrize(
    ("predicted_mib", "said"),
    [(None, "is not known to fit into"), (290, "may not fit into"), (310, "does not fit into")],
)
def test_a_predicted_peak_is_no_seen_one(predicted_mib: int | None, said: str) -> None:
    own = LoaderSetting(8, 2)
    found = tuned(Simulated(shared_out, own=own), memory=300 * MIB)
    predicted = None if predicted_mib is None else predicted_mib * MIB
    assert f"your setting {said} 300 MiB" in verdict_line(replace(found, refused={own: predicted}))


def test_batches_that_cannot_be_sized_are_not_made_further_ahead_unseen() -> None:
    peaks = Peaks(1024 * MIB)
    memory = Simulated().memory
    for setting in (LoaderSetting(0), LoaderSetting(1, 2)):
        peaks.note(setting, memory(setting))
    assert peaks.allows(LoaderSetting(2, 2))
    assert not peaks.allows(LoaderSetting(1, 4))
    assert peaks.refused == {LoaderSetting(1, 4): None}


def test_fewer_workers_that_are_as_fast_are_lighter() -> None:
    def enough(setting: LoaderSetting) -> float:
        return 0.005 if setting.num_workers >= 2 else 0.010

    found = tuned(Simulated(enough, own=LoaderSetting(4, 2), noise=0.005))
    assert found.word == "lighter"
    assert found.chosen is not None
    assert found.chosen.num_workers == 2
    assert "less memory" in verdict_line(found)


@pytest.mark.parametrize(("advantage", "workers"), [(0.01, 2), (0.15, 4)])
def test_the_cheapest_within_the_noise_is_taken(advantage: float, workers: int) -> None:
    def model(setting: LoaderSetting) -> float:
        if setting.num_workers < 2:
            return 0.010
        return 0.005 * (1 - advantage * (setting.num_workers >= 4))

    found = tuned(Simulated(model, noise=0.005))
    assert found.word == "faster"
    assert found.chosen is not None
    assert found.chosen.num_workers == workers


def test_a_faster_setting_with_other_data_is_not_recommended() -> None:
    doubled = LoaderData(("a", "a", "b", "b"), ("1", "1", "2", "2", "3", "3"), (), ended=True)
    simulated = Simulated(
        shared_out,
        data=lambda setting: doubled if setting.num_workers else replace(DATA, indices=()),
    )
    found = tuned(simulated)
    assert found.word == "keep"
    assert found.rejected
    assert "keep your setting; what looked faster gives other data" in verdict_line(found)
    assert "come in addition" in text(found)


def test_after_one_with_other_data_the_next_is_looked_at() -> None:
    own, further = LoaderSetting(4, 2), LoaderSetting(4, 4)
    staying = replace(own, persistent_workers=True)
    times = {own: 0.010, further: 0.003, staying: 0.005}
    fewer = replace(DATA, batches=("a",), samples=("1",))
    simulated = Simulated(
        lambda setting: times.get(setting, 0.020),
        own=own,
        noise=0.005,
        data=lambda setting: fewer if setting == further else DATA,
    )
    found = tuned(simulated)
    assert set(found.rejected) == {further}
    assert (found.word, found.chosen) == ("faster", staying)


@pytest.mark.parametrize(("share", "named"), [(0.95, True), (0.5, False), (0.0, False)])
def test_a_cause_is_named_only_where_it_explains_the_wait(share: float, *, named: bool) -> None:
    found = tuned(Simulated(shared_out, noise=0.005, fetching=share))
    because = "mostly because of fetching, by Rows.__getitem__ (train.py:3)" in text(found)
    assert because is named


def test_all_that_was_tried_is_shown() -> None:
    found = tuned(Simulated(shared_out))
    shown = text(found)
    for one in some(found.tried):
        assert one.setting.text() in shown
    assert "Not measured" in shown


@pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker")
def test_the_file_is_what_a_dataloader_takes(tmp_path: Path) -> None:
    path = tmp_path / "loader.json"
    found = tuned(Simulated(shared_out))
    as_json.write(found, path)
    written = json.loads(path.read_text())
    loader = DataLoader([1, 2, 3], **written["settings"])  # type: ignore[arg-type, var-annotated]
    assert loader.num_workers == 4
    assert written["verdict"] == "faster"
    assert written["ratio_to_yours"]["high"] < 1


def test_what_was_compared_with_another_setting_is_not_called_yours(tmp_path: Path) -> None:
    found = tuned(Simulated(shared_out))
    assert "time against yours" in text(found)
    other = replace(found, look=replace(found.look, own=LoaderSetting(8, 2)))
    assert "time against num_workers=0, pin_memory=False in the race" in text(other)
    as_json.write(other, tmp_path / "loader.json")
    assert json.loads((tmp_path / "loader.json").read_text())["ratio_to_yours"] is None


def test_an_end_that_was_not_reached_is_no_part() -> None:
    found = tuned(Simulated(even))
    names = [part.name for part in found.seen.watched.parts]
    assert "steps" in names
    assert "end" not in names


def test_where_nothing_seems_to_be_won_no_cause_is_named() -> None:
    found = tuned(Simulated(shared_out, noise=0.005, fetching=0.95))
    assert cause(found)
    nothing = Ratio(1.01, 0.85, 1.2, 0.8, 1.3, 6)
    head = replace(found.seen.headspace, gain=nothing)
    wide = replace(found, seen=replace(found.seen, headspace=head))
    assert not head.nothing
    assert cause(wide) == ""
    assert "not explained by these stages" not in text(wide)


def test_a_budget_too_short_says_what_is_needed() -> None:
    goal = Goal(0.2, None, 2.0, stepped=True)
    bench = Bench(Simulated(), LoaderRequest(), "train.py:make", time.monotonic() + 0.2)
    with pytest.raises(UsageError, match=r"the budget is too short: .* give it --budget"):
        Session(bench, goal, 2, lambda text: None).tune()


@pytest.mark.parametrize("workers", [0, 1, 2, 3, 4, 8])
def test_what_counts_is_whole_waves_of_workers(workers: int) -> None:
    setting = LoaderSetting(workers, 2 if workers else None)
    steady = counted(21, setting) - skipped(setting)
    assert 21 <= steady < max(21, LEAST_WAVES * workers) + max(1, workers)
    assert not workers or steady % workers == 0
