"""What an interpreter says of itself; free-threaded builds are stood in for."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from harness.trial.interpreter import describe_interpreter, gil

ROOT = Path(__file__).parents[2]


def free_threaded(monkeypatch: pytest.MonkeyPatch, enabled: bool) -> None:
    monkeypatch.setattr(sysconfig, "get_config_var", {"Py_GIL_DISABLED": 1}.get)
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: enabled, raising=False)


@pytest.mark.parametrize(("enabled", "said"), [(True, "on"), (False, "off")])
def test_a_free_threaded_build_says_whether_it_has_a_gil_now(
    enabled: bool, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    free_threaded(monkeypatch, enabled)
    assert gil() == describe_interpreter()["gil"] == said


def test_other_builds_always_have_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysconfig, "get_config_var", {"Py_GIL_DISABLED": 0}.get)
    assert gil() == "always"
    monkeypatch.setattr(sysconfig, "get_config_var", {}.get)  # as before Python 3.13
    assert gil() == "always"


def test_the_default_start_method_is_that_of_this_python() -> None:
    code = "import multiprocessing; print(multiprocessing.get_start_method())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    expected = "fork" if sys.version_info < (3, 14) else "forkserver"
    assert describe_interpreter()["start_method"] == said.stdout.strip() == expected


def test_asking_for_the_start_method_does_not_settle_it() -> None:
    code = (
        "import multiprocessing; from harness.trial.interpreter import describe_interpreter\n"
        "describe_interpreter(); multiprocessing.set_start_method('spawn')\n"
        "print(describe_interpreter()['start_method'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "spawn\n"
