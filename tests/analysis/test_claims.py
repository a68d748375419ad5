"""Verdicts on claims, against runs of which the truth is known."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.analysis.claims.command import _counted
from harness.analysis.claims.declared import Claim, Part
from harness.analysis.claims.judge import Answer, answers
from harness.analysis.claims.wording import evidence_text, undecided_text
from harness.cases.summaries import summaries
from harness.journal.lines import Run
from harness.journal.read import read_journal
from harness.schema.records import Outcome, PlannedCase, Rss, Trial, Value
from harness.selfcheck.claims_changed import flipped, rested_on, shuffled, unplanned, without
from tests.journals import MIB, case, parameter, planned, scenario, strategy, trial, write_run
from tests.some import some

SIZES = (1 * MIB, 4 * MIB)
NAMES = ("base", "other", "third", "fourth")
SCATTER = 0.03


def run_of(
    folder: Path,
    times: Mapping[str, Sequence[float]],
    *,
    copies: Mapping[str, float] | None = None,
    outcomes: Mapping[str, Outcome] | None = None,
    trials: int = 3,
    seed: int = 1,
) -> Run:
    """A run whose strategies take so long at each of the two sizes, and need so many copies."""
    draw = random.Random(seed)
    cases: list[PlannedCase] = []
    done: list[Trial] = []
    for name, seconds in times.items():
        for size, centre in zip(SIZES, seconds, strict=True):
            index = len(cases)
            cases.append(planned(name, size, baseline=name == "base"))
            outcome = (outcomes or {}).get(name)
            peak = Rss(anon_bytes=round((copies or {}).get(name, 1.0) * 16 * MIB))
            for number in range(trials + 1 if outcome is None else 1):
                one_s = centre * (1 + SCATTER * draw.gauss(0, 1))
                done.append(
                    trial(index, number, one_s, payload=16 * MIB, peak=peak, outcome=outcome)
                )
    infos = [scenario([strategy(name) for name in times])]
    return read_journal(write_run(folder / "run.jsonl", cases, done, infos=infos))


FOUR = {"base": (1e-3, 4e-3), "other": (5e-4, 2e-3), "third": (2e-3, 8e-3), "fourth": (8e-4, 1e-2)}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return run_of(tmp_path, FOUR, copies={"base": 2.0, "third": 0.01})


def claim(*parts: Part, code: str = "1") -> Claim:
    text = "It is so."
    return Claim(code=code, statement=text, source="a test", parts=parts, scenario="moving")


def faster(one: str = "other", bound: float = 0.8, **more: object) -> Claim:
    given = {"over": {"size": ("1MiB", "4MiB")}, "at_most": bound} | more
    return claim(Part(metric="time", of=one, against="base", **given))  # type: ignore[arg-type]


def answer(run: Run, one: Claim) -> Answer:
    (found,) = answers([one], summaries(run), run.header.scenarios)
    return found


def verdict(run: Run, one: Claim) -> str:
    return answer(run, one).judged.verdict


def test_a_planted_ratio_is_told_from_its_bound(run: Run) -> None:
    assert verdict(run, faster("other")) == "confirmed"
    assert verdict(run, faster("third")) == "refuted"
    text = evidence_text(answer(run, faster("other")).judged)
    assert text.startswith("time of other ÷ base: 0.5")
    assert text.endswith("at 2 places; claimed at most 0.80×")


def test_one_that_flips_is_bracketed(run: Run) -> None:
    found = answer(run, faster("fourth", 1.0))
    assert found.judged.verdict == "depends"
    assert "holds at size 1 MiB (0." in evidence_text(found.judged)
    assert "not at 4 MiB (2." in evidence_text(found.judged)


def test_what_lies_at_the_margin_is_undecided_and_says_what_would_decide(run: Run) -> None:
    found = answer(run, faster("other", 0.5))
    assert found.judged.verdict == "undecided"
    assert "too close to the margin" in found.judged.why
    assert found.deciding is not None
    assert found.deciding.text.startswith(
        "ferrybench run --quick moving/other moving/base --scenarios moving.py "
        "--set size=1MiB,4MiB --trials "
    )
    assert found.deciding.text in undecided_text(found)


def test_a_value_that_was_not_measured_decides_nothing(run: Run) -> None:
    found = answer(run, faster("other", over={"size": ("1MiB", "64MiB")}))
    assert found.judged.verdict == "undecided"
    assert found.judged.why == "not measured: other with size=64MiB"


def test_one_place_in_three_processes_is_too_little(run: Run) -> None:
    found = answer(run, faster("other", over={}, where={"size": "1MiB"}, against_where={}))
    assert found.judged.verdict == "undecided"
    found = answer(
        run, faster("other", over={}, where={"size": "1MiB"}, against_where={"size": "1MiB"})
    )
    assert found.judged.why.startswith("too few processes")


def test_what_failed_is_no_time(tmp_path: Path) -> None:
    run = run_of(tmp_path, FOUR, outcomes={"other": Outcome("error", "it broke")})
    found = answer(run, faster("other"))
    assert found.judged.verdict == "undecided"
    assert "it broke" in found.judged.why


def test_memory_is_held_against_bounds_and_other_memory(run: Run) -> None:
    def peak(of: str, **more: object) -> Claim:
        return claim(Part(metric="memory at the peak", of=of, **more))  # type: ignore[arg-type]

    assert verdict(run, peak("base", at_least=1.8, at_most=2.2)) == "confirmed"
    assert verdict(run, peak("other", at_least=1.8, at_most=2.2)) == "refuted"
    assert verdict(run, peak("other", against="base", at_most=0.6)) == "confirmed"
    assert verdict(run, peak("base", at_most=2.0)) == "undecided"  # that is what it is accurate to
    assert verdict(
        run, claim(Part(metric="memory at the peak", of=("base", "third"), at_least=1))
    ) == ("depends")


def test_memory_of_one_case_alone_takes_as_many_readings_as_its_command_asks_for(
    tmp_path: Path,
) -> None:
    peak = claim(Part(metric="memory at the peak", of="base", at_least=1.8, at_most=2.2))
    few = run_of(tmp_path, {"base": (1e-3, 4e-3)}, copies={"base": 2.0}, trials=1)
    found = answer(few, peak)
    assert found.judged.why == "memory was measured in too few processes"
    assert found.deciding is not None
    trials = int(found.deciding.text.rpartition("--trials ")[2])
    enough = run_of(tmp_path, {"base": (1e-3, 4e-3)}, copies={"base": 2.0}, trials=trials)
    one_place = claim(
        *(msgspec.structs.replace(part, where={"size": "1MiB"}) for part in peak.parts)
    )
    assert verdict(enough, one_place) == "confirmed"


def test_growth_is_an_exponent(run: Run) -> None:
    def grows(of: str, at_most: float, at_least: float | None = None) -> Claim:
        over: Mapping[str, tuple[Value, ...]] = {"size": ("1MiB", "4MiB")}
        part = Part(
            metric="time", of=of, along="size", over=over, at_most=at_most, at_least=at_least
        )
        return claim(part)

    several = run_of(run.path.parent, FOUR, trials=5)
    assert verdict(several, grows("base", at_least=0.8, at_most=1.2)) == "confirmed"
    assert verdict(several, grows("base", at_most=0.3)) == "refuted"
    assert verdict(several, grows("fourth", at_most=1.2)) == "refuted"


def test_outcomes_count_as_right_or_not(tmp_path: Path) -> None:
    run = run_of(tmp_path, FOUR, outcomes={"other": Outcome("wrong", "a value is missing")})

    def right(*of: str) -> Claim:
        return claim(Part(metric="right", of=of, at_least=1))

    assert verdict(run, right("base")) == "confirmed"
    assert verdict(run, right("other")) == "refuted"
    assert "holds of base (yes), not of other (no)" in evidence_text(
        answer(run, right("base", "other")).judged
    )


def test_what_a_check_could_not_judge_is_not_right(run: Run) -> None:
    for one in some(run.trials):
        one.unverified = "the values"
    assert verdict(run, claim(Part(metric="right", of="base", at_least=1))) == "undecided"


def test_all_parts_must_hold(run: Run) -> None:
    (fast,) = faster("other").parts
    (slow,) = faster("third").parts
    (margin,) = faster("other", 0.5).parts
    (flips,) = faster("fourth", 1.0).parts
    assert verdict(run, claim(fast, slow)) == "refuted"
    assert verdict(run, claim(margin, slow)) == "refuted"
    assert verdict(run, claim(fast, margin)) == "undecided"
    assert verdict(run, claim(fast, flips)) == "depends"


CLAIMS = (
    faster("other"),
    faster("third"),
    faster("fourth", 1.0),
    claim(Part(metric="memory at the peak", of="base", at_least=1.8, at_most=2.2)),
    claim(Part(metric="memory at the peak", of="other", against="base", at_most=0.6)),
    claim(Part(metric="memory at the peak", of=("base", "third"), at_least=1.0)),
    claim(Part(metric="right", of="base", at_least=1)),
    claim(
        Part(metric="time", of="base", along="size", over={"size": ("1MiB", "4MiB")}, at_most=0.3)
    ),
)


def test_labels_that_mean_nothing_decide_nothing(run: Run) -> None:
    decided, shuffles = 0, 40
    for number in range(shuffles):
        draw = random.Random(number)
        changed = shuffled(run, draw, within_points=bool(number % 2))
        found = answers(CLAIMS, summaries(changed), changed.header.scenarios)
        decided += sum(one.judged.decided for one in found)
    assert decided <= 0.01 * shuffles * len(CLAIMS) + 1


OPPOSITE = {"confirmed": "refuted", "refuted": "confirmed", "depends": "depends"}


@pytest.mark.parametrize("place", range(len(CLAIMS)))
def test_flipped_data_flips_the_verdict(run: Run, place: int) -> None:
    several = run_of(run.path.parent, FOUR, copies={"base": 2.0, "third": 0.01}, trials=5)
    before = answer(several, CLAIMS[place]).judged
    after = answer(flipped(several, before), CLAIMS[place]).judged
    assert after.verdict == OPPOSITE[before.verdict]
    for old, new in zip(before.parts, after.parts, strict=True):
        assert [not one for one in old.answers] == list(new.answers)


@pytest.mark.parametrize("place", [0, 3, 4, 6])
def test_cases_that_are_gone_confirm_nothing(run: Run, place: int) -> None:
    before = answer(run, CLAIMS[place]).judged
    assert before.verdict == "confirmed"
    for index in some(rested_on(run, before)):
        assert verdict(without(run, {index}), CLAIMS[place]) != "confirmed"
    strategies = {run.header.plan.cases[index].case.strategy for index in rested_on(run, before)}
    for name in some(strategies):
        gone = {i for i, one in enumerate(run.header.plan.cases) if one.case.strategy == name}
        assert verdict(unplanned(run, gone), CLAIMS[place]) != "confirmed"


def test_a_parameter_that_a_part_does_not_name_is_at_its_usual_value(tmp_path: Path) -> None:
    grid = {"size": parameter(MIB, MIB, axis=True), "dtype": parameter("f4", "f4", "f8")}
    infos = [scenario(parameters=grid)]
    cases = [
        PlannedCase(case(name, MIB, dtype=dtype), name == "base")
        for dtype in ("f4", "f8")
        for name in ("base", "other")
    ]
    times = (1e-3, 5e-4, 1e-3, 2e-3)  # with f8, the other is slower
    done = [
        trial(index, number, one_s * (1 + 0.01 * number))
        for index, one_s in enumerate(times)
        for number in range(8)
    ]
    run = read_journal(write_run(tmp_path / "run.jsonl", cases, done, infos=infos))
    assert verdict(run, faster(over={})) == "confirmed"
    wide = faster(over={"dtype": ("f4", "f8")})
    assert verdict(run, wide) == "depends"
    assert "holds at dtype f4 (0.50×" in evidence_text(answer(run, wide).judged)
    own = claim(
        Part(
            metric="time",
            of="base",
            where={"dtype": "f8"},
            against_where={"dtype": "f4"},
            at_most=1.2,
        )
    )
    assert verdict(run, own) == "confirmed"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"metric": "speed", "at_most": 1}, "no metric 'speed'"),
        ({"metric": "time"}, "nothing could refute it"),
        ({"metric": "time", "at_most": 1, "along": "size"}, "which over does not list"),
        ({"metric": "time", "at_most": 1, "over": {"size": ()}}, "lists no value"),
    ],
    ids=["metric", "bound", "along", "over"],
)
def test_a_part_that_makes_no_sense_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Part(of="base", **given)  # type: ignore[arg-type]


def test_the_cases_of_what_a_run_does_not_know_are_guessed(run: Run) -> None:
    targets = ("moving/base", "moving/made_since")
    infos = run.header.scenarios
    assert _counted(targets, {"size": ("1MiB", "4MiB")}, infos)["moving/made_since"] == 2
    assert _counted(targets, {"made_since": ("1", "2", "3")}, infos) == dict.fromkeys(targets, 3)


@pytest.mark.parametrize(
    ("name", "word"),
    [("skipped", "undecided"), ("oom", "undecided"), ("wrong", "refuted"), ("crash", "refuted")],
)
def test_what_was_not_tried_is_neither_right_nor_wrong(
    name: str, word: str, tmp_path: Path
) -> None:
    outcome = Outcome(name, "for some reason")  # type: ignore[arg-type]
    run = run_of(
        tmp_path, {"base": (1e-3, 4e-3), "other": (1e-3, 4e-3)}, outcomes={"other": outcome}
    )
    assert answer(run, claim(Part(metric="right", of="other", at_least=1))).judged.verdict == word


@pytest.mark.parametrize(
    "changed",
    [
        {"of": "other", "against": "gone"},
        {"of": "gone", "against": "base"},
        {"of": "other", "where": {"num_worker": 2}, "against_where": {"num_worker": 0}},
    ],
)
def test_what_a_run_does_not_know_decides_nothing(changed: dict[str, Any], run: Run) -> None:
    found = answer(run, claim(Part(metric="time", at_most=1.1, **changed)))
    assert found.judged.verdict == "undecided"
    assert "not measured" in found.judged.why


@pytest.mark.parametrize(
    "changed",
    [
        {"at_most": float("nan")},
        {"at_most": 1.0, "where": {"size": "8 pages"}},
        {"at_most": 1.0, "over": {"num_workers": (0, 2)}, "along": "num_workers"},
        {"at_most": 1.0, "over": {"layout": ("c", "f")}, "along": "layout"},
    ],
)
def test_a_part_that_cannot_be_judged_is_refused_when_it_is_read(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"finite|size|above zero"):
        Part(metric="time", of="base", **changed)
