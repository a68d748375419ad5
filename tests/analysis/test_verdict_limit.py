"""Verdicts on searches under a limit: planted frontiers, models and failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from harness.analysis.failure_wording import ends, is_fatal
from harness.analysis.remarks import case_remarks
from harness.analysis.verdict import Verdict, verdict
from harness.cases.summaries import summaries
from harness.journal.read import read_journal
from harness.schema.records import Outcome, PlannedCase, Trial
from tests.analysis.planted import Point, planned_at, sweep_at
from tests.journals import MIB, searched
from tests.report.file_runs import (
    ABORTS,
    BASE,
    BUDGET,
    GRID,
    NO_ARRAY,
    NO_TENSOR,
    grid,
    limiting,
    limiting_run,
    search_of,
)

POINT: Point = {"budget_bytes": BUDGET, "limit": "data"}
OK = Outcome("ok")


def told(folder: Path, searches: Mapping[str, list[Trial]], copies: float = 1.0) -> Verdict:
    """The verdict on searches by strategy, whose cost models all say the same."""
    info = limiting()
    cases = [replace(planned_at(info, name, POINT), expected_copies=copies) for name in searches]
    trials = [
        replace(one, case=index) for index, own in enumerate(searches.values()) for one in own
    ]
    return verdict(sweep_at(folder, info, cases, trials))


def test_the_largest_and_the_smallest_are_told_by_source(tmp_path: Path) -> None:
    run = read_journal(limiting_run(tmp_path, (BUDGET,)))
    found = verdict(sweep_at(tmp_path, limiting(), run.header.plan.cases, run.trials))
    # 312 MiB are left; sizes lie 2.5 MiB apart
    assert found.sentences[0] == (
        "Within 512 MiB of memory of the process's own (`RLIMIT_DATA`), of which Python and torch "
        "take 200 MiB before any data, `making` succeeds up to 310 MiB with `sharing`, but only up "
        "to 25 MiB with `listing`: 12× less."
    )
    assert found.sentences[1] == (
        "`feeding` succeeds beyond 1 GiB with `mapping`, but only up to 310 MiB with "
        "`loading`: more than 3.3× less."
    )
    assert [ranking.winner.strategy for ranking in found.rankings if ranking.winner] == [
        "sharing",
        "mapping",
    ]


def test_sizes_that_two_searches_could_confuse_are_one(tmp_path: Path) -> None:
    # GIVEN largest sizes that lie 1.5% of the budget apart
    most = grid(100 * MIB)
    searches = {
        name: searched(0, (size, OK), (size + GRID, NO_TENSOR), budget=BUDGET, base=BASE)
        for name, size in (("copying", most), ("sharing", most - 3 * GRID))
    }
    found = told(tmp_path, searches)
    assert found.sentences[0].endswith("`making` succeeds up to 100 MiB with every way.")
    assert found.rankings[0].winner is None
    # BUT not 2.5%
    searches["sharing"] = searched(
        0, (most - 5 * GRID, OK), (most - 4 * GRID, NO_TENSOR), budget=BUDGET, base=BASE
    )
    assert (
        "100 MiB with `copying`, but only up to 87.5 MiB with `sharing`"
        in told(tmp_path, searches).text
    )


def test_a_small_size_is_not_known_to_more_digits_than_the_search_has(tmp_path: Path) -> None:
    # GIVEN largest sizes of 120 grid steps and of one, which might as well be almost two
    searches = {
        "copying": searched(0, (120 * GRID, OK), (121 * GRID, NO_TENSOR), budget=BUDGET, base=BASE),
        "listing": searched(0, (GRID, OK), (2 * GRID, NO_TENSOR), budget=BUDGET, base=BASE),
    }
    assert "`listing`: about 100× less." in told(tmp_path, searches).text


def test_a_search_that_gave_up_tells_a_least(tmp_path: Path) -> None:
    attempts = [(GRID * 20, OK)] * 14 + [(GRID * 60, NO_TENSOR)]
    found = told(tmp_path, {"copying": searched(0, *attempts, budget=BUDGET, base=BASE)})
    assert "succeeds up to at least 50 MiB with `copying`" in found.text


class TestModels:
    """What cost models foretell."""

    def test_all_that_hold_are_counted_and_what_fits_elsewhere_is_told(
        self, tmp_path: Path
    ) -> None:
        text = told(tmp_path, {name: search_of(0, 2.0) for name in ("copying", "aborting")}).text
        assert "The cost models predict 2 of 2 largest sizes." in text
        # (8 GiB - 200 MiB) / 2
        assert (
            "By its cost model, 2.00× the data in all, which this run confirms, `copying` has room "
            "for 3.9 GiB in 8 GiB, 15.9 GiB in 32 GiB and 63.9 GiB in 128 GiB." in text
        )

    def test_one_that_does_not_is_told_with_both_sizes_and_foretells_nothing(
        self, tmp_path: Path
    ) -> None:
        text = told(tmp_path, {"copying": search_of(0, 3.0)}).text
        assert "predict 0 of 1 largest sizes, but not `copying` (102 MiB, not 156 MiB)." in text
        assert "GiB" not in text

    def test_more_than_foretold_is_no_wonder_where_some_memory_does_not_count(
        self, tmp_path: Path
    ) -> None:
        text = told(tmp_path, {"copying": search_of(0, 1.0)}).text
        assert "; `RLIMIT_DATA` does not count shared memory or mapped files." in text

    def test_without_a_model_nothing_is_foretold(self, tmp_path: Path) -> None:
        info = limiting()
        cases = [PlannedCase(planned_at(info, "copying", POINT).case, True)]
        text = verdict(sweep_at(tmp_path, info, cases, search_of(0, 2.0))).text
        assert "model" not in text


class TestFailures:
    """How a size fails that is too large."""

    def test_what_cannot_be_caught_is_named_with_its_line(self, tmp_path: Path) -> None:
        text = told(
            tmp_path, {"copying": search_of(0, 2.0), "aborting": search_of(0, 2.0, ABORTS)}
        ).text
        assert (
            "Above its largest size `aborting` (at `making.py:99`) aborts the process; "
            "`except` cannot catch that." in text
        )

    def test_of_several_kinds_each_is_told(self, tmp_path: Path) -> None:
        killed = Outcome("oom", "SIGKILL (killed by the kernel)", "killed for memory")
        failures = {"copying": ABORTS, "sharing": ABORTS, "listing": killed}
        text = told(tmp_path, {n: search_of(0, 2.0, how) for n, how in failures.items()}).text
        assert (
            "Above their largest sizes `copying` (at `making.py:99`), `sharing` (at "
            "`making.py:99`) abort the process; `listing` is killed for its memory; `except`"
            in text
        )

    def test_exceptions_are_no_news(self, tmp_path: Path) -> None:
        worker = Outcome(
            "crash", "RuntimeError: DataLoader worker (pid 7) is killed by signal: Bus error",
            "bus error",
        )  # fmt: skip
        for failure in (NO_TENSOR, NO_ARRAY, worker):
            text = told(tmp_path, {"copying": search_of(0, 2.0, failure)}).text
            assert "no `except`" not in text

    def test_what_fails_in_making_the_data_is_told(self, tmp_path: Path) -> None:
        searches = {
            "copying": search_of(0, 2.0),
            "sharing": search_of(0, 1.0, NO_ARRAY, stage="inputs"),
        }
        assert "With `sharing` the data itself no longer fits." in told(tmp_path, searches).text
        del searches["sharing"]
        assert "data itself" not in told(tmp_path, searches).text

    def test_a_budget_too_small_for_anything_is_named(self, tmp_path: Path) -> None:
        searches = {
            "copying": searched(
                0, (GRID, NO_ARRAY), budget=BUDGET, base=BUDGET - MIB, stage="inputs"
            ),
            "sharing": search_of(0, 1.0),
        }
        text = told(tmp_path, searches).text
        assert "Not usable here: `copying` (oom: array memory)." in text


class TestOtherLimits:
    """What another kind of limit holds of the same budget."""

    KILLED = Outcome("oom", "SIGKILL (killed by the kernel)", "killed for memory")

    def told(self, folder: Path, multiple: float) -> str:
        info = limiting()
        cases: list[PlannedCase] = []
        trials: list[Trial] = []
        for name, by_kind in (("copying", (2.0, 2.0)), ("sharing", (1.0, multiple))):
            for kind, takes in zip(("data", "cgroup"), by_kind, strict=True):
                failure = NO_TENSOR if kind == "data" else self.KILLED
                for one in search_of(len(cases), takes, failure):
                    assert one.limit is not None
                    trials.append(replace(one, limit=replace(one.limit, limit=kind)))
                cases.append(planned_at(info, name, POINT | {"limit": kind}))
        return verdict(sweep_at(folder, info, cases, trials)).text

    def test_the_greatest_difference_is_told(self, tmp_path: Path) -> None:
        assert (
            "Of 512 MiB, a cgroup leaves room for 155 MiB with `sharing`, `RLIMIT_DATA` for 310 "
            "MiB, and larger data gets the process killed there." in self.told(tmp_path, 2.0)
        )

    def test_where_there_is_none_nothing_is(self, tmp_path: Path) -> None:
        assert "cgroup" not in self.told(tmp_path, 1.01)


@pytest.mark.parametrize(
    ("outcome", "kind", "one", "several"),
    [
        ("crash", "abort", "aborts the process", "abort the process"),
        ("crash", "", "ends the process", "end the process"),
        ("timeout", "hang", "hangs", "hang"),
        ("error", "disk full", "fills the disk", "fill the disk"),
        ("error", "shared memory full", "fills the shared memory", "fill the shared memory"),
        ("error", "bus error", "fails", "fail"),  # a worker's, which its parent told
        ("oom", "tensor memory", "runs out of memory", "run out of memory"),
        ("wrong", "wrong data", "gives a wrong result", "give wrong results"),
    ],
)
def test_an_ending_is_told_by_what_gave_way(
    outcome: str, kind: str, one: str, several: str
) -> None:
    assert ends(outcome, kind) == one
    assert ends(outcome, kind, several=True) == several


@pytest.mark.parametrize(
    ("kind", "reason", "fatal"),
    [
        ("abort", "SIGABRT (aborted)", True),
        ("hang", "no answer within 60 s", True),
        ("tensor memory", "RuntimeError: can't allocate memory", False),
        ("killed", "RuntimeError: DataLoader worker is killed by signal: Killed", False),
        ("", "ValueError: no", False),
    ],
)
def test_what_a_program_can_catch_is_not_fatal(kind: str, reason: str, fatal: bool) -> None:
    assert is_fatal(kind, reason) is fatal


def test_searches_have_findings_of_their_own_and_no_others(tmp_path: Path) -> None:
    run = read_journal(limiting_run(tmp_path))
    (found,) = case_remarks(summaries(run), [limiting()])
    assert (found.kind, found.strategy, found.also) == ("largest size", "listing", 1)
    assert found.text.endswith("the data taken, 6.00× declared")
