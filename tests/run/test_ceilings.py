"""Which ceilings a run measures, and when: those of its cases, once, unless the machine changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from types import SimpleNamespace
from typing import Any

import pytest

from harness.journal.lines import CeilingLine
from harness.run import ceilings as module
from harness.run.ceilings import Ceilings
from harness.schema.records import Ceiling, Outcome, PlannedCase, Trial, Work
from harness.schema.request import CeilingsRequest
from tests.journals import MIB, case, header, loaded, planned, scenario, strategy, trial

INFO = scenario([strategy("base"), strategy("other"), strategy("view", shares=True)])
CASES = [planned("base"), planned("other", 4 * MIB), planned("other"), planned("view")]
RATE = 10e9


class Machine:
    """A host and a store of inputs; copies at a speed that may change."""

    def __init__(self, rate: float = RATE) -> None:
        self.rate = rate
        self.asked: list[tuple[Work, ...]] = []
        self.failure: Outcome | None = None
        self.scratch = "somewhere"

    def call(self, request: CeilingsRequest, timeout_s: float) -> Any:
        self.asked.append(request.works)
        if self.failure:
            return SimpleNamespace(answer=None, wall_s=1.0, failure=lambda _: self.failure)
        found = [
            asdict(Ceiling(one.kind, one.threads, one.read_bytes, self.rate, work=one))
            for one in request.works
        ]
        return SimpleNamespace(answer={"ceilings": found}, wall_s=1.0)

    def clean_scratch(self) -> Any:
        return nullcontext()


def ceilings_of(
    cases: Sequence[PlannedCase] = CASES,
    trials: Sequence[Trial] = (),
    lines: Sequence[CeilingLine] = (),
) -> Ceilings:
    return Ceilings(header(cases, [INFO]).plan, {INFO.name: INFO}, trials, lines)


def memory(index: int, payload: int = MIB, **more: Any) -> Trial:
    return trial(index, 0, kind="memory", payload=payload, **more)


def measure(known: Ceilings, machine: Any, allowed_s: float = math.inf) -> list[CeilingLine]:
    return list(known.measure(machine, machine, 1, allowed_s))


def test_there_is_one_for_each_size_and_none_for_what_moves_nothing() -> None:
    known = ceilings_of()
    assert known.wanted == []  # nothing is known yet, so nothing is measured
    assert known.expected_s() == 0.0
    for one in (memory(0), memory(1, 4 * MIB), memory(2, MIB + 100), memory(3, shares=True)):
        known.note(one)
    assert [(work.kind, work.read_bytes) for work in known.wanted] == [
        ("copy", MIB),
        ("copy", 4 * MIB),
    ]
    assert known.expected_s() > 0.0


@pytest.mark.parametrize(
    "one",
    [
        memory(0, outcome=Outcome("error", "no")),
        memory(0, outcome=Outcome("wrong", "no")),
        trial(0, 0, kind="limit"),
        trial(0, 0, kind="probe"),
        loaded(memory(0), 1e-3, data_bytes=0),  # hands out views
    ],
)
def test_none_is_measured_for_what_will_not_be_held_against_it(one: Trial) -> None:
    known = ceilings_of()
    known.note(one)
    assert known.wanted == []


def test_each_is_measured_once() -> None:
    known, machine = ceilings_of(), Machine()
    for index in (0, 1):
        known.note(memory(index, MIB * (1 + 3 * index)))
    assert len(measure(known, machine)) == 2
    assert measure(known, machine) == []
    known.note(trial(0, 1, MIB / RATE * 1.2))  # slower than its ceiling
    assert measure(known, machine) == []
    assert len(machine.asked) == 1


def test_a_run_that_is_taken_up_again_measures_only_what_it_lacks() -> None:
    known, machine = ceilings_of(), Machine()
    known.note(memory(0))
    lines = measure(known, machine)
    again = ceilings_of(CASES, [memory(0), memory(1, 4 * MIB)], lines)
    assert [work.read_bytes for work in again.wanted] == [4 * MIB]


@pytest.mark.parametrize(
    ("share", "again"), [(1.04, False), (1.06, True), (3.0, True), (30.0, False)]
)
def test_what_a_trial_beats_is_measured_again(share: float, again: bool) -> None:
    known, machine = ceilings_of(), Machine()
    known.note(memory(0))
    known.note(memory(1, 4 * MIB))
    measure(known, machine)
    known.note(trial(0, 1, MIB / (share * RATE)))
    assert [work.read_bytes for work in known.wanted] == ([MIB] if again else [])
    measure(known, machine)
    assert known.wanted == []  # once for each time, whatever came of it


@pytest.mark.parametrize(("factor", "again"), [(0.5, False), (1.03, False), (1.2, True)])
def test_a_probe_finds_out_whether_the_machine_is_faster_now(factor: float, again: bool) -> None:
    known, machine = ceilings_of(), Machine()
    for one in (memory(0), memory(1, 4 * MIB)):
        known.note(one)
    measure(known, machine)
    machine.rate *= factor
    (line,) = known.probe(machine, machine, 2)  # type: ignore[arg-type]
    assert line.round == 2
    assert line.ceiling.work in machine.asked[0]
    assert len(known.wanted) == (2 if again else 0)


def test_without_a_copy_there_is_nothing_to_probe() -> None:
    machine: Any = Machine()
    assert list(ceilings_of().probe(machine, machine, 2)) == []
    assert machine.asked == []


def too_little(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> float:
    monkeypatch.setattr(module, "available_bytes", lambda: MIB)
    return math.inf


def no_time(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> float:
    return 0.0


def crashed(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> float:
    machine.failure = Outcome("crash", "SIGBUS")
    return math.inf


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (too_little, "too little free memory"),
        (no_time, "budget for ceilings was used up"),
        (crashed, "SIGBUS"),
    ],
)
def test_what_could_not_be_measured_says_why_and_is_not_tried_again(
    broken: Callable[[pytest.MonkeyPatch, Machine], float],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known, machine = ceilings_of(), Machine()
    known.note(memory(0))
    (line,) = measure(known, machine, broken(monkeypatch, machine))
    assert line.ceiling.bytes_per_s == 0.0
    assert line.ceiling.note.startswith("not measured: ")
    assert words in line.ceiling.note
    assert known.wanted == []
    again = ceilings_of(CASES, [memory(0)], [line])  # but by a run that takes this one up
    assert [work.read_bytes for work in again.wanted] == [MIB]


def test_one_kind_that_crashes_leaves_the_others() -> None:
    cases = [planned("base"), PlannedCase(case("base", num_workers=2))]
    known, machine = ceilings_of(cases), Machine()
    for index in (0, 1):
        known.note(loaded(memory(index), 1e-3))
    measure(known, machine)
    assert [[work.kind for work in works] for works in machine.asked] == [["copy"], ["handover"]]


def test_loaders_of_the_same_batches_share_a_ceiling() -> None:
    known = ceilings_of()
    known.note(loaded(memory(0), 1e-3))
    known.note(loaded(memory(2), 1e-3))
    known.note(loaded(memory(1), 1e-3, batches=4))
    assert [work.block_bytes for work in known.wanted] == [MIB // 16, MIB // 4]
    assert all(work == replace(work).rounded() for work in known.wanted)
