"""Reasons come from a run's own experiments, and only where these took and are certain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.analysis.sweep import Sweep, sweep
from harness.analysis.why import reasons, why_texts
from harness.cases.summaries import summaries
from harness.report.content.reasons import explained
from harness.schema.records import DEFAULT_HOST
from tests.analysis.planted_causes import LUCK, MAIN, Planted, sweep_run, varied_info


def sweep_of(folder: Path, planted: Planted, luck: Sequence[float] = LUCK) -> Sweep:
    info = varied_info()
    return sweep(info, summaries(sweep_run(folder, info, planted, luck)))


def test_page_size_is_named_with_its_share_and_what_it_did_to_faults(tmp_path: Path) -> None:
    found = reasons(sweep_of(tmp_path, {**MAIN, ("base", "huge", 1): (1.3e-3, 3.0)}))
    ((name, text),) = why_texts(found)
    assert name == "base"
    assert text.startswith("4.0× slower than other, because of page size 90% (")
    assert "10% unexplained" in text
    assert text.endswith(
        "measured again where torch asks for huge pages too at 1 MiB, "
        "with 3 page faults a call in place of 256"
    )


def test_a_part_is_no_because(tmp_path: Path) -> None:
    found = reasons(sweep_of(tmp_path, {**MAIN, ("base", "huge", 1): (2.5e-3, 3.0)}))
    ((_, text),) = why_texts(found)
    assert "because" not in text
    assert "of which page size 50% (" in text


@pytest.mark.parametrize("faults", [256.0, 150.0])
def test_an_experiment_that_did_not_take_says_nothing(tmp_path: Path, faults: float) -> None:
    assert reasons(sweep_of(tmp_path, {**MAIN, ("base", "huge", 1): (1.3e-3, faults)})) == []


def test_threads_are_taken_from_both(tmp_path: Path) -> None:
    planted = {
        **MAIN,
        ("base", DEFAULT_HOST, "all"): (1e-3, 256.0),
        ("other", DEFAULT_HOST, "all"): (1e-3, 2.0),
    }
    ((name, text),) = why_texts(reasons(sweep_of(tmp_path, planted)))
    assert name == "base"
    assert "because of running on one thread 100% (" in text
    assert text.endswith("measured again with threads=all at 1 MiB")


def test_three_rounds_decide_nothing(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path, {**MAIN, ("base", "huge", 1): (1.3e-3, 3.0)}, LUCK[:3])
    assert why_texts(reasons(sweep)) == []
    told = explained(sweep)
    assert told is not None
    assert (
        told.undecided == "1 experiment undecided, 1 of them for want of rounds: --trials 5 or more"
    )


def test_without_experiments_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert explained(sweep_of(tmp_path, MAIN)) is None
