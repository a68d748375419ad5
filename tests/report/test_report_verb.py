"""``ferrybench report``: what it writes, what it leaves alone, and what it refuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import run
from harness.errors import EXIT_OK, EXIT_UNABLE, EXIT_USAGE
from tests.journals import planned, trial, write_run
from tests.report.runs import rich_run

ROOT = Path(__file__).parents[2]
RUN_ID = "20260101-000000-abc123"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A run small enough that no figure but one of each kind is drawn."""
    cases = [planned("base", baseline=True)]
    return write_run(tmp_path / "run.jsonl", cases, [trial(0, number) for number in range(4)])


def test_it_writes_a_page_pictures_and_a_summary_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out"
    assert run(["report", str(rich_run(tmp_path)), "-o", str(folder)]) == EXIT_OK
    pictures = {
        f"moving-{key}.png" for key in ("time", "throughput", "memory", "first-call", "faults")
    }
    assert {path.name for path in folder.iterdir()} == {"index.html", "summary.md", *pictures}
    said = capsys.readouterr().out
    for name in ("index.html", "summary.md", *pictures):
        assert name in said
    assert said.splitlines()[-1] == f"next: open {folder / 'index.html'} in a browser"


def test_profiles_beside_a_report_are_linked_where_the_code_is(
    tmp_path: Path, journal: Path
) -> None:
    told = {"label": "moving/base", "settings": "size=8388608", "created": "2026-01-02T03:04:05"}
    for number in range(4):
        beside = tmp_path / "reports" / f"profile {number}"
        beside.mkdir(parents=True)
        (beside / "lines.json").write_text(json.dumps({**told, "created": f"2026-01-0{number}"}))
    (tmp_path / "reports" / "other").mkdir()
    (tmp_path / "reports" / "other" / "lines.json").write_text("[]")
    assert run(["report", str(journal), "-o", str(tmp_path / "reports" / "run")]) == EXIT_OK
    page = (tmp_path / "reports" / "run" / "index.html").read_text()
    links = re.findall(r'<a href="([^"]*)">profile of ([^<]*)</a>', page)
    assert links == [
        (f"../profile%20{number}/index.html", f"2026-01-0{number}") for number in (3, 2, 1)
    ]


def test_by_default_the_latest_journal_goes_into_a_folder_of_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, journal: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    journal.rename(tmp_path / "results" / "run.jsonl")
    assert run(["report"]) == EXIT_OK
    assert (tmp_path / "reports" / RUN_ID / "index.html").read_text().startswith("<!doctype html>")


def test_a_folder_with_something_in_it_is_refused(
    tmp_path: Path, journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "index.html").write_text("precious")
    assert run(["report", str(journal), "-o", str(folder)]) == EXIT_USAGE
    assert capsys.readouterr().err == (
        f"ferrybench: {folder} is not empty; will not overwrite it without --force\n"
    )
    assert (folder / "index.html").read_text() == "precious"
    assert len(list(folder.iterdir())) == 1


def test_force_replaces_its_own_files_and_no_others(tmp_path: Path, journal: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "index.html").write_text("old")
    (folder / "notes.txt").write_text("precious")
    assert run(["report", str(journal), "-o", str(folder), "--force"]) == EXIT_OK
    assert (folder / "index.html").read_text() != "old"
    assert (folder / "notes.txt").read_text() == "precious"


def test_an_empty_folder_is_used(tmp_path: Path, journal: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    assert run(["report", str(journal), "-o", str(folder)]) == EXIT_OK
    assert (folder / "summary.md").exists()


def test_several_journals_get_a_folder_each(tmp_path: Path, journal: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text(journal.read_text().replace(RUN_ID, "20260102-000000-def456"))
    assert run(["report", str(journal), str(other), "-o", str(tmp_path / "out")]) == EXIT_OK
    folders = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert folders == [RUN_ID, "20260102-000000-def456", "index.html"]


def test_a_run_called_like_the_page_of_all_is_one_line(
    tmp_path: Path, journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text(journal.read_text().replace(RUN_ID, "index.html"))
    assert run(["report", str(journal), str(other), "-o", str(tmp_path / "out")]) == EXIT_UNABLE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("index.html cannot be written: Is a directory")


@pytest.mark.parametrize(
    ("output", "code", "words"),
    [("file", EXIT_USAGE, "is a file"), ("file/out", EXIT_UNABLE, "cannot be written")],
)
def test_a_place_that_cannot_be_written_is_said(
    tmp_path: Path,
    journal: Path,
    capsys: pytest.CaptureFixture[str],
    output: str,
    code: int,
    words: str,
) -> None:
    (tmp_path / "file").write_text("precious")
    assert run(["report", str(journal), "-o", str(tmp_path / output)]) == code
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_a_cut_off_journal_is_reported_with_a_remark(
    tmp_path: Path, journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal.write_bytes(journal.read_bytes()[:-10])
    assert run(["report", str(journal), "-o", str(tmp_path / "out")]) == EXIT_OK
    assert "last line is incomplete" in capsys.readouterr().err
    page = (tmp_path / "out" / "index.html").read_text()
    assert "run.jsonl: the last line is incomplete" in page
    assert str(tmp_path) not in page  # a page that is passed on names no folders


def test_it_works_without_torch_and_scenarios(tmp_path: Path, journal: Path) -> None:
    code = (
        f"import sys; sys.modules['torch'] = sys.modules['scenarios'] = None\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from harness.cli import run\n"
        f"sys.exit(run(['report', {str(journal)!r}, '-o', {str(tmp_path / 'out')!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (EXIT_OK, "")
    assert (tmp_path / "out" / "index.html").stat().st_size > 500_000


def test_figures_come_as_svg_too_where_that_is_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert run(["report", str(rich_run(tmp_path)), "-o", str(folder), "--svg"]) == EXIT_OK
    kinds = ("time", "throughput", "memory", "first-call", "faults")
    assert {path.name for path in folder.iterdir()} == {
        "index.html",
        "summary.md",
        *(f"moving-{kind}.{form}" for kind in kinds for form in ("png", "svg")),
    }
    assert (folder / "moving-time.svg").read_text().startswith("<?xml")
