"""What is printed and written of a comparison."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import run
from harness.comparison.as_junit import junit
from harness.comparison.as_markdown import markdown
from harness.comparison.as_text import headline
from harness.errors import EXIT_NOT_JUDGED, EXIT_OK, EXIT_USAGE, EXIT_WORSE
from harness.schema.records import Outcome
from tests.comparison.sides_made import compared, steady, suite, usual
from tests.journals import planned, trial


def test_the_headline_counts_what_weighs_most_first(tmp_path: Path) -> None:
    found = compared(tmp_path, lambda one: replace(one, outcome=Outcome("error", "no")))
    assert headline(found) == "worse: 1 broken, 2 same"


def test_markdown_has_a_row_for_what_changed_and_no_markup_of_others(tmp_path: Path) -> None:
    reason = "no | such <b>thing</b> as *this*"
    text = markdown(compared(tmp_path, lambda one: replace(one, outcome=Outcome("error", reason))))
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) == 1
    assert "moving/b size=1048576" in rows[0]
    assert r"no \| such \<b\>thing\</b\> as \*this\*" in rows[0]
    assert rows[0].replace(r"\|", "").count("|") == 6
    assert text.startswith("## ferrybench: worse: 1 broken, 2 same\n")
    assert "time is advisory" in text


def test_junit_has_a_test_for_every_case_and_a_failure_for_what_is_worse(tmp_path: Path) -> None:
    bad = Outcome("error", "null\0byte & <tag>")
    root = ET.fromstring(junit(compared(tmp_path, lambda one: replace(one, outcome=bad))))
    assert root.tag == "testsuites"
    (found,) = root
    assert {name: found.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "3", "failures": "1", "errors": "0", "skipped": "0",
    }  # fmt: skip
    tests = found.findall("testcase")
    assert [test.get("classname") for test in tests] == ["moving"] * 3
    (failure,) = found.iter("failure")
    assert failure.get("type") == "broken"
    assert "& <tag>" in (failure.get("message") or "")


CHILDREN = {
    "testsuites": "(testsuite )*",
    "testsuite": "(properties )?(testcase )*(system-out )?(system-err )?",
    "testcase": "(skipped )?(error )*(failure )*(system-out )*(system-err )*",
}
OF_ALL = {"name", "time", "tests", "failures", "errors", "disabled"}
ATTRIBUTES = {
    "testsuites": OF_ALL,
    "testsuite": OF_ALL | {"skipped", "timestamp", "hostname", "id", "package"},
    "testcase": {"name", "assertions", "time", "classname", "status"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
}
REQUIRED = {"testsuite": {"name", "tests"}, "testcase": {"name"}}
"""Jenkins' junit-4.xsd: everything that is not named here is text, without attributes."""


def breaches(element: ET.Element) -> list[str]:
    """Where an element breaks the schema."""
    found = [] if set(element.keys()) <= ATTRIBUTES.get(element.tag, set()) else [element.tag]
    found += sorted(REQUIRED.get(element.tag, set()) - set(element.keys()))
    inside = "".join(f"{child.tag} " for child in element)
    if not re.fullmatch(CHILDREN.get(element.tag, ""), inside):
        found.append(f"{element.tag}: {inside}")
    return [*found, *(breach for child in element for breach in breaches(child))]


OUTCOMES = [Outcome("error", "no"), Outcome("skipped", "not <here>"), Outcome("ok"), Outcome("oom")]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: outcome.name)
def test_junit_is_valid_by_the_schema_of_jenkins(
    tmp_path: Path, outcome: Outcome, strict: bool
) -> None:
    found = replace(compared(tmp_path, lambda one: replace(one, outcome=outcome)), strict=strict)
    root = ET.fromstring(junit(found))
    assert root.tag == "testsuites"
    assert breaches(root) == []
    names = [(test.get("classname"), test.get("name")) for test in root.iter("testcase")]
    assert len(set(names)) == len(names) == 3
    assert all(text and text == text.strip() for name in names for text in name)
    if outcome.name == "skipped" and not strict:
        (skipped,) = root.iter("skipped")
        assert "not <here>" in (skipped.text or "")


@pytest.mark.parametrize(
    ("change", "code"),
    [("same", EXIT_OK), ("slower", EXIT_OK), ("broken", EXIT_WORSE)],
)
def test_the_command_prints_writes_and_exits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str, code: int
) -> None:
    changes = {
        "same": usual(),
        "slower": usual(steady(4e-3)),
        "broken": usual(lambda one: replace(one, outcome=Outcome("crash", "SIGSEGV"))),
    }
    base = suite(tmp_path, "base", usual())
    candidate = suite(tmp_path, "candidate", changes[change])
    files = [tmp_path / "summary.md", tmp_path / "junit.xml"]
    arguments = ["compare", str(base), str(candidate)]
    arguments += ["--markdown", str(files[0]), "--junit", str(files[1])]
    assert run(arguments) == code
    captured = capsys.readouterr()
    assert ("slower (advisory)" in captured.out) == (change == "slower")
    assert all(file.stat().st_size for file in files)
    assert run(arguments) == EXIT_USAGE  # nothing is overwritten
    assert "--force" in capsys.readouterr().err
    assert run([*arguments, "--force"]) == code


def test_runs_with_nothing_in_common_exit_with_3_and_say_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = suite(tmp_path, "base", usual())
    other = suite(tmp_path, "other", [trial(0, 0)], cases=[planned("elsewhere")])
    assert run(["compare", str(base), str(other)]) == EXIT_NOT_JUDGED
    assert "no case in common" in capsys.readouterr().out


def test_a_file_that_is_no_journal_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = suite(tmp_path, "base", usual())
    other = tmp_path / "empty.jsonl"
    other.write_text("")
    for pair in ((base, other), (other, base), (base, tmp_path / "gone.jsonl")):
        assert run(["compare", *map(str, pair)]) == EXIT_USAGE
        text = capsys.readouterr().err
        assert text.count("\n") == 1
        assert "Traceback" not in text
