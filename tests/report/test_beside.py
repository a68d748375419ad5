"""Several runs side by side: what each says to use, and whether they agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli import run
from harness.errors import EXIT_OK, EXIT_USAGE
from harness.journal.read import read_journal
from harness.report.content.beside import Beside, beside
from harness.report.content.content import content
from harness.report.pages.beside_page import beside_page
from tests.journals import planned, scenario, strategy, trial, write_run
from tests.report.runs import EVIL, rich_run
from tests.report.test_page import Page

NAMES = ("base", "one", "two")


def a_run(path: Path, *times: float) -> Path:
    """A run in which base, one and two took so long; what is left out was not planned."""
    names = NAMES[: len(times)]
    infos = [scenario([strategy(name) for name in names])]
    cases = [planned(name, baseline=name == "base") for name in names]
    trials = [
        trial(index, number, seconds * (1 + number / 1000))
        for index, seconds in enumerate(times)
        for number in range(5)
    ]
    return write_run(path, cases, trials, infos=infos)


def of(*paths: Path) -> Beside:
    contents = [content(read_journal(path)) for path in paths]
    return beside(contents, [f"{number}/index.html" for number in range(len(paths))])


@pytest.mark.parametrize(
    ("times", "names", "agreement"),
    [
        ((0.010, 0.002, 0.004), ("one",), "same"),
        ((0.010, 0.004, 0.002), ("two",), "differs"),
        ((0.010, 0.002, 0.002), ("one", "two"), "same"),  # level is not another answer
        ((0.001, 0.002, 0.004), ("base",), "differs"),
        ((0.010,), ("base",), ""),  # of one there is nothing to choose
    ],
)
def test_runs_agree_where_one_thing_is_the_best_in_all(
    tmp_path: Path, times: tuple[float, ...], names: tuple[str, ...], agreement: str
) -> None:
    found = of(
        a_run(tmp_path / "a.jsonl", 0.010, 0.002, 0.004), a_run(tmp_path / "b.jsonl", *times)
    )
    ((purpose,),) = [one.purposes for one in found.scenarios]
    assert [one.names for one in purpose.answers] == [("one",), names]
    assert purpose.agreement == agreement
    counted = {"same": "For 1 of 1", "differs": "For 0 of 1", "": "There is no"}[agreement]
    assert found.headline.startswith(f"{counted} purpose")


def test_what_a_run_has_not_is_said_and_not_an_agreement(tmp_path: Path) -> None:
    found = of(a_run(tmp_path / "a.jsonl", 0.01, 0.002), rich_run(tmp_path))
    texts = {
        purpose.when: [one.text for one in purpose.answers]
        for one in found.scenarios
        for purpose in one.purposes
    }
    assert texts["if you need your own copy"] == ["5.0× faster", "4.0× faster"]
    assert texts["if the memory may be shared"] == [
        "not measured",
        "the only one, 20\u202f000× faster",
    ]


def test_the_page_is_whole_and_obeys_nobody(tmp_path: Path) -> None:
    text = beside_page(of(rich_run(tmp_path), a_run(tmp_path / "b.jsonl", 0.01, 0.002)))
    shown = Page(text)
    assert shown.unbalanced == []
    assert EVIL not in text
    assert "2 runs side by side" in shown.words
    links = [attributes["href"] for tag, attributes in shown.elements if tag == "a"]
    assert links == ["0/index.html", "1/index.html"]


def test_several_journals_make_a_page_that_leads_to_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("a", "b")
    paths = [a_run(tmp_path / f"{name}.jsonl", 0.01, 0.002) for name in names]
    for path, name in zip(paths, names, strict=True):
        text = path.read_text()
        path.write_text(text.replace("20260101-000000-abc123", name))
    command = ["report", *map(str, paths), "-o", str(tmp_path / "out")]
    assert run(command) == EXIT_OK
    page = tmp_path / "out" / "index.html"
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == f"next: open {page} in a browser"
    links = [a["href"] for tag, a in Page(page.read_text()).elements if tag == "a"]
    assert links == ["a/index.html", "b/index.html"]
    assert all((tmp_path / "out" / name / "index.html").is_file() for name in names)
    # AND nothing is written over
    for name in names:
        for path in (tmp_path / "out" / name).iterdir():
            path.unlink()
    assert run(command) == EXIT_USAGE
    assert "--force" in capsys.readouterr().err
    assert not list((tmp_path / "out" / "a").iterdir())
