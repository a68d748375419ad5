"""Files of pytest-benchmark as runs: written by its own code, read by every verb."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cases.frame import case_frame
from harness.cases.rounds import steady_s
from harness.cases.summaries import summaries
from harness.cli import run
from harness.comparison.amounts import Scale
from harness.comparison.sides import side
from harness.errors import UsageError
from harness.formats.open_results import read_run
from harness.journal.lines import JournalError
from harness.journal.write import Journal
from harness.report.content.method import method
from harness.schema.records import MISSED, Outcome
from tests.journals import ENVIRONMENT, MIB, header, planned, trial, write_run

ROOT = Path(__file__).parents[2]
SUITE = """
import pytest

@pytest.mark.benchmark(group="sums / all")
class TestSums:
    @pytest.mark.parametrize("count", [1000, 2000])
    def test_range(self, benchmark, count):
        benchmark(sum, range(count))

    @pytest.mark.parametrize("count", [1000, 2000])
    def test_list(self, benchmark, count):
        benchmark(sum, list(range(count)))

@pytest.mark.parametrize("value", [object()], ids=["one"])
def test_address(benchmark, value):
    benchmark(repr, value)

def test_plain(benchmark):
    benchmark.pedantic(list, rounds=7, iterations=3)
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of all rounds, and one of a storage, which has none of them."""
    folder = tmp_path_factory.mktemp("suite")
    for name in ("test_one.py", "deep/test_two.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(SUITE if name == "test_one.py" else _PLAIN)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=."]
    quick = ["--benchmark-max-time=0.001", "--benchmark-min-rounds=3"]
    files = ["--benchmark-json=all.json", "--benchmark-save=kept", "--benchmark-storage=storage"]
    subprocess.run([*command, *quick, *files], cwd=folder, check=True, capture_output=True)
    return folder


_PLAIN = "def test_plain(benchmark):\n    benchmark(list)\n"


def theirs(path: Path) -> dict[str, dict[str, Any]]:
    return {one["fullname"]: one for one in json.loads(path.read_text())["benchmarks"]}


def test_tests_become_cases_with_all_their_rounds(written: Path) -> None:
    read = read_run(written / "all.json")
    keys = [planned.case.key for planned in read.header.plan.cases]
    assert keys == [
        "deep.test_two/test_plain",
        "sums_all/TestSums.test_range count=1000",
        "sums_all/TestSums.test_range count=2000",
        "sums_all/TestSums.test_list count=1000",
        "sums_all/TestSums.test_list count=2000",
        "test_one/test_address param=one",
        "test_one/test_plain",
    ]
    benchmarks = list(theirs(written / "all.json").values())
    assert len(read.trials) == len(benchmarks)
    for made, benchmark in zip(read.trials, benchmarks, strict=True):
        assert made.timing is not None
        assert made.timing.samples_s == tuple(benchmark["stats"]["data"])
        assert steady_s(made) == statistics.median(benchmark["stats"]["data"])
    assert read.trials[-1].timing is not None
    assert read.trials[-1].timing.calls_per_sample == 3
    assert any("no memory" in remark for remark in read.remarks)


def test_the_machine_is_that_of_the_file(written: Path, tmp_path: Path) -> None:
    content = json.loads((written / "all.json").read_text())
    content["machine_info"] |= {"release": "6.6", "machine": "aarch64", "cpu": {"count": 96}}
    content["commit_info"] |= {"id": "0123456789abcdef", "dirty": True}
    (tmp_path / "other.json").write_text(json.dumps(content))
    environment = read_run(tmp_path / "other.json").header.environment
    assert (environment.kernel, environment.machine) == ("6.6", "aarch64")
    assert (environment.processors, environment.processors_installed) == (0, 96)
    assert (environment.memory_bytes, environment.load_1m, environment.swap_bytes) == (
        0,
        None,
        None,
    )
    assert (environment.git_revision, environment.git_dirty) == ("0123456789ab", True)


def test_a_file_without_rounds_gives_medians_and_says_so(written: Path) -> None:
    (kept,) = (written / "storage").glob("*/0001_kept.json")
    read = read_run(kept)
    medians = [one["stats"]["median"] for one in theirs(kept).values()]
    assert [one.timing.median_s for one in read.trials if one.timing] == medians
    assert {one.timing.samples_s for one in read.trials if one.timing} == {()}
    (remark,) = read.remarks
    assert "7 of 7 tests without their single rounds" in remark


def test_equal_names_of_one_group_are_told_apart_by_their_files(
    written: Path, tmp_path: Path
) -> None:
    content = json.loads((written / "all.json").read_text())
    for benchmark in content["benchmarks"]:
        benchmark["group"] = "all"
    (tmp_path / "grouped.json").write_text(json.dumps(content))
    found = {one.case.strategy for one in read_run(tmp_path / "grouped.json").header.plan.cases}
    assert {"test_two.test_plain", "test_one.test_plain", "TestSums.test_list"} <= found


NOTED = {
    "outcome": "ok",
    "peak_extra_bytes": 3 * MIB,
    "peak_anon_bytes": 2 * MIB,
    "peak_file_bytes": MIB,
    "peak_shmem_bytes": 0,
    "retained_bytes": MIB,
    "left_bytes": 0,
    "payload_bytes": MIB,
    "shares_memory": False,
    "minor_faults_first": 513.0,
}


def with_memory(source: Path, path: Path, **changed: Any) -> Path:
    content = json.loads(source.read_text())
    for benchmark in content["benchmarks"]:
        benchmark["extra_info"] = {"ferrybench": NOTED | changed, "mine": "too"}
    path.write_text(json.dumps(content))
    return path


def test_memory_that_the_plugin_noted_is_that_of_the_case(written: Path, tmp_path: Path) -> None:
    cases = case_frame(read_run(with_memory(written / "all.json", tmp_path / "with.json")))
    for name, value in {"copies": 2.0, "outcome": "ok", **NOTED}.items():
        assert cases[name].tolist() == [value] * 7, name


def test_compare_weighs_their_memory_and_tells_of_their_times(
    written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = with_memory(written / "all.json", tmp_path / "base.json")
    more = {"peak_extra_bytes": 4 * MIB, "peak_anon_bytes": 3 * MIB}
    heavier = with_memory(written / "all.json", tmp_path / "heavier.json", **more)
    assert run(["compare", str(base), str(base)]) == 0
    assert run(["compare", str(base), str(heavier)]) == 3  # suspect: of one reading each
    assert "no further run of the candidate can decide" in capsys.readouterr().out
    several = [option for _ in range(7) for option in ("--base-again", str(base))]
    assert run(["compare", str(base), *[str(heavier)] * 8, *several]) == 1
    said = capsys.readouterr().out
    assert "memory at the peak: 2 MiB → 3 MiB" in said
    content = json.loads(base.read_text())
    for benchmark in content["benchmarks"]:
        benchmark["stats"]["data"] = [2 * time_s for time_s in benchmark["stats"]["data"]]
    (tmp_path / "slower.json").write_text(json.dumps(content))
    assert run(["compare", str(base), str(tmp_path / "slower.json")]) == 0
    said = capsys.readouterr().out
    assert "inconclusive (advisory): test_one/test_plain" in said
    assert "2×: too few processes to decide" in said


def test_report_and_exports_take_the_file(
    written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = with_memory(written / "all.json", tmp_path / "base.json")
    assert run(["report", str(base), "-o", str(tmp_path / "report")]) == 0
    page = (tmp_path / "report" / "index.html").read_text()
    assert "How do the tests of sums / all compare?" in page
    assert "in the one process of its session" in page
    assert "0 processors" not in page
    assert "processes of its own" not in page  # which is how ferrybench itself measures
    again = tmp_path / "again.json"
    options = ["--format", "pytest-benchmark", "-o", str(again)]
    assert run(["export", str(base), *options]) == 0
    theirs_again = theirs(again)
    assert len(theirs_again) == 7
    first = read_run(again).header.plan.cases
    assert {one.case.key for one in first} == {
        one.case.key for one in read_run(base).header.plan.cases
    }


def test_our_own_export_comes_back_as_it_was(tmp_path: Path) -> None:
    cases = [planned("base", baseline=True), planned("other")]
    trials = [trial(index, number) for index in range(2) for number in range(4)]
    journal = write_run(tmp_path / "run.jsonl", cases, trials)
    exported = tmp_path / "run.json"
    assert run(["export", str(journal), "--format", "pytest-benchmark", "-o", str(exported)]) == 0
    assert "exported by ferrybench" in read_run(exported).remarks[0]
    before, after = (case_frame(read_run(path)) for path in (journal, exported))
    for name in ("case", "steady_median_s", "peak_extra_bytes", "copies", "baseline", "size_bytes"):
        assert before[name].tolist() == after[name].tolist(), name


def test_a_report_of_our_export_says_how_it_came_about(tmp_path: Path) -> None:
    trials = [trial(0, number) for number in range(4)]
    journal = write_run(tmp_path / "run.jsonl", [planned("base")], trials)
    read = read_run(exported(journal))
    said = " ".join(method(read, summaries(read)))
    assert "The samples of all processes of a case are combined" in said
    assert "1 case, 12 rounds in all." in said
    assert "one process of its session" not in said
    assert "plugin" not in said
    content = json.loads(journal.with_suffix(".json").read_text())
    assert content["commit_info"]["dirty"] == ENVIRONMENT.git_dirty


def test_a_working_directory_of_which_nothing_is_known_is_not_exported_as_clean(
    tmp_path: Path,
) -> None:
    head = replace(
        header([planned("base")]),
        environment=replace(ENVIRONMENT, git_revision="abc", git_dirty=None),
    )
    path = tmp_path / "run.jsonl"
    with Journal.create(path, head) as journal:
        for number in range(4):
            journal.append(trial(0, number))
    again = exported(path)
    assert json.loads(again.read_text())["commit_info"]["dirty"] is None
    assert read_run(again).header.environment.git_dirty is None


def exported(journal: Path) -> Path:
    output = journal.with_suffix(".json")
    assert run(["export", str(journal), "--format", "pytest-benchmark", "-o", str(output)]) == 0
    return output


def test_a_case_that_is_wrong_in_one_process_is_not_exported_as_timed(tmp_path: Path) -> None:
    cases = [planned("base", baseline=True), planned("other")]
    trials = [trial(index, number) for index in range(2) for number in range(3)]
    trials.append(trial(1, 3, outcome=Outcome("wrong", "other values")))
    path = exported(write_run(tmp_path / "run.jsonl", cases, trials))
    assert case_frame(read_run(path))["strategy"].tolist() == ["base"]


@pytest.mark.parametrize("name", ["wrong", "crash", "skipped"])
def test_the_outcome_that_an_export_of_ours_states_is_that_of_the_case(
    name: str, tmp_path: Path
) -> None:
    journal = write_run(tmp_path / "run.jsonl", [planned("base")], [trial(0, n) for n in range(3)])
    content = json.loads(exported(journal).read_text())
    content["benchmarks"][0]["extra_info"] |= {"outcome": name, "reason": "so it was"}
    (tmp_path / "old.json").write_text(json.dumps(content))
    row = case_frame(read_run(tmp_path / "old.json")).iloc[0]
    assert (row["outcome"], row["reason"]) == (name, "so it was")


def test_what_is_a_lower_bound_or_not_verified_comes_back_so(tmp_path: Path) -> None:
    trials = [replace(trial(0, n), unverified="the order of samples") for n in range(3)]
    assert trials[0].ledger is not None
    missed = replace(trials[0].ledger, source="VmHWM, a lower bound", split_source=MISSED)
    journal = write_run(
        tmp_path / "run.jsonl", [planned("base")], [replace(trials[0], ledger=missed), *trials[1:]]
    )
    before, after = (case_frame(read_run(path)).iloc[0] for path in (journal, exported(journal)))
    names = ("memory_source", "memory_split_source", "unverified", "peak_anon_bytes")
    assert [after[name] for name in names] == [before[name] for name in names]
    assert after["memory_split_source"] == MISSED
    assert after[["copies"]].isna().all()


@pytest.mark.parametrize("arena", [0, 256 * 1024, MIB])
def test_memory_of_an_export_is_judged_as_that_of_the_run(arena: int, tmp_path: Path) -> None:
    trials = [trial(0, number) for number in range(3)]
    assert trials[0].ledger is not None
    trials[0] = replace(trials[0], ledger=replace(trials[0].ledger, arena_bytes=arena))
    journal = write_run(tmp_path / "run.jsonl", [planned("base")], trials)
    before, after = (
        Scale.of(side(read_run(path)).cases.values()) for path in (journal, exported(journal))
    )
    assert before == after == Scale(MIB, arena)


def test_a_result_that_the_plugin_could_not_judge_is_not_verified(
    written: Path, tmp_path: Path
) -> None:
    told = {"verified": "not verified: an open file"}
    rows = case_frame(read_run(with_memory(written / "all.json", tmp_path / "a.json", **told)))
    assert set(rows["unverified"]) == {"an open file"}
    assert set(rows["outcome"]) == {"ok"}
    told = {"outcome": "wrong", "reason": "other values"}
    rows = case_frame(read_run(with_memory(written / "all.json", tmp_path / "b.json", **told)))
    assert set(rows["outcome"]) == {"wrong"}


@pytest.mark.parametrize(
    "told",
    [
        {"outcome": "crash", "reason": "killed by SIGSEGV"},
        {"outcome": "skipped", "reason": "threads are running"},
        {"memory_unknown": "its peak is below what was kept"},
    ],
    ids=lambda told: next(iter(told.values())),
)
def test_why_the_plugin_knows_no_memory_is_said_and_the_times_stay(
    told: dict[str, str], written: Path, tmp_path: Path
) -> None:
    read = read_run(with_memory(written / "all.json", tmp_path / "with.json", **told))
    (remark,) = read.remarks
    assert "memory of 7 of 7 not known" in remark
    assert list(told.values())[-1] in remark
    assert "--ferrybench-memory" not in remark
    cases = case_frame(read)
    assert set(cases["outcome"]) == {"ok"}
    assert cases["steady_median_s"].notna().all()
    assert cases["peak_extra_bytes"].isna().all()


def test_a_journal_is_read_as_ever(tmp_path: Path) -> None:
    said = '"machine_info" and "benchmarks"'
    failed = trial(0, 0, outcome=Outcome("error", said))
    journal = write_run(tmp_path / "run.jsonl", [planned("base")], [failed])
    assert read_run(journal).trials[0].outcome.reason == said


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"machine_info": {}, "benchmarks": [', "damaged pytest-benchmark file: Expecting value"),
        ('{"machine_info": {}, "benchmarks": []}', "a pytest-benchmark file without benchmarks"),
        (
            '{"machine_info": {}, "benchmarks": [{"name": "a", "fullname": "b", "stats": {}}]}',
            "missing required field `median`",
        ),
        (
            '{"machine_info": {}, "benchmarks": '
            '[{"name": "a", "fullname": "b::a", "stats": {"median": -1}}]}',
            "b::a: its times are not durations",
        ),
        (
            '{"machine_info": {}, "benchmarks": '
            f'[{{"name": "a", "fullname": "b::a", "stats": {{"median": {10**400}}}}}]}}',
            "b::a: its times are not durations",
        ),
        ('{"machine_info": {}, "benchmarks": 3}', "Expected `array`, got `int`"),
    ],
)
def test_a_bad_file_is_told_in_one_line(content: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text(content)
    with pytest.raises(UsageError, match=problem) as told:
        read_run(tmp_path / "bad.json")
    assert str(tmp_path / "bad.json") in str(told.value)
    assert "\n" not in str(told.value)


def test_what_is_neither_is_no_journal(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"results": []}\n')
    with pytest.raises(JournalError, match="not a ferrybench journal"):
        read_run(tmp_path / "other.json")
    with pytest.raises(UsageError, match="cannot be read"):
        read_run(tmp_path / "none.json")
