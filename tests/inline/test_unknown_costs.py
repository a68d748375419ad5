"""What was not measured keeps no budget: it cannot be judged, and that is said."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from harness.errors import UsageError
from harness.inline import threads_and_children
from harness.inline.as_png import draw
from harness.inline.as_text import as_text, size_text
from harness.inline.budget import Budget, BudgetExceededError
from harness.inline.call import Job
from harness.inline.comparison import HEADS, Comparison
from harness.inline.costs import UNVERIFIED, Costs, Repeats
from harness.inline.measurement import Measurement
from harness.inline.one_process import UNCONFIRMED, ProcessRun
from harness.inline.snapshot import COMPARED, KEPT
from harness.inline.trial import CallFound
from harness.schema.records import MISSED, Faults, Ledger, Outcome, Rss
from harness.stats.intervals import median_interval
from harness.units import MISSING
from tests.journals import trial

MIB = 1024**2
NOTHING_KNOWN = Costs("mine", Outcome("ok"))


def ledger(split_source: str) -> Ledger:
    return Ledger(Rss(), MIB, Rss(MIB), Rss(MIB), Rss(), "VmHWM", split_source)


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ({"faults": 10**9}, "page faults of mine were not measured"),
        ({"leaks": False}, "mine was not called repeatedly"),
        ({"shares_memory": True}, "shares_memory=True of mine cannot be judged"),
        ({"shares_memory": False}, "shares_memory=False of mine cannot be judged"),
    ],
)
def test_what_is_not_known_is_not_within_a_budget(budget: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Budget(**budget).enforce(NOTHING_KNOWN)


def test_copies_at_a_peak_that_was_missed_are_not_known() -> None:
    missed = Costs("mine", Outcome("ok"), payload_bytes=8 * MIB, ledger=ledger(MISSED))
    with pytest.raises(UsageError, match="copies of mine are not known"):
        Budget(copies=9).enforce(missed)


def test_a_figure_says_what_is_not_known() -> None:
    unknown = replace(ledger("observed"), at_least="some lay free")
    known = Costs("known", Outcome("ok"), payload_bytes=MIB, ledger=ledger("observed"))
    figure = draw({"known": known, "mine": replace(known, name="mine", ledger=unknown)}, "known")
    _, memory = figure.axes
    assert [text.get_text() for text in memory.texts] == ["1 MiB", "not known"]


def test_what_is_known_is_judged() -> None:
    known = Costs(
        "mine",
        Outcome("ok"),
        shares_memory=False,
        faults_steady=Faults(20.0, 0.0),
        repeats=Repeats(9, 0, 0, 0),
    )
    Budget(faults=20, leaks=False, shares_memory=False).enforce(known)
    with pytest.raises(BudgetExceededError, match="20 page faults per call"):
        Budget(faults=10).enforce(known)


def test_a_call_that_failed_is_within_no_budget() -> None:
    with pytest.raises(BudgetExceededError, match="could not be judged: wrong: other values"):
        Budget(left="1GiB").enforce(Costs("mine", Outcome("wrong", "other values")))


def test_a_size_that_is_not_known_is_no_zero() -> None:
    unknown = replace(ledger("observed"), at_least="some lay free")
    known = Measurement("known", Outcome("ok"), ledger=ledger("observed"))
    found = {"known": known, "mine": replace(known, name="mine", ledger=unknown)}
    nothing = median_interval([])
    rows = Comparison("known", found, dict.fromkeys(found, nothing))
    at = HEADS.index("left")
    assert [rows._cells(name)[at] for name in found] == ["0 B", MISSING]
    assert size_text(math.nan) == MISSING


@pytest.mark.parametrize("name", ["copies", "peak", "retained", "left", "faults"])
@pytest.mark.parametrize("limit", [math.nan, -1, -math.inf])
def test_what_everything_or_nothing_keeps_is_no_limit(name: str, limit: float) -> None:
    with pytest.raises(UsageError, match=f"{name}=.* must be zero or more"):
        Budget.of({name: limit})
    assert getattr(Budget.of({name: 0}), name) == 0


@pytest.mark.parametrize("limit", ["nanx", "-1x", "-0.5×", "-infx"])
def test_nor_are_such_multiples(limit: str) -> None:
    for name in ("peak", "retained", "left"):
        with pytest.raises(UsageError, match=f"{name}=.* must be zero or more"):
            Budget.of({name: limit})


@pytest.mark.parametrize(
    ("repeats", "said"),
    [
        (Repeats(9, None, 0, 0), "which open descriptors there are"),
        (Repeats(9, 0, None, 0), "which processes there are"),
        (Repeats(9, None, None, 0), "which open descriptors and processes there are"),
    ],
)
def test_leaks_that_the_system_does_not_tell_of_are_not_excluded(
    repeats: Repeats, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        Budget(leaks=False).enforce(Costs("mine", Outcome("ok"), repeats=repeats))


def test_a_leak_that_is_known_is_one_beside_what_is_not_known() -> None:
    found = Costs("mine", Outcome("ok"), repeats=Repeats(9, None, 9, 0))
    with pytest.raises(BudgetExceededError, match="9 more processes after 9 more calls"):
        Budget(leaks=False).enforce(found)
    assert "9 more calls an unknown number of descriptors, 9 processes" in as_text(found)


def test_a_system_that_does_not_tell_has_none_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    known = threads_and_children.holdings()
    monkeypatch.setattr(threads_and_children, "descriptors_are_told", lambda: False)
    monkeypatch.setattr(threads_and_children, "children_are_told", lambda: False)
    unknown = threads_and_children.left_since(known)
    assert (unknown.descriptors, unknown.processes) == (None, None)


def run_of(*answers: CallFound, first: str = "", later: str = "") -> Measurement:
    """What is put together of some answers, where memory's figures are doubted like this."""
    held = replace(ledger("observed"), peak=Rss(64 * MIB), left=Rss(4 * MIB), at_least=first)
    less = replace(ledger("observed"), peak=Rss(8 * MIB), at_least=later)
    trials = [replace(trial(0, n, kind="memory"), ledger=held if n == 0 else less) for n in (0, 1)]
    given = [*answers] or [CallFound(outcome=Outcome("ok"))]
    return ProcessRun(Job(len, ([],)), trials=trials, answers=given).measurement()


@pytest.mark.parametrize(
    ("said", "verified"),
    [
        ([KEPT, COMPARED], COMPARED),
        ([KEPT, COMPARED, f"{COMPARED}, apart by up to 1e-9"], f"{COMPARED}, apart by up to 1e-9"),
        ([KEPT, f"{UNVERIFIED}: one thing", COMPARED], f"{UNVERIFIED}: one thing"),
        ([f"{UNVERIFIED}: one", f"{UNVERIFIED}: two", COMPARED], f"{UNVERIFIED}: one"),
        ([KEPT], UNCONFIRMED),
        ([KEPT, ""], UNCONFIRMED),
        ([""], ""),
    ],
)
def test_what_was_not_verified_in_one_trial_is_not_verified(said: list[str], verified: str) -> None:
    found = run_of(*(CallFound(outcome=Outcome("ok"), verified=text) for text in said))
    assert found.verified == verified


@pytest.mark.parametrize(
    ("first", "later", "expected"),
    [("", "", (True, True)), ("", "?", (False, True)), ("?", "", (False, False))],
)
def test_the_first_call_is_compared_by_what_is_known(
    first: str, later: str, expected: tuple[bool, bool]
) -> None:
    said = run_of(first=first, later=later).remarks
    more = any(text.startswith("the first call took 56 MiB more") for text in said)
    assert (more, any("stayed after the first call" in text for text in said)) == expected
