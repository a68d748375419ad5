"""A winner that ran in the race and fails afterwards."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.schema.loader import LoaderAnswer, LoaderData, LoaderPass, LoaderSetting
from harness.schema.records import Outcome
from harness.tuning.bench import TrialFailedError
from harness.tuning.choosing import Choosing
from harness.tuning.known import Found

OWN, WINNER, SECOND = LoaderSetting(0), LoaderSetting(4, 2), LoaderSetting(2, 2)
DATA = LoaderData(batches=("a", "b"), samples=(), indices=(), ended=True)
PASS = LoaderPass(10, True, 0.0, 0.1, 0.1, 0.0, 0.2, 0.2, 9)


class Failing:
    """Runs trials of which those of some settings fail, in some way."""

    left_s, trial_s, batches, seconds = 10.0, 0.1, 8, 1.0

    def __init__(self, failing: dict[LoaderSetting, str]) -> None:
        self.failing = failing

    def run(self, setting: LoaderSetting, way: str = "run", **options: Any) -> LoaderAnswer:
        if self.failing.get(setting) == way:
            raise TrialFailedError("train.py: batch 9 failed")
        data = DATA if way == "data" else None
        return LoaderAnswer(Outcome("ok"), passes=(PASS, PASS), data=data)


def chosen(failing: dict[LoaderSetting, str]) -> tuple[Choosing, Found]:
    settings = (WINNER, SECOND, OWN)
    race: Any = SimpleNamespace(
        runners=dict.fromkeys(settings),
        cheapest=lambda without: next(one for one in settings if one not in without),
    )
    known: Any = SimpleNamespace(
        length=2, peaks=SimpleNamespace(measure=lambda *given, **options: True, seen={})
    )
    goal: Any = SimpleNamespace(budget_s=10.0, stepped=True)
    choosing = Choosing(Failing(failing), goal, known, OWN)  # type: ignore[arg-type]
    found = Found()
    choosing.choose(race, found)
    return choosing, found


def test_the_next_best_is_taken_if_the_data_of_one_cannot_be_seen() -> None:
    _, found = chosen({WINNER: "data"})
    assert found.winner == SECOND
    assert "failed later: train.py: batch 9 failed" in found.rejected[WINNER].text


def test_the_users_own_is_kept_if_the_winner_fails_in_fresh_pairs() -> None:
    choosing, found = chosen({WINNER: "run"})
    assert found.winner == WINNER
    choosing.confirm(found)
    assert (found.winner, found.confirmed) == (OWN, None)
    assert list(found.rejected) == [WINNER]


@pytest.mark.parametrize("way", ["data", "run"])
def test_what_fails_with_the_users_own_setting_is_no_fault_of_the_winner(way: str) -> None:
    def tune() -> None:
        choosing, found = chosen({OWN: way})
        choosing.confirm(found)

    with pytest.raises(TrialFailedError):
        tune()


def test_without_a_failure_the_winner_is_confirmed() -> None:
    choosing, found = chosen({})
    choosing.confirm(found)
    assert found.confirmed is not None
    assert found.confirmed.setting == WINNER
    assert found.data is not None
    assert found.data.harmless
