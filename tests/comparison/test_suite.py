"""Verdicts on cases and suites, with changes planted by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import run
from harness.comparison.amounts import AMOUNTS
from harness.comparison.as_text import remarks
from harness.comparison.counted import AmountOnBothSides, Flag, new_differences
from harness.comparison.sides import match, pooled, side
from harness.comparison.suite import Rules, compare
from harness.comparison.tolerance import Tolerance, parse_tolerance
from harness.comparison.verdicts import RunComparison
from harness.errors import EXIT_NOT_JUDGED, EXIT_OK, EXIT_WORSE, UsageError
from harness.journal.read import read_journal
from harness.schema.records import Faults, Outcome, Rss, Trial
from tests.comparison.sides_made import (
    PAYLOAD,
    PROCESSES,
    Change,
    compared,
    matched,
    of,
    same,
    steady,
    suite,
    trials_of,
    usual,
)
from tests.journals import ENVIRONMENT, MIB, planned, trial


def words(folder: Path, change: Change, rules: Rules | None = None) -> list[str]:
    return [case.word for case in compared(folder, change, rules).cases]


def peak(extra: int, only: Iterable[int] = range(99)) -> Change:
    """More at the peak, in the trials of some rounds."""

    def change(one: Trial) -> Trial:
        assert one.ledger is not None
        more = Rss(anon_bytes=one.ledger.peak.anon_bytes + (extra if one.round in only else 0))
        return replace(one, ledger=replace(one.ledger, peak=more))

    return change


def left(extra: int) -> Change:
    def change(one: Trial) -> Trial:
        assert one.ledger is not None
        return replace(one, ledger=replace(one.ledger, left=Rss(anon_bytes=extra)))

    return change


def becomes(outcome: Outcome) -> Change:
    return lambda one: replace(one, outcome=outcome)


def test_identical_runs_are_the_same(tmp_path: Path) -> None:
    found = compared(tmp_path)
    assert [case.word for case in found.cases] == ["same"] * 3
    assert found.word == "nothing worse"
    assert found.exit_code == EXIT_OK


@pytest.mark.parametrize(
    ("extra", "word"),
    [
        (PAYLOAD // 20, "heavier"),
        (-PAYLOAD // 20, "lighter"),
        (PAYLOAD // 100, "same"),
    ],
)
def test_a_twentieth_of_the_payload_is_found_and_a_hundredth_is_not(
    tmp_path: Path, extra: int, word: str
) -> None:
    found = compared(tmp_path, peak(extra))
    assert [case.word for case in found.cases] == ["same", word, "same"]
    assert found.exit_code == (EXIT_WORSE if word == "heavier" else EXIT_OK)


def test_an_extra_share_of_the_payload_is_found_where_no_copy_was_made_before(
    tmp_path: Path,
) -> None:
    def without_memory(one: Trial) -> Trial:
        assert one.ledger is not None
        return replace(one, ledger=replace(one.ledger, peak=Rss(), retained=Rss()))

    nothing = usual(without_memory)
    base = suite(tmp_path, "base", nothing)
    candidate = suite(tmp_path, "candidate", [peak(PAYLOAD // 20)(one) for one in nothing])
    assert {case.word for case in compare(matched(base, candidate), Rules()).cases} == {"heavier"}


def test_memory_that_varies_by_itself_decides_nothing(tmp_path: Path) -> None:
    # GIVEN a candidate below the base, by more in one process than in the others
    def less(one: Trial) -> Trial:
        found = peak(-MIB * (1 + one.round))(one)
        assert found.ledger is not None
        return replace(found, ledger=replace(found.ledger, retained=Rss()))

    found = of(compared(tmp_path, less), "b", "memory at the peak")
    assert found.word == "inconclusive"
    assert "varies by 8 MiB" in found.reason


@pytest.mark.parametrize("only", [(1,), (1, 2), (1, 3, 5, 7)])
@pytest.mark.parametrize("extra", [4 * MIB, 144 * MIB])
def test_what_only_some_processes_of_the_candidate_take_is_not_called_the_same(
    tmp_path: Path, extra: int, only: tuple[int, ...]
) -> None:
    found = of(compared(tmp_path, peak(extra, only=only)), "b", "memory at the peak")
    assert found.word == "inconclusive"
    assert f"some of its processes take {extra // MIB} MiB more than any of the base" in (
        found.reason
    )


def test_what_varies_in_the_base_too_is_the_same(tmp_path: Path) -> None:
    varying = usual(peak(4 * MIB, only=(1, 2)))
    base, candidate = (suite(tmp_path, name, varying) for name in ("base", "candidate"))
    found = of(compare(matched(base, candidate), Rules()), "b", "memory at the peak")
    assert (found.word, found.reason) == ("same", "within its own variation of 4 MiB")


LUCK = (8 * MIB, 2 * MIB)
"""What either side takes by turns, by the luck of a round."""


@pytest.mark.parametrize(
    ("extra", "word", "apart"),
    [(MIB, "suspect", "inconclusive"), (-MIB, "lighter", "same"), (0, "same", "same")],
)
def test_luck_that_both_sides_share_hides_nothing(
    tmp_path: Path, extra: int, word: str, apart: str
) -> None:
    more: Change = lambda one: peak(LUCK[one.round % 2] + extra)(one)  # noqa: E731
    lucky: Change = lambda one: peak(LUCK[one.round % 2])(one)  # noqa: E731
    sides = (suite(tmp_path, name, usual(change)) for name, change in (("a", lucky), ("b", more)))
    match_ = matched(*sides)
    assert of(compare(match_, Rules(interleaved=True)), "b", "memory at the peak").word == word
    assert of(compare(match_, Rules()), "b", "memory at the peak").word == apart


def test_one_pair_that_disagrees_is_enough_not_to_flag_it(tmp_path: Path) -> None:
    lucky: Change = lambda one: peak(LUCK[one.round % 2])(one)  # noqa: E731
    more: Change = lambda one: peak(LUCK[one.round % 2] + MIB * (one.round != 2))(one)  # noqa: E731
    base, candidate = (
        suite(tmp_path, name, usual(change)) for name, change in (("a", lucky), ("b", more))
    )
    found = compare(matched(base, candidate), Rules(interleaved=True))
    assert of(found, "b", "memory at the peak").word == "inconclusive"


@pytest.mark.parametrize(
    ("again", "word"),
    [
        ((), "suspect"),
        ((MIB,) * 7, "suspect"),  # one is flagged: eight are needed
        ((MIB,) * 8, "heavier"),
        ((0, *(MIB,) * 8), "suspect"),  # one may speak against it, if there are more
        ((0, *(MIB,) * 11), "heavier"),
        ((0, 0), "same"),
        ((MIB,) * 3 + (0, 0), "inconclusive"),
    ],
)
def test_what_is_flagged_is_decided_by_the_signs_of_new_pairs_alone(
    tmp_path: Path, again: tuple[int, ...], word: str
) -> None:
    more: Change = lambda one: peak(LUCK[one.round % 2] + MIB)(one)  # noqa: E731
    lucky: Change = lambda one: peak(LUCK[one.round % 2])(one)  # noqa: E731

    def new(side: str) -> list[Trial]:
        return [
            peak(extra if side == "candidate" else 0)(
                replace(trial(1, 0, payload=PAYLOAD), round=20 + number, again=True)
            )
            for number, extra in enumerate(again)
        ]

    for name, change in (("base", lucky), ("candidate", more)):
        suite(tmp_path, name, [*usual(change), *new(name)])
    found = compare(
        matched(tmp_path / "base.jsonl", tmp_path / "candidate.jsonl"), Rules(interleaved=True)
    )
    assert of(found, "b", "memory at the peak").word == word
    assert found.exit_code == {"heavier": EXIT_WORSE, "suspect": EXIT_NOT_JUDGED}.get(word, EXIT_OK)


def test_new_pairs_are_of_the_kind_that_raised_the_flag(tmp_path: Path) -> None:
    """However many duets there are, and whether or not trials of memory were made again."""
    one = replace(trial(1, 0, payload=PAYLOAD), again=True)
    again = [
        *(replace(one, kind="duet", round=20 + number) for number in range(12)),
        *(replace(one, kind="memory", round=20 + number) for number in range(3)),
    ]

    def more(extra: int) -> list[Trial]:
        first = [peak(extra)(one) for one in usual() if one.case == 1 and one.kind == "memory"]
        return [*first, *(peak(extra * (one.kind == "duet"))(one) for one in again)]

    base, candidate = (
        side(read_journal(suite(tmp_path, name, more(extra)))).cases
        for name, extra in (("base", 0), ("candidate", MIB))
    )
    (key,) = [key for key in base if "/b " in key]
    amount = next(one for one in AMOUNTS if one.name == "memory at the peak")
    assert new_differences(amount, base[key], candidate[key]) == (0, 0, 0)
    alone = [replace(case, trials=tuple(t for t in case.trials if not t.again or t.kind == "duet"))
             for case in (base[key], candidate[key])]  # fmt: skip
    assert new_differences(amount, *alone) == ()


@pytest.mark.parametrize(
    ("again", "left"),
    [((MIB,) * 7, "1 new pair "), ((0, *(MIB,) * 8), "3 new pairs "), ((0, *(MIB,) * 4), "7 new")],
)
def test_how_many_new_pairs_are_missing_is_said(
    tmp_path: Path, again: tuple[int, ...], left: str
) -> None:
    amount = next(one for one in AMOUNTS if one.name == "memory at the peak")
    held = AmountOnBothSides(amount, (0.0,) * 3, (float(MIB),) * 3, allowed=MIB / 2)
    finding = Flag(held, "1 MiB more", tuple(map(float, again))).finding(flagged=1)
    assert (finding.word, f"measuring ended {left}" in finding.reason) == ("suspect", True)


@pytest.mark.parametrize(("arenas", "word"), [((0, 0), "heavier"), ((MIB, 0), "same")])
def test_memory_is_no_finer_than_the_arenas_that_small_objects_come_in(
    tmp_path: Path, arenas: tuple[int, int], word: str
) -> None:
    def takes(arena: int, extra: int) -> Change:
        def change(one: Trial) -> Trial:
            more = peak(extra)(one)
            assert more.ledger is not None
            return replace(more, ledger=replace(more.ledger, arena_bytes=arena))

        return change

    base = suite(tmp_path, "base", usual(takes(arenas[0], 0)))
    candidate = suite(tmp_path, "candidate", usual(takes(arenas[1], MIB + 64 * 1024)))
    found = compare(matched(base, candidate), Rules())
    assert of(found, "b", "memory at the peak").word == word
    # More than an arena is found all the same.
    candidate = suite(tmp_path, "candidate", usual(takes(arenas[1], 2 * MIB)))
    assert of(compare(matched(base, candidate), Rules()), "b", "memory at the peak").word == (
        "heavier"
    )


def against(folder: Path, *changes: Change) -> RunComparison:
    """The usual suite against runs of it in which ``b`` is changed."""
    base = side(read_journal(suite(folder, "base", usual())))
    candidates = [
        side(read_journal(suite(folder, f"candidate-{number}", usual(change))))
        for number, change in enumerate(changes)
    ]
    return compare(match(base, pooled(candidates)), Rules())


def test_what_is_heavier_in_one_run_of_the_candidate_alone_is_luck(tmp_path: Path) -> None:
    heavier = peak(PAYLOAD // 20)
    assert against(tmp_path, heavier).word == "worse"
    assert against(tmp_path, heavier, heavier).word == "worse"
    found = against(tmp_path, heavier, same)
    assert found.word == "nothing worse"
    finding = of(found, "b", "memory at the peak")
    assert finding.word == "inconclusive"
    assert "some of its processes take 819 KiB more" in finding.reason


@pytest.mark.parametrize(
    ("base", "interleaved", "advice"),
    [
        (10, False, "measure them again, and pass every run of the candidate to compare"),
        (1, False, "no further run of the candidate can decide"),
        (10, True, "measuring ended before they were confirmed; give ferrybench ab a larger"),
    ],
)
def test_what_to_do_about_suspects_is_said_as_it_applies(
    tmp_path: Path, base: int, interleaved: bool, advice: str
) -> None:
    then = suite(tmp_path, "base", usual(processes=base - 1))
    now = suite(tmp_path, "candidate", usual(peak(MIB), base - 1 if interleaved else 0))
    found = compare(matched(then, now), Rules(interleaved=interleaved))
    (said,) = [remark for remark in remarks(found) if remark.startswith("suspect cases")]
    assert advice in said


@pytest.mark.parametrize(
    ("changed", "same_machine", "unknown"),
    [
        ({}, True, False),
        ({"cpu_model": ""}, True, True),
        ({"processors": 0, "memory_bytes": 0}, True, True),
        ({"memory_bytes": ENVIRONMENT.memory_bytes * 99 // 100}, True, False),
        ({"memory_bytes": ENVIRONMENT.memory_bytes // 2}, False, False),
        ({"cpu_model": "", "processors": 99}, False, False),
    ],
)
def test_it_is_said_where_the_machine_may_be_another(
    tmp_path: Path, changed: dict[str, object], same_machine: bool, unknown: bool
) -> None:
    elsewhere = replace(ENVIRONMENT, **changed)  # type: ignore[arg-type]
    base = suite(tmp_path, "base", usual())
    other = suite(tmp_path, "other", usual(), environment=elsewhere)
    found = compare(matched(base, other), Rules())
    assert found.match.same_machine is same_machine
    assert ("it is not known whether the machine is the same" in list(remarks(found))) is unknown


def test_a_second_look_that_was_cut_off_takes_no_suspicion_away(tmp_path: Path) -> None:
    base = side(read_journal(suite(tmp_path, "base", usual(processes=2))))
    first = suite(tmp_path, "first", trials_of(1, 0, peak(MIB)), cases=[*map(planned, "abc")])
    cut_off = suite(tmp_path, "second", [], end="budget")
    looks = [side(read_journal(path)) for path in (first, cut_off)]
    for candidates in (looks, looks[::-1]):
        found = compare(match(base, pooled(candidates)), Rules())
        assert next(case.word for case in found.cases if "/b " in case.key) == "suspect"
        assert found.exit_code == EXIT_NOT_JUDGED


@pytest.mark.parametrize(("base", "further"), [(1, None), (2, None), (3, 18), (5, 8), (10, 4)])
def test_only_what_further_readings_can_decide_is_to_be_measured_again(
    tmp_path: Path, base: int, further: int | None
) -> None:
    then = suite(tmp_path, "base", usual(processes=base - 1))
    now = suite(tmp_path, "candidate", usual(peak(MIB), 0))
    suspects = tmp_path / "suspects.txt"
    arguments = ["compare", str(then), str(now), "--suspects", str(suspects)]
    assert run(arguments) == EXIT_NOT_JUDGED
    found = compare(matched(then, now), Rules())
    finding = of(found, "b", "memory at the peak")
    assert (finding.word, finding.further) == ("suspect", further)
    named = [case.key for case in found.cases if "/b " in case.key]
    assert suspects.read_text().split("\n")[:-1] == (named if further else [])


def test_what_fails_in_any_run_of_the_candidate_is_broken(tmp_path: Path) -> None:
    fails = becomes(Outcome("error", "it does not"))
    for changes in ((fails, same), (same, fails)):
        found = against(tmp_path, *changes)
        assert of(found, "b", "outcome").word == "broken"


def test_processes_of_several_runs_are_told_apart(tmp_path: Path) -> None:
    runs = [side(read_journal(suite(tmp_path, name, usual()))) for name in ("one", "other")]
    cases = pooled(runs).cases.values()
    assert cases
    for case in cases:
        assert [trial.round for trial in case.trials] == list(range(2 * (PROCESSES + 1)))


def test_runs_of_different_machines_are_not_put_together(tmp_path: Path) -> None:
    elsewhere = replace(ENVIRONMENT, cpu_model="another one")
    runs = [
        side(read_journal(suite(tmp_path, "here", usual()))),
        side(read_journal(suite(tmp_path, "there", usual(), environment=elsewhere))),
    ]
    with pytest.raises(UsageError, match=r"different machines .cpu_model: .*another one"):
        pooled(runs)


def test_a_leak_is_found(tmp_path: Path) -> None:
    finding = of(compared(tmp_path, left(PAYLOAD // 20)), "b", "memory left after it was dropped")
    assert finding.word == "heavier"
    assert "more than the base" in finding.reason


def test_a_lost_share_is_heavier_and_a_won_one_lighter(tmp_path: Path) -> None:
    shares: Change = lambda one: replace(one, shares_memory=True)  # noqa: E731
    copies = suite(tmp_path, "copies", usual())
    shared = suite(tmp_path, "shared", usual(shares))
    assert compare(matched(shared, copies), Rules()).word == "worse"
    better = compare(matched(copies, shared), Rules())
    assert [case.word for case in better.cases] == ["same", "lighter", "same"]


def test_page_faults_gate(tmp_path: Path) -> None:
    change: Change = lambda one: replace(one, faults_first=Faults(1000.0, 0.0))  # noqa: E731
    finding = of(compared(tmp_path, change), "b", "page faults of the first call")
    assert (finding.word, finding.base, finding.candidate) == ("heavier", 257.0, 1000.0)


@pytest.mark.parametrize("name", ["wrong", "error", "oom", "timeout", "crash"])
def test_what_worked_and_no_longer_does_is_broken(tmp_path: Path, name: str) -> None:
    outcome = Outcome(name, "it does not")  # type: ignore[arg-type]
    found = compared(tmp_path, becomes(outcome))
    assert found.exit_code == EXIT_WORSE
    assert "it does not" in of(found, "b", "outcome").reason
    assert [case.word for case in found.cases] == ["same", "broken", "same"]


def test_what_failed_and_works_is_mended_and_other_failures_cannot_be_compared(
    tmp_path: Path,
) -> None:
    failing = suite(tmp_path, "failing", usual(becomes(Outcome("error", "no"))))
    crashing = suite(tmp_path, "crashing", usual(becomes(Outcome("crash", "SIGSEGV"))))
    fine = suite(tmp_path, "fine", usual())
    assert compare(matched(failing, fine), Rules()).cases[1].word == "mended"
    assert compare(matched(failing, failing), Rules()).cases[1].word == "not judged"
    assert compare(matched(failing, crashing), Rules()).cases[1].word == "not comparable"


def test_a_slower_case_is_advisory_unless_the_runs_were_interleaved(tmp_path: Path) -> None:
    found = compared(tmp_path, steady(2e-3))
    assert found.cases[1].word == "same"
    assert [finding.word for finding in found.cases[1].advisory] == ["slower"]
    assert "not interleaved" in found.why_not_time
    assert found.exit_code == EXIT_OK


def test_one_process_a_side_can_never_decide(tmp_path: Path) -> None:
    found = compared(tmp_path, steady(5e-3), processes=1)
    finding = of(found, "b", "time")
    assert finding.word == "inconclusive"
    assert "too few processes to decide" in finding.reason


def test_strict_counts_what_could_not_be_decided(tmp_path: Path) -> None:
    base = suite(tmp_path, "base", usual())
    fewer = suite(
        tmp_path, "fewer", usual()[: 2 * (PROCESSES + 1)], cases=[planned("a"), planned("b")]
    )
    lenient, strict = (compare(matched(base, fewer), Rules(strict=s)) for s in (False, True))
    assert [case.word for case in lenient.cases] == ["same", "same", "not measured"]
    assert (lenient.word, lenient.exit_code) == ("nothing worse", EXIT_OK)
    assert (strict.word, strict.exit_code) == ("inconclusive", EXIT_WORSE)


def test_what_both_skip_is_no_loss_even_if_strict(tmp_path: Path) -> None:
    cases = [planned("a"), planned("b", skip="needs a package")]
    trials = usual()[:4]
    one, two = (suite(tmp_path, name, trials, cases=cases) for name in ("one", "two"))
    found = compare(matched(one, two), Rules(strict=True))
    assert [case.word for case in found.cases] == ["same", "skipped"]
    assert found.exit_code == EXIT_OK


def test_a_case_that_only_the_candidate_skips_is_not_measured(tmp_path: Path) -> None:
    base = suite(
        tmp_path, "base", usual()[: 2 * (PROCESSES + 1)], cases=[planned("a"), planned("b")]
    )
    skips = [planned("a"), planned("b", skip="needs a package")]
    found = compare(
        matched(base, suite(tmp_path, "other", usual()[: PROCESSES + 1], cases=skips)), Rules()
    )
    assert found.cases[1].word == "not measured"
    assert "candidate: needs a package" in found.cases[1].decisive.reason


def test_runs_without_a_common_case_are_never_passed(tmp_path: Path) -> None:
    base = suite(tmp_path, "base", usual())
    other = suite(tmp_path, "other", [trial(0, 0)], cases=[planned("elsewhere")])
    found = compare(matched(base, other), Rules())
    assert (found.word, found.exit_code) == ("nothing was judged", EXIT_NOT_JUDGED)
    everything_skipped = suite(tmp_path, "skipped", [], cases=[planned("a", skip="no")])
    found = compare(matched(everything_skipped, everything_skipped), Rules())
    assert found.exit_code == EXIT_NOT_JUDGED


def test_another_machine_is_named_and_its_times_do_not_gate(tmp_path: Path) -> None:
    base = suite(tmp_path, "base", usual())
    elsewhere = replace(ENVIRONMENT, cpu_model="Another", kernel="6.2", load_1m=9.0)
    there = suite(tmp_path, "there", usual(steady(2e-3)), environment=elsewhere)
    found = compare(matched(base, there), Rules())
    assert [one.text for one in found.match.differences] == [
        "cpu_model: A Processor → Another",
        "kernel: 6.1 → 6.2",
    ]
    assert "machines differ" in found.why_not_time
    assert found.exit_code == EXIT_OK
    heavier = suite(tmp_path, "heavier", usual(peak(4 * MIB)), environment=elsewhere)
    assert compare(matched(base, heavier), Rules()).exit_code == EXIT_WORSE


def test_versions_of_hosts_are_named(tmp_path: Path) -> None:
    base = suite(tmp_path, "base", usual())
    newer = replace(ENVIRONMENT, hosts={"default": {"python": "3.12.1", "torch": "2.13.0+cpu"}})
    found = matched(base, suite(tmp_path, "newer", usual(), environment=newer))
    assert [one.text for one in found.differences] == [
        "python: 3.11.7 → 3.12.1",
        "numpy: 2.4.6 → unknown",
    ]
    assert found.same_machine


def test_tolerances_are_read(tmp_path: Path) -> None:
    assert parse_tolerance("") == Tolerance()
    assert parse_tolerance("time=10%,memory=0.5") == Tolerance(time=0.1, memory=0.005)
    loose = Rules(parse_tolerance("memory=30%"))
    assert words(tmp_path, peak(PAYLOAD // 4), loose) == ["same"] * 3
    assert words(tmp_path, same, loose) == ["same"] * 3


@pytest.mark.parametrize("text", ["speed=5%", "time", "time=fast", "memory=-1%", "time=nan"])
def test_tolerances_that_cannot_be_meant_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--tolerance"):
        parse_tolerance(text)


@pytest.mark.parametrize("side_of", ["base", "candidate", "both"])
def test_memory_that_may_be_more_is_not_the_same(tmp_path: Path, side_of: str) -> None:
    def unknown(one: Trial) -> Trial:
        assert one.ledger is not None
        return replace(one, ledger=replace(one.ledger, at_least="24 MiB lay free"))

    base = suite(tmp_path, "base", usual(same if side_of == "candidate" else unknown))
    candidate = suite(tmp_path, "candidate", usual(same if side_of == "base" else unknown))
    found = compare(matched(base, candidate), Rules(strict=True))
    for what in ("memory at the peak", "memory kept with the result", "memory left after it was"):
        finding = next(one for one in found.cases[1].findings if one.what.startswith(what))
        assert finding.word == "not measured"
        assert "lay free" in finding.reason
    assert found.cases[1].word == "not measured"
    assert found.exit_code == EXIT_WORSE  # of a strict comparison
