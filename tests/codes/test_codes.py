"""Codes stay what they are, are all of what the harness can say, and explain themselves."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from harness.analysis.looked_for import LOOKED
from harness.analysis.remarks import RemarkKind
from harness.cli import run
from harness.codes.code import Code
from harness.codes.registry import CODES, FAMILIES, code_for
from harness.errors import EXIT_OK, EXIT_USAGE
from harness.schema.records import OUTCOMES

GIVEN = {
    "FB001": "share",
    "FB002": "same promise",
    "FB003": "another promise",
    "FB004": "environment",
    "FB005": "less memory",
    "FB006": "smaller tree",
    "FB007": "larger data",
    "FB051": "passed",
    "FB052": "undecided",
    "FB053": "not applicable",
    "FB054": "not measured",
    "FB101": "not verified",
    "FB102": "cost model",
    "FB103": "largest size",
    "FB104": "not shared",
    "FB105": "memory unknown",
    "FB106": "page cache",
    "FB107": "pickled",
    "FB108": "open files",
    "FB109": "memory kept",
    "FB110": "pinned memory kept",
    "FB111": "tree kept",
    "FB112": "processes left",
    "FB113": "two modes",
    "FB114": "slow rank",
    "FB201": "wrong",
    "FB202": "error",
    "FB203": "oom",
    "FB204": "timeout",
    "FB205": "crash",
    "FB206": "skipped",
}
"""Lines may be added; none may change, for reports that were made keep their codes."""
EVERY = list(CODES.values())


def test_codes_that_were_given_stay() -> None:
    assert {number: code.name for number, code in CODES.items()} == GIVEN
    assert len(CODES) == sum(map(len, FAMILIES.values()))  # none was given twice


def test_whatever_the_harness_finds_has_a_code() -> None:
    kinds = set(get_args(RemarkKind))
    assert {code.name for code in FAMILIES["finding"]} == kinds == set(LOOKED)
    assert {code.name for code in FAMILIES["ending"]} == {one for one in OUTCOMES if one != "ok"}
    assert code_for("ending", "oom").id == "FB203"


@pytest.mark.parametrize("code", EVERY, ids=list(CODES))
def test_a_code_says_what_why_how_and_what_to_do(code: Code) -> None:
    assert re.fullmatch(r"FB\d{3}", code.id)
    for text in (code.what, code.why, code.how, code.do):
        assert re.fullmatch(r"[A-Z].*\.", text), text
        assert text.count("`") % 2 == 0
    assert not code.title.endswith(".")
    assert bool(code.takes_on) == (code in FAMILIES["opportunity"])


@pytest.mark.parametrize("code", EVERY, ids=list(CODES))
def test_explain_prints_all_of_it(code: Code, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", code.id]) == EXIT_OK
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith(f"{code.id} {code.title} what: ")
    for text in (code.what, code.why, code.how, code.do, code.takes_on):
        assert " ".join(text.replace("`", "").split()) in said


def test_explain_alone_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain"]) == EXIT_OK
    said = capsys.readouterr().out
    assert re.findall(r"^  (FB\d+)", said, re.MULTILINE) == list(CODES)


@pytest.mark.parametrize("text", ["fb002", "FB2", "2", " FB002 "])
def test_codes_are_read_as_people_write_them(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", text]) == EXIT_OK
    assert capsys.readouterr().out.startswith("FB002  ")


@pytest.mark.parametrize("text", ["FB999", "nonsense", "FB", "\x1b[31m", "٣", "9" * 5000])
def test_an_unknown_code_is_one_line(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "FB001", text]) == EXIT_USAGE
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("ferrybench: no code ")
    assert "ferrybench explain" in line
    assert "\x1b" not in line
