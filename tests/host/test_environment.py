"""What is known of a machine and its working directory, and what is not."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from harness.host import environment
from harness.host.environment import available_bytes, read_environment

GIB = 1024**3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor\t: 0\nflags\t\t: fpu hypervisor lm\n", True),
        ("processor\t: 0\nflags\t\t: fpu lm\nbugs\t: hypervisor\n", False),
        ("processor\t: 0\nFeatures\t: fp asimd\n", None),
        ("flags\t\t:\n", None),
        (None, None),
    ],
)
def test_a_hypervisor_is_unknown_where_there_are_no_flags(
    text: str | None, expected: bool | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if text is not None:
        (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(environment, "_CPUINFO", tmp_path / "cpuinfo")
    assert read_environment().hypervisor is expected


def test_a_load_that_cannot_be_had_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> Any:
        raise OSError("Load averages are unobtainable")

    monkeypatch.setattr(os, "getloadavg", fails)
    assert read_environment().load_1m is None


@pytest.mark.parametrize(
    ("current", "expected"),
    [(str(1 * GIB), 3 * GIB), (str(5 * GIB), 0), (None, 1 * GIB), ("", 1 * GIB)],
)
def test_use_that_is_not_known_is_not_none(
    current: str | None, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = SimpleNamespace(total=16 * GIB, available=13 * GIB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: machine)
    monkeypatch.setattr(environment, "_CGROUP", tmp_path)
    assert available_bytes() == 13 * GIB
    (tmp_path / "memory.max").write_text(str(4 * GIB))
    if current is not None:
        (tmp_path / "memory.current").write_text(current)
    assert available_bytes() == expected


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
