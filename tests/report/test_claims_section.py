"""The claims of a report: verdicts with their figures, and what would decide the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.journal.read import read_journal
from harness.report.content.content import Content, content
from harness.report.pages.as_html import page
from harness.report.pages.as_markdown import summary
from tests.made_claims import OWN, write_moving

HOSTILE = "The <b>other</b> one | is faster."


@pytest.fixture
def found(tmp_path: Path) -> Content:
    path = write_moving(tmp_path)
    open_one = OWN.replace("1001", "1002").replace("4MiB", "64MiB")
    claims = OWN.replace("The other one is faster.", HOSTILE) + open_one
    (tmp_path / "moving.claims.toml").write_text(claims)
    return content(read_journal(path))


def test_a_page_has_those_about_its_scenarios_and_says_what_decides_the_rest(
    found: Content,
) -> None:
    assert [one.judged.claim.code for one in found.claims.answers] == ["1001", "1002"]
    text = page(found)
    decided, undecided = text.split('id="claim-1001"')[1].split('id="claim-1002"')
    assert "confirmed" in decided
    assert "time of other ÷ base: 0.50×" in decided
    assert "not measured: other with size=64MiB" in undecided
    again = "ferrybench run --quick moving/other moving/base --scenarios moving.py --set size=1MiB"
    assert f"{again},64MiB" in undecided
    assert "<b>other</b>" not in text
    assert 'href="#page-claims"' in text


def test_a_summary_has_those_that_were_decided(found: Content) -> None:
    text = summary(found)
    (line,) = (line for line in text.splitlines() if line.startswith("| 1001 |"))
    assert "confirmed" in line
    assert "<b>" not in line
    assert "2 claims: 1 confirmed, 0 refuted, 0 depends, 1 undecided." in text
    assert "1002" not in text


def test_without_claims_about_it_a_report_says_nothing_of_them(tmp_path: Path) -> None:
    text = page(content(read_journal(write_moving(tmp_path))))
    assert "page-claims" not in text
