"""The experiment on reasons counts what it says it counts."""

from __future__ import annotations

from pathlib import Path

from harness.schema.records import DEFAULT_HOST, Value
from harness.selfcheck.attributions import measured_rows, rows
from tests.analysis.planted_causes import Planted, sweep_run
from tests.journals import MIB, parameter, scenario, strategy
from tests.some import some

PLANTED, OTHER = "share_100_of_300", "share_0_of_300_again_0"


def planted(share_by_name: dict[str, float]) -> Planted:
    """A baseline of 1 ms, and strategies of 4 ms that lose a share of 3 ms with all threads."""
    found: dict[tuple[str, str, Value], tuple[float, float]] = {}
    for threads in (1, "all"):
        found["base", DEFAULT_HOST, threads] = (1e-3, 0.0)
        for name, share in share_by_name.items():
            without = share if threads == "all" else 0.0
            found[name, DEFAULT_HOST, threads] = (4e-3 - 3e-3 * without, 0.0)
    return found


def told(folder: Path, share_by_name: dict[str, float]) -> dict[str, str]:
    info = scenario(
        [strategy("base"), *(strategy(name) for name in share_by_name)],
        {"size": parameter(MIB, axis=True), "threads": parameter(1, 1, "all")},
    )
    return dict(measured_rows(sweep_run(folder, info, planted(share_by_name))))


def test_right_answers_are_counted(tmp_path: Path) -> None:
    found = told(tmp_path, {PLANTED: 1.0, OTHER: 0.0})
    assert found["planted: share within 5 points"].startswith("1 of 1")
    assert found["planted: unexplained at most 10%"].startswith("1 of 1")
    assert found["another cause, yet told"].startswith("0 of 1")


def test_wrong_answers_are_counted(tmp_path: Path) -> None:
    found = told(tmp_path, {PLANTED: 0.5, OTHER: 1.0})
    assert found["planted: share within 5 points"].startswith("0 of 1")
    assert found["planted: unexplained at most 10%"].startswith("0 of 1")
    assert found["another cause, yet told"].startswith("1 of 1")


def test_without_pairs_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert list(told(tmp_path, {PLANTED: 1.0})) == ["nothing to tell"]


def test_simulated_pairs_of_another_cause_are_not_told() -> None:
    found = [text for name, text in rows(20, 1) if name.endswith("no reason, yet named")]
    assert all(text.startswith(("0 of", "1 of")) for text in some(found))
