"""What was not measured keeps no budget: it cannot be judged, and that is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.errors import UsageError
from harness.inline.as_png import draw
from harness.inline.budget import Budget, BudgetExceededError
from harness.inline.costs import Costs, Repeats
from harness.schema.records import MISSED, Faults, Ledger, Outcome, Rss

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
