"""Exports, each read by its consumer's own code or by the schema that the consumer documents."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pytest_benchmark.stats import Stats

from harness.cli import run
from harness.errors import EXIT_UNABLE
from harness.schema.records import Case, Outcome, PlannedCase, Timing, Value
from tests.journals import MIB, trial, write_run

THIRD_S = 1 / 3e3
SAMPLES_S = (1e-3, 1.1e-3, THIRD_S, 5e-3)
TOOLS = ("bencher", "github-action-benchmark", "pytest-benchmark")


def planned(name: str, *, skip: str = "", **parameters: Value) -> PlannedCase:
    return PlannedCase(Case("moving", name, {"size": MIB, **parameters}), skip=skip)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A case that was measured, one that was skipped, and one that failed."""
    cases = [planned("base", dtype="f4"), planned("other", skip="no"), planned("bad")]
    trials = [trial(0, number, SAMPLES_S) for number in range(4)]
    trials.append(replace(trial(2, 0), outcome=Outcome("error", "ValueError: no"), timing=None))
    return write_run(tmp_path / "run.jsonl", cases, trials)


def exported(journal: Path, name: str) -> str:
    output = journal.with_suffix(f".{name}")
    assert run(["export", str(journal), "--format", name, "-o", str(output)]) == 0
    return output.read_text()


def test_csv_and_json_carry_the_numbers_unrounded(journal: Path) -> None:
    middle = (1e-3 + 1.1e-3) / 2
    rows = list(csv.DictReader(exported(journal, "csv").splitlines()))
    assert float(rows[0]["steady_median_s"]) == middle
    assert rows[1]["steady_median_s"] == ""
    objects = json.loads(exported(journal, "json"))
    assert objects[0]["steady_median_s"] == pytest.approx(middle, rel=0, abs=0)
    assert objects[1]["steady_median_s"] is None
    assert objects[0]["peak_extra_bytes"] == MIB


def test_pytest_benchmark_computes_the_same_statistics_of_our_samples(journal: Path) -> None:
    (benchmark,) = json.loads(exported(journal, "pytest-benchmark"))["benchmarks"]
    make: Any = Stats  # it has no types
    theirs = make()
    for sample in SAMPLES_S * 3:
        theirs.update(sample)
    stats = benchmark["stats"]
    assert {name: stats[name] for name in Stats.fields} == theirs.as_dict()
    assert stats["data"] == list(SAMPLES_S * 3)
    assert benchmark["extra_info"]["peak_extra_bytes"] == MIB
    assert benchmark["params"] == {"size": MIB, "dtype": "f4"}


def test_pytest_benchmark_lists_and_compares_the_file(journal: Path, tmp_path: Path) -> None:
    storage = tmp_path / "storage" / "a-machine"
    storage.mkdir(parents=True)
    for number in ("0001", "0002"):
        (storage / f"{number}_run.json").write_text(exported(journal, "pytest-benchmark"))
        journal.with_suffix(".pytest-benchmark").unlink()
    command = [sys.executable, "-m", "pytest_benchmark", "--storage", f"file://{storage.parent}"]
    listed = subprocess.run([*command, "list"], capture_output=True, text=True, check=True)
    assert "0001_run.json" in listed.stdout + listed.stderr
    done = subprocess.run([*command, "compare", "0001", "0002"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("base[1048576-f4]") == 2


def test_no_format_has_an_interval_of_one_process(tmp_path: Path) -> None:
    once = write_run(tmp_path / "run.jsonl", [planned("base")], [trial(0, 1, SAMPLES_S)])
    (entry, *_) = json.loads(exported(once, "github-action-benchmark"))
    assert (entry["unit"], "range" in entry) == ("ns", False)
    (measures,) = json.loads(exported(once, "bencher")).values()
    assert measures["latency"] == {"value": pytest.approx(1.05e6)}


def test_names_too_long_for_bencher_are_cut_and_stay_apart(tmp_path: Path) -> None:
    cases = [planned("base", text="é" * 700 + end) for end in "ab"]
    journal = write_run(tmp_path / "run.jsonl", cases, [trial(number, 1) for number in (0, 1)])
    names = list(json.loads(exported(journal, "bencher")))
    assert len(names) == 2
    assert all(1000 < len(name.encode()) <= 1024 for name in names)  # bytes, as Rust counts


class Metric(msgspec.Struct, forbid_unknown_fields=True):
    """https://bencher.dev/bmf.json: value is required, the others are not, all are numbers."""

    value: float
    lower_value: float | None = None
    upper_value: float | None = None


def test_bencher_reads_it_by_its_schema(journal: Path) -> None:
    text = exported(journal, "bencher")
    found = msgspec.json.decode(text, type=dict[str, dict[str, Metric]])
    assert list(found) == [f"moving/base size={MIB} dtype=f4"]
    (measures,) = found.values()
    assert measures["latency"].value == pytest.approx(1.05e6)
    assert measures["memory-peak"].value == MIB
    assert all(len(measure) <= 64 for measure in measures)


class Benchmark(msgspec.Struct, forbid_unknown_fields=True):
    """An entry as github-action-benchmark's README lists its properties."""

    name: str
    unit: str
    value: float
    range: str = ""
    extra: str = ""


def test_github_action_benchmark_reads_it_by_its_documented_properties(journal: Path) -> None:
    text = exported(journal, "github-action-benchmark")
    found = msgspec.json.decode(text, type=list[Benchmark])
    assert [(one.unit, one.value) for one in found] == [
        ("ns", pytest.approx(1.05e6)),
        ("bytes", MIB),
    ]
    assert len({one.name for one in found}) == 2
    # Its page draws the range where extractRangeInfo (src/extractRangeInfo.ts) finds a number.
    assert re.fullmatch(r"(\+-|±)\s*\d+", found[0].range)


def without_times(path: Path) -> Path:
    return write_run(path, [planned("base"), planned("other")], [trial(0, 0), trial(1, 0)])


def failed(path: Path) -> Path:
    bad = replace(trial(0, 1), outcome=Outcome("error", "no"), timing=None, ledger=None)
    return write_run(path, [planned("base")], [bad])


def not_reached(path: Path) -> Path:
    return write_run(path, [planned("base")], [], end="budget")


def without_samples(path: Path) -> Path:
    timing = replace(trial(0, 1).timing or Timing(1.0, (), 1, True, 0.0), samples_s=())
    return write_run(path, [planned("base")], [replace(trial(0, 1), timing=timing, ledger=None)])


def without_cases(path: Path) -> Path:
    return write_run(path, [], [])


NOTHING = [
    (without_times, "pytest-benchmark", "none of 2 cases was timed"),
    (without_samples, "pytest-benchmark", "none of 1 case was timed"),
    (without_samples, "github-action-benchmark", "none of 1 case was timed"),
    *((failed, name, "none of 1 case ended well") for name in TOOLS),
    *((not_reached, name, "none of 1 case ended well") for name in TOOLS),
    *((without_cases, name, "it has no cases") for name in (*TOOLS, "csv", "json")),
]


@pytest.mark.parametrize(
    ("made", "name", "why"), NOTHING, ids=[f"{one[0].__name__}-{one[1]}" for one in NOTHING]
)
def test_nothing_to_export_is_said_and_no_file_is_written(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    made: Callable[[Path], Path],
    name: str,
    why: str,
) -> None:
    journal, output = made(tmp_path / "run.jsonl"), tmp_path / "out"
    assert run(["export", str(journal), "--format", name, "-o", str(output)]) == EXIT_UNABLE
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert f"has nothing for the format {name}: {why}" in said.err
    assert not output.exists()
    assert run(["export", str(journal), "--format", name]) == EXIT_UNABLE
    assert capsys.readouterr().out == ""


def test_memory_alone_goes_where_a_format_takes_it(tmp_path: Path) -> None:
    journal = without_times(tmp_path / "run.jsonl")
    (measures, _) = json.loads(exported(journal, "bencher")).values()
    assert "memory-peak" in measures
    assert len(json.loads(exported(journal, "github-action-benchmark"))) == 2


def test_an_export_of_some_cases_says_of_how_many(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exported(journal, "pytest-benchmark")
    assert "1 of 3 cases" in capsys.readouterr().err


def test_a_case_without_parameters_has_a_name_without_a_tail(tmp_path: Path) -> None:
    bare = PlannedCase(Case("moving", "base", {}))
    journal = write_run(tmp_path / "run.jsonl", [bare], [trial(0, n) for n in range(3)])
    (benchmark,) = json.loads(exported(journal, "pytest-benchmark"))["benchmarks"]
    assert (benchmark["name"], benchmark["group"]) == ("base", "moving")
    assert (benchmark["fullname"], benchmark["param"]) == ("scenarios/moving.py::base", None)
    assert list(json.loads(exported(journal, "bencher"))) == ["moving/base"]
    first, second = json.loads(exported(journal, "github-action-benchmark"))
    assert [one["name"].partition(" (")[0] for one in (first, second)] == ["moving/base"] * 2
    assert first["extra"] == "2 processes"  # which timed it; a third looked at memory


def test_values_that_are_joined_alike_have_names_of_their_own(tmp_path: Path) -> None:
    cases = [planned("base", a="1-2", b="3"), planned("base", a="1", b="2-3")]
    journal = write_run(tmp_path / "run.jsonl", cases, [trial(0, 1), trial(1, 1)])
    found = json.loads(exported(journal, "pytest-benchmark"))["benchmarks"]
    assert [one["name"] for one in found] == [f"base[{MIB}-1-2-3]", f"base[{MIB}-1-2-3]~2"]
    assert len({one["fullname"] for one in found}) == 2
