"""The registry of quantities: complete, without doubles, and documented as it is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from harness.cases.quantities.page import page
from harness.cases.quantities.registry import CASE_COLUMNS, QUANTITIES

COLUMNS_PAGE = Path(__file__).resolve().parents[2] / "docs" / "columns.md"


def test_the_page_of_columns_is_up_to_date() -> None:
    rewrite = "python -m harness.cases.quantities.page > docs/columns.md"
    assert COLUMNS_PAGE.read_text() == page(), f"rewrite it: {rewrite}"


def test_no_column_is_there_twice_and_none_is_without_meaning() -> None:
    assert max(Counter(CASE_COLUMNS).values()) == 1
    assert all(one.doc and "|" not in one.doc for one in QUANTITIES)


def test_nothing_is_compared_followed_headed_or_noted_under_one_name_or_place_twice() -> None:
    compared = [one.compared for one in QUANTITIES if one.compared]
    for taken in (
        [one.label for one in compared],
        [one.metric for one in compared],
        [one.heading.place for one in QUANTITIES if one.heading],
        [one.noted for one in QUANTITIES if one.noted],
    ):
        assert taken
        assert len(set(taken)) == len(taken)


def test_what_is_compared_or_noted_can_be_read_off_a_trial() -> None:
    for one in QUANTITIES:
        if one.compared or one.noted or one.heading:
            assert one.read or (one.compared and one.compared.read), one.name
