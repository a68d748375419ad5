"""A report lies where it is told to, whatever its journal says of names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli import run
from harness.errors import EXIT_OK, EXIT_USAGE
from tests.formats.saved_files import saved
from tests.journals import planned, scenario, trial, write_run
from tests.some import some

NAMES = ["../../x", "/tmp/owned", ""]


def journal_named(name: str, path: Path) -> Path:
    write_run(path, [planned("base")], [trial(0, 0)], infos=[scenario()])
    first, rest = path.read_text().split("\n", 1)
    path.write_text(json.dumps({**json.loads(first), "run_id": name}) + "\n" + rest)
    return path


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_report_is_written_below_its_folder(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    inside = tmp_path / "deep" / "deeper" / "deepest"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    path = journal_named(name, inside / "run.jsonl")
    assert run(["report", str(path)]) == EXIT_OK
    written = [file for file in tmp_path.rglob("*") if file.is_file() and file != path]
    [folder] = {file.parent for file in written}
    assert folder.parent == inside / "reports"
    assert capsys.readouterr().out.endswith("in a browser\n")


def test_of_several_journals_each_has_its_folder_there(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / "0.jsonl", [planned("base")], [trial(0, 0)])]
    runs += [journal_named(name, tmp_path / f"{ord(name[0])}.jsonl") for name in ("..", "/x/y")]
    output = tmp_path / "deep" / "both"
    assert run(["report", *map(str, runs), "-o", str(output)]) == EXIT_OK
    pages = list(tmp_path.rglob("index.html"))
    assert len(pages) == len(runs) + 1  # and one of all
    assert {page.parent.parent for page in pages} == {output, output.parent}


def test_a_file_s_own_name_is_no_path_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.chdir(inside)
    path = saved(inside / "...json")  # whose stem is ".."
    assert run(["report", str(path)]) == EXIT_OK
    assert [file.parent.parent for file in inside.rglob("index.html")] == [inside / "reports"]
    assert list(tmp_path.iterdir()) == [inside]


def test_pictures_lie_beside_their_page(tmp_path: Path) -> None:
    path, folder = tmp_path / "run.jsonl", tmp_path / "a" / "b" / "report"
    write_run(
        path, [planned("base"), planned("other")], [trial(n, m) for n in (0, 1) for m in (0, 1)]
    )
    path.write_text(path.read_text().replace('"moving"', '"../../moving"'))
    assert run(["report", str(path), "-o", str(folder)]) == EXIT_OK
    assert {file.parent for file in some(tmp_path.rglob("*.png"))} == {folder}


def test_a_report_does_not_replace_its_journal(tmp_path: Path) -> None:
    path = write_run(tmp_path / "summary.md", [planned("base")], [trial(0, 0)])
    before = path.read_bytes()
    assert run(["report", str(path), "-o", str(tmp_path), "--force"]) == EXIT_USAGE
    assert path.read_bytes() == before
