"""The command from beginning to end, on a planted loader that waits for its samples."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import psutil
import pytest

from harness.cli import run
from harness.errors import EXIT_OK, EXIT_USAGE
from harness.trial.planted import users_loaders


@pytest.mark.slow
@pytest.mark.new_hosts
def test_a_tuning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(users_loaders.SIZE, "2000")
    file = Path(shutil.copy(users_loaders.__file__, tmp_path / "train.py"))
    before = file.read_bytes()
    children = set(psutil.Process().children(recursive=True))
    output = tmp_path / "loader.json"
    arguments = ["tune", f"{file}:sleeping", "--step-ms", "3", "--budget", "40s", "-o", str(output)]
    assert run(arguments) == EXIT_OK
    said = capsys.readouterr().out
    written = json.loads(output.read_text())
    assert said.startswith(written["said"])
    because = "mostly because of fetching, by Rows.__getitem__ (train.py:" in said
    assert because or "what single stages cost: the budget is too short" in said
    # It sleeps 8 ms a batch: some workers are faster, if the machine lets anybody see that.
    assert written["verdict"] in ("faster", "undecided", "keep")
    assert (written["settings"]["num_workers"] > 0) == (written["verdict"] == "faster")
    assert (written["data"] is None) == (written["verdict"] == "keep")
    assert written["data"] is None or "the same batches in the same order" in written["data"]
    assert file.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"train.py", "loader.json"}
    assert set(psutil.Process().children(recursive=True)) <= children


def test_a_file_that_exists_is_refused_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "loader.json"
    output.write_text("{}")
    file = shutil.copy(users_loaders.__file__, tmp_path / "train.py")
    assert run(["tune", f"{file}:sleeping", "-o", str(output)]) == EXIT_USAGE
    assert "will not overwrite it without --force" in capsys.readouterr().err
    assert output.read_text() == "{}"
