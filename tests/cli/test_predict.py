"""``ferrybench predict`` from beginning to end."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from harness.analysis.models.prediction import Prediction
from harness.cli import run
from harness.cli.predict_check import nearest, verdict_text
from harness.errors import EXIT_NOT_JUDGED, EXIT_OK, EXIT_USAGE
from harness.stats.intervals import Interval
from tests.analysis.planted_costs import SIZES, base, other, run_of
from tests.journals import MIB


def test_a_prediction_says_what_it_rests_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = run_of(tmp_path, {"base": base, "other": other}).path
    assert run(["predict", str(journal), "moving/other", "--size", "3MiB,200MiB"]) == EXIT_OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("moving/other at 3 MiB: ")
    assert ", 90% between " in lines[0]
    assert lines[1].startswith("moving/other at 200 MiB: ")
    assert lines[1].endswith("; extrapolated")
    assert any(line.startswith("  costs ") for line in lines)
    assert any("base is faster below" in line and "other above" in line for line in lines)


def test_too_little_is_no_prediction(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = run_of(tmp_path, {"base": base}, SIZES[:2]).path
    assert run(["predict", str(journal), "moving/base", "--size", "8KiB"]) == EXIT_NOT_JUDGED
    assert "not known, 2 sizes timed, and a fit needs 3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["moving/base", "--size", "3TiB"], "too far from what was measured"),
        (["moving/base", "--size", "much"], "--size: 'much' is not a size"),
        (["moving/nothing", "--size", "1MiB"], "moving has no strategy 'nothing'"),
        (["moving", "--size", "1MiB"], "name a strategy"),
        (["moving/base", "--size", "1MiB", "--set", "hue=3"], "no parameter 'hue'"),
        (["moving/base", "--size", "1MiB", "--trials", "0"], "--trials 0: give 1 or more"),
    ],
)
def test_what_cannot_be_predicted_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    journal = run_of(tmp_path, {"base": base}).path
    assert run(["predict", str(journal), *arguments]) == EXIT_USAGE
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_a_check_is_held_against_the_interval_and_against_a_changed_machine() -> None:
    expected = Prediction(MIB, Interval(1e-3, 0.8e-3, 1.25e-3, 0.9, 5), False, False, ())
    assert "within, 10% off" in verdict_text(expected, [math.log(1.1e-3)] * 3, 0.0)
    assert "outside, 50% off" in verdict_text(expected, [math.log(1.5e-3)] * 3, 0.0)
    slower = verdict_text(expected, [math.log(2.2e-3)] * 3, math.log(2))
    assert "outside, 120% off; the sizes beside it take 2.0× as long as in the run" in slower
    assert slower.endswith("without that 1.1 ms, within, 10% off")


def test_what_is_measured_beside_a_prediction_is_near_it() -> None:
    assert sorted(nearest(SIZES, 3 * MIB)) == [MIB, 4 * MIB]
    assert sorted(nearest(SIZES, 250 * MIB)) == [16 * MIB, 64 * MIB]


@pytest.mark.slow
@pytest.mark.new_hosts
def test_a_prediction_is_checked_by_measuring_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = tmp_path / "run.jsonl"
    target = "tensor_from_array/from_numpy"
    sets = ["--set", "dtype=float32", "--set", "layout=C", "--set", "threads=1"]
    sizes = ["--size", "64KiB,256KiB,1MiB,4MiB"]
    arguments = ["run", target, "--quick", *sizes, *sets, "--trials", "2", "-o", str(journal)]
    assert run(arguments) == EXIT_OK
    capsys.readouterr()
    before = journal.read_bytes()
    arguments = ["predict", str(journal), target, "--size", "2MiB", "--check", "--trials", "2"]
    assert run(arguments) == EXIT_OK
    said = capsys.readouterr().out
    assert "whatever the size" in said or "at most" in said  # two processes may be too few
    assert "  measured at 2 MiB: " in said
    assert " in 2 processes, " in said
    assert journal.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"run.jsonl"}
