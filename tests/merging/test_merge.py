"""Merging: every trial once, rounds apart, no number of two machines, and every conflict named."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cases.summaries import summaries
from harness.cli import run as ferrybench
from harness.errors import EXIT_OK, EXIT_UNABLE, EXIT_USAGE, UsageError
from harness.journal.lines import Run
from harness.journal.machines import by_machine
from harness.journal.read import read_journal
from harness.merging.merge import MergeResult, merge
from harness.merging.places import Allowed
from harness.schema.records import Effort, Outcome, Trial
from tests.journals import MIB, planned, searched, trial
from tests.journals_apart import CASES, ELSEWHERE, HERE, apart, measured
from tests.some import some


def content(run: Run) -> Counter[str]:
    """What stands in a run, whatever its rounds and places are called."""
    cases = run.header.plan.cases
    return Counter(
        f"{cases[one.case].case.shared_key} {one.kind} {one.started_s} {one.timing} {one.outcome}"
        for one in run.trials
    )


def together(runs: Iterable[Path]) -> Counter[str]:
    return sum((content(read_journal(path)) for path in runs), Counter[str]())


def merged(tmp_path: Path, *paths: Path, **known: bool) -> tuple[Run, MergeResult]:
    output = tmp_path / "merged.jsonl"
    result = merge(paths, output, Allowed(**known))
    return read_journal(output), result


def test_two_days_of_one_machine_are_one_run_with_rounds_apart(tmp_path: Path) -> None:
    one, two = apart(tmp_path / "1.jsonl", 1), apart(tmp_path / "2.jsonl", 2, steady_s=3e-3)
    run, result = merged(tmp_path, one, two)
    assert content(run) == together([one, two])
    assert (result.runs, result.machines, result.trials, result.repeated) == (2, 1, 16, 0)
    assert [(source.first_round, source.last_round) for source in run.header.sources] == [
        (0, 3),
        (4, 7),
    ]
    base, other = summaries(run)
    assert base.steady.count == other.steady.count == 6
    # Ratios are of neighbours: 2 of either day, though the second was three times slower.
    assert (other.ratio.count, round(other.ratio.median)) == (6, 2)
    assert any("measured in more than one run" in remark for remark in run.remarks)


def test_shards_are_the_run_they_were_cut_from(tmp_path: Path) -> None:
    cases = [planned("base", size * MIB, baseline=True) for size in range(1, 7)]
    moments = measured(6, 86400.0)
    whole = apart(tmp_path / "whole.jsonl", 1, cases=cases, trials=moments)
    shards = [
        apart(
            tmp_path / f"{number}.jsonl",
            1 + number,
            cases=cases[number::3],
            trials=[replace(one, case=one.case // 3) for one in moments if one.case % 3 == number],
        )
        for number in range(3)
    ]
    run, _ = merged(tmp_path, *shards)
    assert content(run) == content(read_journal(whole))
    times = {row.planned.case.key: row.steady for row in summaries(run)}
    assert times == {row.planned.case.key: row.steady for row in summaries(read_journal(whole))}


def test_the_same_run_twice_is_one_and_a_longer_copy_adds_its_end(tmp_path: Path) -> None:
    moments = measured(2, 86400.0)
    cut = apart(tmp_path / "cut.jsonl", 1, trials=moments[:5], ended="")
    whole = apart(tmp_path / "whole.jsonl", 1, trials=moments)
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(whole.read_bytes())
    run, result = merged(tmp_path, cut, whole, copy, whole)
    assert content(run) == content(read_journal(whole))
    assert (run.ended, result.runs, result.repeated) == ("complete", 1, 5 + 8)
    assert [one.round for one in run.trials] == [one.round for one in read_journal(whole).trials]
    for name in ("cut.jsonl", "copy.jsonl"):
        assert any(name in text and "adds nothing" in text for text in result.remarks)


def test_merging_again_changes_nothing_whatever_the_order(tmp_path: Path) -> None:
    paths = [apart(tmp_path / f"{day}.jsonl", day) for day in (1, 2, 3)]
    first, _ = merged(tmp_path, *paths)
    pair = tmp_path / "pair.jsonl"
    merge(paths[1:], pair)
    for order in some(itertools.permutations([pair, *paths])):
        again = tmp_path / "again.jsonl"
        merge(order, again)
        run = read_journal(again)
        assert content(run) == content(first)
        assert run.header.run_id == first.header.run_id
        assert [row.ratio for row in summaries(run)] == [row.ratio for row in summaries(first)]


def test_an_interrupted_round_stays_in_two_halves(tmp_path: Path) -> None:
    """Its trials share no moment of the machine, in the merged run as in its own."""
    path = apart(tmp_path / "1.jsonl", 1, trials=(moments := measured(2, 86400.0))[:5], ended="")
    lines = path.read_bytes()
    whole = apart(tmp_path / "whole.jsonl", 1, trials=moments).read_bytes().splitlines(True)
    resume = json.dumps({"kind": "resume", "environment": json.loads(whole[0])["environment"]})
    path.write_bytes(lines + resume.encode() + b"\n" + b"".join(whole[7:]))
    own = summaries(read_journal(path))[1].ratio
    run, _ = merged(tmp_path, path, apart(tmp_path / "2.jsonl", 2))
    assert own.count == 2
    assert summaries(run)[1].ratio.count == 2 + 3


def test_machines_stand_side_by_side_and_no_number_is_of_two(tmp_path: Path) -> None:
    here = apart(tmp_path / "1.jsonl", 1, rate=1e9)
    there = apart(tmp_path / "2.jsonl", 2, environment=ELSEWHERE, steady_s=9e-3, rate=7e9)
    run, result = merged(tmp_path, here, there)
    assert result.machines == 2
    with pytest.raises(UsageError, match=r"of 2 machines, A, B.*--machine A"):
        summaries(run)
    for (name, own), path in some(zip(by_machine(run), (here, there), strict=True)):
        alone = read_journal(path)
        assert name in "AB"
        assert own.header.environment == alone.header.environment
        assert own.header.plan.cases == alone.header.plan.cases
        assert own.ceilings[0].ceiling == alone.ceilings[0].ceiling
        assert [(row.planned, row.steady, row.ratio, row.ceiling) for row in summaries(own)] == [
            (row.planned, row.steady, row.ratio, row.ceiling) for row in summaries(alone)
        ]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"machine_id": "another", "boot_id": ""}, "nothing says that they are one machine"),
        ({"machine_id": "", "boot_id": ""}, "nothing says that they are one machine"),
        ({"kernel": "6.2"}, "kernel: 6.1 → 6.2"),
        ({"processors": 4}, "processors: 2 → 4"),
        ({"git_revision": "3c4d"}, "revision: 1a2b → 3c4d"),
        ({"ferrybench": "0.2.0"}, "ferrybench: 0.1.0 → 0.2.0"),
        (
            {"hosts": {"default": {"python": "3.12.1", "torch": "2.13.0+cpu", "numpy": "2.4.6"}}},
            "python: 3.11.7 → 3.12.1",
        ),
    ],
    ids=["other", "unknown", "kernel", "processors", "revision", "ferrybench", "python"],
)
def test_what_is_not_known_to_be_one_machine_in_one_state_stays_apart(
    tmp_path: Path, changes: dict[str, object], why: str
) -> None:
    one = apart(tmp_path / "1.jsonl", 1)
    two = apart(tmp_path / "2.jsonl", 2, environment=replace(HERE, **changes))  # type: ignore[arg-type]
    _, result = merged(tmp_path, one, two)
    assert result.machines == 2
    assert any(why in remark for remark in result.remarks)


def test_a_boot_is_enough_to_know_a_machine_and_so_is_the_user(tmp_path: Path) -> None:
    one = apart(tmp_path / "1.jsonl", 1)
    booted = apart(
        tmp_path / "2.jsonl", 2, environment=replace(HERE, machine_id="", boot_id="a boot")
    )
    assert merged(tmp_path, one, booted)[1].machines == 1
    unknown = replace(HERE, machine_id="", boot_id="", git_revision="3c4d")
    two = apart(tmp_path / "3.jsonl", 3, environment=unknown)
    assert merged(tmp_path, one, two)[1].machines == 2
    assert merged(tmp_path, one, two, same_machine=True, any_revision=True)[1].machines == 1
    other = apart(tmp_path / "4.jsonl", 4, environment=ELSEWHERE)
    with pytest.raises(UsageError, match=r"different machines.*cpu_model"):
        merged(tmp_path, one, other, same_machine=True)


def test_what_cannot_be_one_run_is_named_with_both_files(tmp_path: Path) -> None:
    one = apart(tmp_path / "1.jsonl", 1)
    longer = apart(tmp_path / "2.jsonl", 2, effort=Effort(3, 0.5))
    spawned = apart(tmp_path / "3.jsonl", 3, method="spawn")
    model = apart(tmp_path / "4.jsonl", 4, cases=(CASES[0], replace(CASES[1], expected_copies=2.0)))
    calibration = apart(tmp_path / "5.jsonl", 5, calibration_runs=2)
    changed = tmp_path / "6.jsonl"
    changed.write_bytes(one.read_bytes().replace(b"def other(a)", b"def other(b)"))
    for path, said in (
        (longer, "differ in steady_s, 0.1 and 0.5"),
        (spawned, "different methods, fork and spawn"),
        (model, "expected_copies of moving/other size=1048576 is 1.0 and 2.0"),
        (calibration, "is a calibration"),
        (changed, r"scenario moving differently \(strategy other\)"),
    ):
        with pytest.raises(UsageError, match=said) as caught:
            merged(tmp_path, one, path)
        assert path.name in str(caught.value)
    assert not (tmp_path / "merged.jsonl").exists()


def test_figures_that_were_changed_are_a_conflict_and_not_two_trials(tmp_path: Path) -> None:
    one = apart(tmp_path / "1.jsonl", 1)
    changed = tmp_path / "2.jsonl"
    changed.write_bytes(one.read_bytes().replace(b'"wall_s":0.1', b'"wall_s":0.2', 1))
    with pytest.raises(UsageError, match=r"2\.jsonl has other figures of a memory trial of moving"):
        merged(tmp_path, one, changed)


def test_a_case_that_one_run_skipped_is_the_others(tmp_path: Path) -> None:
    skipping = apart(
        tmp_path / "1.jsonl", 1, cases=(CASES[0], planned("other", skip="no memory")),
        trials=[one for one in measured(2, 86400.0) if one.case == 0],
    )  # fmt: skip
    run, _ = merged(tmp_path, skipping, apart(tmp_path / "2.jsonl", 2))
    base, other = summaries(run)
    assert (base.steady.count, other.steady.count, other.outcome) == (6, 3, "ok")


def test_attempts_of_two_searches_are_one_bracket(tmp_path: Path) -> None:
    oom, case = Outcome("oom", "no"), replace(planned("other"), expected_copies=None)
    paths = []
    for day, sizes in ((1, (MIB, 4 * MIB)), (2, (2 * MIB, 3 * MIB))):
        found = searched(0, (sizes[0], Outcome("ok")), (sizes[1], oom), budget=8 * MIB)
        trials = [replace(one, started_s=day * 100.0 + one.round) for one in found]
        paths.append(apart(tmp_path / f"{day}.jsonl", day, cases=(case,), trials=trials))
    limit = summaries(merged(tmp_path, *paths)[0])[0].limit
    assert limit is not None
    assert (limit.survived_bytes, limit.failed_bytes, limit.attempts) == (2 * MIB, 3 * MIB, 4)


def test_any_cut_of_any_runs_comes_back_together(tmp_path: Path) -> None:
    """Files that hold random parts of three runs, some several times: everything is there once."""
    draw = random.Random(20)
    moments = {day: measured(2, day * 86400.0) for day in (1, 2, 3)}
    for _ in range(8):
        paths, expected = [], dict[tuple[float, int], Trial]()
        for number in range(draw.randint(2, 7)):
            day = draw.choice((1, 2, 3))
            own = moments[day][: draw.randint(0, 8)]
            environment = ELSEWHERE if day == 3 else HERE
            paths.append(
                apart(tmp_path / f"{number}.jsonl", day, trials=own, environment=environment)
            )
            expected |= {(one.started_s, one.case): one for one in own}
        draw.shuffle(paths)
        run, _ = merged(tmp_path, *paths)
        assert sorted(one.started_s for one in run.trials) == sorted(at for at, _ in expected)
        keys = [(one.case, one.kind, one.round) for one in run.trials]
        assert len(set(keys)) == len(keys)


def test_nothing_is_written_where_something_fails_and_inputs_never_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = apart(tmp_path / "1.jsonl", 1), apart(tmp_path / "2.jsonl", 2)
    before = {path: path.read_bytes() for path in (one, two)}
    damaged = tmp_path / "damaged.jsonl"
    damaged.write_bytes(two.read_bytes() + b"{oops\n")
    output = tmp_path / "out" / "merged.jsonl"
    for arguments, code, said in (
        ([one, damaged], EXIT_USAGE, "damaged.jsonl, line"),
        ([one], EXIT_USAGE, "name two journals or more"),
        ([one, tmp_path / "none.jsonl"], EXIT_USAGE, "none.jsonl"),
    ):
        assert ferrybench(["merge", *map(str, arguments), "-o", str(output)]) == code
        assert said in capsys.readouterr().err
        assert not output.exists()
    for path in (one, two):
        command = ["merge", str(one), str(two), "-o", str(path), "--force"]
        assert ferrybench(command) == EXIT_USAGE
        assert "is read by this command" in capsys.readouterr().err
    assert ferrybench(["merge", str(one), str(two), "-o", "/dev/full", "--force"]) == EXIT_UNABLE
    assert ferrybench(["merge", str(one), str(two), "-o", str(output)]) == EXIT_OK
    assert ferrybench(["merge", str(one), str(two), "-o", str(output)]) == EXIT_USAGE
    assert "--force" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (one, two)} == before
    assert [path.name for path in output.parent.iterdir()] == ["merged.jsonl"]


def test_a_merged_run_is_reported_taken_apart_and_not_resumed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = apart(tmp_path / "1.jsonl", 1)
    there = apart(tmp_path / "2.jsonl", 2, environment=ELSEWHERE, steady_s=9e-3, ended="budget")
    output, folder = tmp_path / "merged.jsonl", tmp_path / "report"
    assert ferrybench(["merge", str(here), str(there), "-o", str(output)]) == EXIT_OK
    assert "16 trials of 4 cases from 2 runs on 2 machines" in capsys.readouterr().out
    assert ferrybench(["report", str(output), "-o", str(folder)]) == EXIT_OK
    assert {path.name for path in folder.iterdir()} == {"A", "B", "index.html", "summary.md"}
    assert "| `other size=1048576` | 2.02 ms (2.01–2.03 ms) | 18.2 ms" in (
        (folder / "summary.md").read_text()
    )
    page = (folder / "index.html").read_text()
    assert 'href="B/index.html"' in page
    assert "Another Processor" in (folder / "B" / "index.html").read_text()
    alone = tmp_path / "b.jsonl"
    assert ferrybench(["merge", str(output), "--machine", "B", "-o", str(alone)]) == EXIT_OK
    assert content(read_journal(alone)) == content(read_journal(there))
    capsys.readouterr()
    for command in (["export"], ["compare", str(here)], ["history"]):
        assert ferrybench([*command, str(output)]) == EXIT_USAGE
        assert "of 2 machines, A, B" in capsys.readouterr().err
    assert ferrybench(["run", "--resume", "-o", str(output)]) == EXIT_USAGE
    assert "was merged and cannot be resumed" in capsys.readouterr().err
    assert ferrybench(["merge", str(here), "--machine", "B", "-o", str(tmp_path / "c")]) == 2
    assert "it is of one machine" in capsys.readouterr().err


def test_a_history_counts_no_trial_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [apart(tmp_path / f"{day}.jsonl", day) for day in (1, 2)]
    merge(paths, tmp_path / "all.jsonl")
    ferrybench(["history", str(tmp_path)])
    said = "".join(capsys.readouterr())
    assert "2 runs" in said
    assert "all.jsonl (merged of runs that are here)" in " ".join(said.split())


def test_trials_without_a_moment_are_counted(tmp_path: Path) -> None:
    """Files of old, or made by hand, do not say when a trial began: its figures tell it."""
    alike = [trial(0, number, 1e-3) for number in range(4)]
    paths = [
        apart(tmp_path / f"{name}.jsonl", day, cases=CASES[:1], trials=alike[:count])
        for name, day, count in (("a", 1, 3), ("b", 1, 4))
    ]
    run, result = merged(tmp_path, *paths)
    assert (len(run.trials), result.repeated) == (4, 3)
