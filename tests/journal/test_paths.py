"""What is made to be shared names no folder of a machine, and is found again where it was made."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import pytest

from harness.journal.paths import PACKAGE, located, places_here, places_of_old, portable

PLACES = {
    "/srv/app": "",
    "/srv/app/.venv": "<env>",
    "/usr": "<python>",
    "/tmp": "<tmp>",
    "/home/ann": "~",
}


@pytest.mark.parametrize(
    ("written", "shared"),
    [
        ('"/srv/app/scenarios/mine.py"', '"scenarios/mine.py"'),
        ('"/srv/app"', '"."'),
        ('"/srv/app/.venv/bin/python3"', '"<env>/bin/python3"'),
        ('"/srv/application/x.py"', '"/srv/application/x.py"'),  # another folder
        ('"/data/srv/app/x.py"', '"/data/srv/app/x.py"'),  # the end of a longer path
        ('"File \\"/home/ann/job.py\\", line 3"', '"File \\"~/job.py\\", line 3"'),
        ('"cannot open /tmp/a/b.bin: no space"', '"cannot open <tmp>/a/b.bin: no space"'),
        ('"/home/annabel/x"', '"/home/annabel/x"'),
        ('"of 3/home/ann"', '"of 3/home/ann"'),
        (
            '"/usr/lib/python3.11/json/__init__.py:5"',
            '"<python>/lib/python3.11/json/__init__.py:5"',
        ),
        ('"größer als /home/ann/datei"', '"größer als ~/datei"'),
        ('"PATH=/srv/app/.venv/bin:/usr/bin"', '"PATH=<env>/bin:<python>/bin"'),
    ],
)
def test_paths_are_written_relative_to_a_place(written: str, shared: str) -> None:
    assert portable(written.encode(), PLACES).decode() == shared


def test_what_has_no_path_is_left_alone() -> None:
    line = b'{"rate":"GB/s","case":"a/b size=1","source":"x = a/b  # 1/2"}'
    assert portable(line, PLACES) == line
    assert portable(line, {}) == line


def test_this_process_knows_its_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    places = places_here()
    line = f'["{tmp_path}/mine.py","{PACKAGE}/scenarios/x.py","{sys.prefix}/bin/python"]'
    assert portable(line.encode(), places) == b'["mine.py","scenarios/x.py","<env>/bin/python"]'


def test_the_root_of_the_file_system_is_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert "/" not in places_here()


def test_paths_are_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").touch()
    home = Path.home()
    for path in (
        tmp_path / "mine.py",
        PACKAGE / "scenarios" / "preprocess.py",
        Path(sys.prefix) / "bin" / "python",
        Path(tempfile.gettempdir()) / "elsewhere.py",
        home / "job.py",
    ):
        shared = portable(str(path).encode(), places_here()).decode()
        assert not Path(shared).is_absolute()
        assert located(shared) == path


def test_the_project_comes_before_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "scenarios" / "preprocess.py"
    own.parent.mkdir()
    own.touch()
    assert located("scenarios/preprocess.py") == own


def test_old_journals_say_what_their_paths_were_relative_to() -> None:
    header = (
        b'{"scenarios":[{"path":"/home/bob/ferry/scenarios/preprocess.py"}],"environment":'
        b'{"hosts":{"default":{"executable":"/opt/torch/.venv/bin/python3"}}}}'
    )
    places = places_of_old(header)
    assert portable(header, places) == (
        b'{"scenarios":[{"path":"scenarios/preprocess.py"}],"environment":'
        b'{"hosts":{"default":{"executable":"<env>/bin/python3"}}}}'
    )
    assert places_of_old(portable(header, places)) == {}
    assert places_of_old(b"") == {}


def test_what_is_committed_names_no_folder_of_a_machine() -> None:
    committed = [*PACKAGE.glob("results/*.jsonl"), *PACKAGE.glob("reports/sample/*.md")]
    assert committed
    for file in committed:
        lines = file.read_bytes().splitlines()
        assert places_of_old(lines[0]) == {}, file.name
        assert [path for line in lines for path in re.findall(rb'"/[a-z]+/[^"]*', line)] == []
