"""Planted changes are found in their runs, and nothing is found where nothing was planted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import run as ferrybench
from harness.errors import EXIT_NOT_JUDGED
from harness.history.as_text import case_lines, headline, machine_lines, remarks, run_lines
from harness.history.detect import history
from harness.history.discover import discover
from harness.history.machines import (
    by_machine,
    changed_between,
    hardware_that_differs,
    same_machine,
)
from harness.history.series import History
from harness.host.environment import Environment
from harness.schema.records import Outcome
from tests.history.made_runs import (
    CASES,
    PAYLOAD,
    Shape,
    case_of,
    from_run,
    history_of,
    run_id,
    series_of,
    where,
    write,
    write_runs,
)
from tests.journals import ENVIRONMENT, MIB

OOM = Outcome("oom", "cannot allocate 8 GiB")
NEW_TORCH = replace(
    ENVIRONMENT, hosts={"default": {"python": "3.11.7", "torch": "2.14.0+cpu", "numpy": "2.4.6"}}
)


def changed_series(found: History) -> set[tuple[str, str]]:
    return {
        (case.key.split()[0], series.metric.name)
        for case in found.cases
        for series in case.series
        if series.changes
    }


def test_a_second_copy_is_found_in_its_run_and_nowhere_else(tmp_path: Path) -> None:
    folder = write_runs(tmp_path, 20, from_run(11, "other", Shape(peak=2 * PAYLOAD)))
    found = history_of(folder)
    case = case_of(found, "other")
    assert where(case, "peak") == [run_id(11)]
    change = series_of(case, "peak").changes[0]
    assert (change.before, change.after, change.worse) == (PAYLOAD, 2 * PAYLOAD, True)
    assert changed_series(found) == {("moving/other", "peak"), ("moving/other", "kept")}
    assert headline(found) == "2 cases over 20 runs: 1 changed"


def test_fewer_page_faults_are_better(tmp_path: Path) -> None:
    found = history_of(write_runs(tmp_path, 8, from_run(3, "base", Shape(faults=8.0))))
    case = case_of(found, "base")
    assert where(case, "faults") == [run_id(3)]
    assert not series_of(case, "faults").changes[0].worse


def test_a_slower_strategy_is_found_by_its_ratio_and_its_time_is_advisory(tmp_path: Path) -> None:
    found = history_of(write_runs(tmp_path, 12, from_run(7, "other", Shape(seconds=1.25e-3))))
    case = case_of(found, "other")
    assert where(case, "ratio") == [run_id(7)]
    assert where(case, "time") == [run_id(7)]
    assert 1.2 < series_of(case, "ratio").changes[0].ratio < 1.3
    assert not series_of(case_of(found, "base"), "time").changes
    lines = [line for line, _ in case_lines(case, everything=False)]
    assert [("advisory" in line) for line in lines if "steady time" in line] == [True]


def test_a_machine_that_became_slower_changes_no_ratio(tmp_path: Path) -> None:
    slow = Shape(seconds=1.5e-3)

    def shapes(number: int) -> dict[str, Shape]:
        return {"base": slow, "other": slow} if number >= 6 else {}

    found = history_of(write_runs(tmp_path, 12, shapes))
    assert changed_series(found) == {("moving/base", "time"), ("moving/other", "time")}
    assert headline(found) == ("2 cases over 12 runs: 0 changed, 2 more in time alone (advisory)")


def test_nothing_is_found_where_nothing_changed(tmp_path: Path) -> None:
    found = history_of(write_runs(tmp_path, 12))
    assert not changed_series(found)
    assert headline(found) == "2 cases over 12 runs: 0 changed"


def test_one_odd_run_neither_makes_a_change_nor_hides_one(tmp_path: Path) -> None:
    odd = Shape(seconds=3e-3, peak=3 * PAYLOAD)
    alone = history_of(
        write_runs(tmp_path / "alone", 12, lambda n: {"other": odd} if n == 3 else {})
    )
    assert not changed_series(alone)

    def shapes(number: int) -> dict[str, Shape]:
        usual = Shape(seconds=1.3e-3, peak=2 * PAYLOAD) if number >= 9 else Shape()
        return {"other": odd if number == 3 else usual}

    both = case_of(history_of(write_runs(tmp_path / "both", 18, shapes)), "other")
    assert where(both, "ratio") == [run_id(9)]
    assert where(both, "peak") == [run_id(9)]


def test_the_newest_run_alone_is_no_change_of_a_number(tmp_path: Path) -> None:
    worse = Shape(seconds=2e-3, peak=2 * PAYLOAD)
    assert not changed_series(history_of(write_runs(tmp_path, 12, from_run(11, "other", worse))))


def test_there_and_back_are_two_changes(tmp_path: Path) -> None:
    double = {"other": Shape(peak=2 * PAYLOAD)}
    folder = write_runs(tmp_path, 12, lambda number: double if 4 <= number < 8 else {})
    assert where(case_of(history_of(folder), "other"), "peak") == [run_id(4), run_id(8)]


def test_what_else_changed_in_the_run_is_named(tmp_path: Path) -> None:
    def environment(number: int) -> Environment:
        return NEW_TORCH if number >= 11 else ENVIRONMENT

    planted = from_run(11, "other", Shape(peak=2 * PAYLOAD))
    found = history_of(write_runs(tmp_path, 20, planted, environment))
    change = series_of(case_of(found, "other"), "peak").changes[0]
    assert change.causes == ("torch: 2.13.0+cpu → 2.14.0+cpu",)
    [line] = run_lines(found)
    assert f"{run_id(11)}: 1 case changed: torch: 2.13.0+cpu → 2.14.0+cpu" in line


def test_where_nothing_else_is_known_to_have_changed_that_is_said(tmp_path: Path) -> None:
    found = history_of(write_runs(tmp_path, 20, from_run(11, "other", Shape(peak=2 * PAYLOAD))))
    assert series_of(case_of(found, "other"), "peak").changes[0].causes == ()
    [line] = run_lines(found)
    assert line.endswith("nothing else is known to have changed")


def test_a_strategy_that_was_rewritten_is_named(tmp_path: Path) -> None:
    first, second = discover([write_runs(tmp_path, 2)]).runs
    key = next(key for key in second.cases if "/other " in key)
    rewritten = replace(
        second, cases={**second.cases, key: replace(second.cases[key], source="another")}
    )
    assert changed_between(first, second, key) == ()
    assert changed_between(first, rewritten, key) == ("the strategy's code",)


def test_runs_of_two_machines_are_two_series(tmp_path: Path) -> None:
    other = replace(ENVIRONMENT, cpu_model="B Processor", processors=8)

    def environment(number: int) -> Environment:
        return other if number % 2 else ENVIRONMENT

    def shapes(number: int) -> dict[str, Shape]:
        """The second machine takes twice the memory, always."""
        return {"other": Shape(peak=2 * PAYLOAD)} if number % 2 else {}

    found = history_of(write_runs(tmp_path, 12, shapes, environment))
    assert not changed_series(found)
    assert [len(machine.runs) for machine in found.machines] == [6, 6]
    told = "\n".join(machine_lines(found))
    for text in ("A: A Processor", "B: B Processor, 8 processors", "processors: 2 → 8"):
        assert text in told
    assert headline(found) == "2 cases over 12 runs: 0 changed"


def test_a_kernel_that_keeps_more_memory_for_itself_makes_no_other_machine() -> None:
    newer = replace(ENVIRONMENT, kernel="6.2", memory_bytes=ENVIRONMENT.memory_bytes - 8 * MIB)
    larger = replace(ENVIRONMENT, memory_bytes=2 * ENVIRONMENT.memory_bytes)
    assert same_machine(ENVIRONMENT, newer)
    assert not same_machine(ENVIRONMENT, larger)


def test_an_outcome_that_changed_is_told_after_one_run(tmp_path: Path) -> None:
    found = history_of(write_runs(tmp_path, 3, from_run(2, "other", Shape(outcome=OOM))))
    case = case_of(found, "other")
    assert case.outcomes is not None
    assert [(one.at, one.before.name, one.after.name) for one in case.outcomes.changes] == [
        (2, "ok", "oom")
    ]
    lines = [line for line, _ in case_lines(case, everything=False)]
    assert any(f"{run_id(2)}: ok → oom: " in line and OOM.reason in line for line in lines)
    assert headline(found) == "2 cases over 3 runs: 1 changed"


def test_an_outcome_that_changes_again_and_again_comes_and_goes(tmp_path: Path) -> None:
    failed = {"other": Shape(outcome=OOM)}
    found = history_of(write_runs(tmp_path, 10, lambda number: failed if number % 2 else {}))
    lines = [line for line, _ in case_lines(case_of(found, "other"), everything=False)]
    assert "  outcome comes and goes: ok ×5, oom ×5; last oom" in lines
    assert not list(run_lines(found))


def test_too_few_runs_are_said_with_how_many_it_takes(tmp_path: Path) -> None:
    found = history_of(write_runs(tmp_path, 4, from_run(2, "other", Shape(peak=2 * PAYLOAD))))
    case = case_of(found, "other")
    assert where(case, "peak") == [run_id(2)]
    lines = [line for line, _ in case_lines(case, everything=True)]
    assert any("steady time" in line and "too few runs (4; 6 needed)" in line for line in lines)
    assert any(text.startswith("2 of 2 cases have too few runs") for text in remarks(found))


def test_a_run_in_which_a_case_was_skipped_says_nothing_of_it(tmp_path: Path) -> None:
    skipping = (CASES[0], replace(CASES[1], skip="takes 8 GiB, 4 GiB are free"))
    for number in range(6):
        write(tmp_path, number, cases=skipping if number == 3 else CASES)
    case = case_of(history_of(tmp_path), "other")
    assert case.outcomes is not None
    assert case.outcomes.runs == (0, 1, 2, 4, 5)
    assert not case.outcomes.changes
    assert series_of(case, "peak").runs == (0, 1, 2, 4, 5)


def test_only_the_metrics_that_are_asked_for_are_followed(tmp_path: Path) -> None:
    folder = write_runs(tmp_path, 6, from_run(3, "other", Shape(outcome=OOM)))
    machines = by_machine(discover([folder]).runs)
    found = history(machines, metrics=["peak"])
    assert {one.metric.name for case in found.cases for one in case.series} == {"peak"}
    assert not found.changed


@pytest.mark.parametrize(("strategy", "named"), [("base", True), ("other", False)])
def test_a_ratio_that_changed_by_its_baseline_says_so(
    strategy: str, named: bool, tmp_path: Path
) -> None:
    found = history_of(write_runs(tmp_path, 12, from_run(6, strategy, Shape(seconds=2e-3))))
    (change,) = series_of(case_of(found, "other"), "ratio").changes
    assert change.worse is not named
    assert [cause.partition(":")[0] for cause in change.causes] == (
        ["the baseline's own time"] if named else []
    )


def test_a_change_of_one_series_among_many_may_be_chance(tmp_path: Path) -> None:
    """Sure by itself, and not among as many series as this."""
    folder = write_runs(tmp_path, 12, from_run(6, "other", Shape(seconds=1.1e-3)))
    machines = by_machine(discover([folder]).runs)
    (few,) = history(machines, metrics=["ratio"]).changed
    assert series_of(few, "ratio").changes[0].sure
    (machine,) = machines
    base = next(key for key in machine.runs[0].cases if "/base " in key)
    other = next(key for key in machine.runs[0].cases if "/other " in key)
    runs = tuple(
        replace(run, cases={**run.cases, **{
            f"more/{n} x": replace(run.cases[other], values={"ratio": (1.0 + 0.001 * (n % 7),)},
                                   baseline=base)
            for n in range(30)
        }})
        for run in machine.runs
    )  # fmt: skip
    found = history([replace(machine, runs=runs)], metrics=["ratio"])
    assert found.changed_count == 0
    (case,) = found.doubtful
    assert "may be chance" in "\n".join(line for line, _ in case_lines(case, everything=False))
    assert headline(found).endswith("0 changed, 1 more possible (may be chance)")
    assert not list(run_lines(found))


@pytest.mark.parametrize("processes", [1, 4, 50])
def test_a_few_runs_are_never_sure_of_however_many_processes(
    processes: int, tmp_path: Path
) -> None:
    """Of four runs, two with more: by chance that is one way of six, up or down."""
    folder = write_runs(tmp_path, 4, from_run(2, "other", Shape(peak=2 * PAYLOAD)))
    (machine,) = by_machine(discover([folder]).runs)
    runs = tuple(
        replace(run, cases={
            key: replace(case, values={
                name: values[:1] * processes for name, values in case.values.items()
            })
            for key, case in run.cases.items()
        })
        for run in machine.runs
    )  # fmt: skip
    found = history([replace(machine, runs=runs)])
    assert (found.changed_count, found.doubtful_count) == (0, 1)
    doubts = [change.doubt for case in found.doubtful for one in case.series
              for change in one.changes if one.metric.name == "peak"]  # fmt: skip
    assert doubts == [pytest.approx(2 / 6)]


@pytest.mark.parametrize("lacking", [{"cpu_model": ""}, {"hypervisor": None}, {"caches_bytes": {}}])
def test_what_a_run_does_not_know_of_its_machine_makes_no_other_and_is_said(
    lacking: dict[str, object], tmp_path: Path
) -> None:
    known = replace(ENVIRONMENT, hypervisor=True, caches_bytes={"L3": 32 * MIB})
    less = replace(known, **lacking)  # type: ignore[arg-type]
    other = replace(known, cpu_model="B", hypervisor=False, caches_bytes={"L3": MIB})
    for order in ([less, known, known, other], [known, less, known, other]):
        folder = tmp_path / str(order.index(less))
        found = history_of(write_runs(folder, 4, lambda _: {}, order.__getitem__))
        assert [len(machine.runs) for machine in found.machines] == [3, 1]
        assert "it is not known whether all runs of A were made on the same machine" in remarks(
            found
        )
        (line,) = hardware_that_differs(found.machines)
        assert not line.endswith(": ")
    same = history_of(write_runs(tmp_path / "same", 4))
    assert not [remark for remark in remarks(same) if "not known" in remark]


@pytest.mark.parametrize("runs", [1, 3])
def test_too_few_runs_judge_nothing(runs: int, tmp_path: Path) -> None:
    found = history_of(write_runs(tmp_path, runs))
    assert not found.judged
    assert headline(found).startswith("nothing was judged: 2 cases over ")
    assert ferrybench(["history", str(tmp_path)]) == EXIT_NOT_JUDGED


def test_times_alone_judge_nothing_and_cells_of_a_matrix_are_judged(tmp_path: Path) -> None:
    (machine,) = by_machine(discover([write_runs(tmp_path, 12)]).runs)

    def judged(**changed: object) -> bool:
        runs = tuple(
            replace(run, cases={key: replace(one, **changed) for key, one in run.cases.items()})  # type: ignore[arg-type]
            for run in machine.runs
        )
        return history([replace(machine, runs=runs)]).judged

    assert judged()
    assert not judged(values={"time": (1.0,)})
    assert not judged(values={}, outcome=OOM)
    assert judged(values={}, asks_outcome_alone=True)
