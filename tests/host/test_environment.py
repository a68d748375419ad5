"""What is known of a machine and its working directory, and what is not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.host.environment import read_environment


def git(folder: Path, *arguments: str) -> None:
    named = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *named, *arguments], cwd=folder, check=True, capture_output=True)


def test_uncommitted_changes_are_known_of_a_repository_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    outside = read_environment()
    assert (outside.git_revision, outside.git_dirty) == ("", None)
    git(tmp_path, "init")
    (tmp_path / "a.txt").write_text("a")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "a")
    clean = read_environment()
    assert (len(clean.git_revision), clean.git_dirty) == (12, False)
    (tmp_path / "a.txt").write_text("b")
    changed = read_environment()
    assert (changed.git_revision, changed.git_dirty) == (clean.git_revision, True)
    monkeypatch.setenv("PATH", "")
    without = read_environment()
    assert (without.git_revision, without.git_dirty) == ("", None)
