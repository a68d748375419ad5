"""Builds of Python that are not the usual one are known wherever figures of them are shown."""

from __future__ import annotations

import sys
import sysconfig
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import measure
from harness.comparison.sides import differences
from harness.host.environment import Environment, python_text
from harness.host.machine_checks import MachineCheck, examine
from harness.journal.read import read_journal
from harness.report.content.machine import host_lines, machine_line
from tests.journals import ENVIRONMENT, planned, trial, write_run

USUAL = {"python": "3.14.2", "gil": "always", "start_method": "forkserver"}
FREE = USUAL | {"gil": "off"}


def of(host: dict[str, Any]) -> Environment:
    return replace(ENVIRONMENT, hosts={"default": host})


def python_finding(host: dict[str, Any]) -> MachineCheck:
    (found,) = [finding for finding in examine(of(host)) if finding.name == "Python"]
    return found


def test_the_doctor_speaks_of_a_free_threaded_build() -> None:
    found = python_finding(FREE)
    assert found.state == "note"
    assert found.text.startswith(
        "3.14.2 free-threaded, GIL off; workers start by forkserver by default"
    )
    assert "such a build" in found.advice


def test_the_doctor_names_the_usual_build_and_its_start_method() -> None:
    found = python_finding(USUAL | {"python": "3.13.5", "start_method": "fork"})
    assert found == MachineCheck("Python", "good", "3.13.5; workers start by fork by default")


@pytest.mark.parametrize(
    ("host", "text"),
    [
        (USUAL, "3.14.2"),
        (FREE, "3.14.2 free-threaded, GIL off"),
        (USUAL | {"gil": "on"}, "3.14.2 free-threaded, GIL on"),
        ({"python": "3.11.7"}, "3.11.7"),  # of an earlier journal
        ({}, ""),
    ],
)
def test_a_version_says_what_kind_of_build_it_is(host: dict[str, str], text: str) -> None:
    assert python_text(host) == text


def test_reports_name_the_build(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run.jsonl", [planned("base", baseline=True)], [trial(0, 0)])
    run = read_journal(path)
    run = replace(run, header=replace(run.header, environment=of(FREE)))
    assert [line.python for line in host_lines(run)] == ["3.14.2 free-threaded, GIL off"]
    assert "Python 3.14.2 free-threaded, GIL off, NumPy" in machine_line(run)


def test_comparisons_name_the_build_and_the_default_start_method() -> None:
    older = of({"python": "3.13.5", "gil": "always", "start_method": "fork"})
    assert [one.text for one in differences(older, of(FREE))] == [
        "python: 3.13.5 → 3.14.2",
        "gil: always → off",
        "start_method: fork → forkserver",
    ]


def test_of_what_an_earlier_journal_does_not_say_nothing_is_known_to_differ() -> None:
    earlier = of({"python": "3.14.2"})
    assert list(differences(earlier, of(FREE))) == []
    assert list(differences(of(FREE), earlier)) == []


@pytest.mark.parametrize("enabled", [True, False])
def test_a_measurement_says_that_its_python_is_free_threaded(
    enabled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = sysconfig.get_config_var
    monkeypatch.setattr(
        sysconfig, "get_config_var", lambda name: name == "Py_GIL_DISABLED" or usual(name)
    )
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: enabled, raising=False)
    found = measure(abs, -1, trials=0)
    assert found.ok
    said = [remark for remark in found.remarks if "free-threaded" in remark]
    assert len(said) == 1
    assert f"the GIL {'on' if enabled else 'off'}" in said[0]
    monkeypatch.undo()
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        assert not any("free-threaded" in remark for remark in measure(abs, -1, trials=0).remarks)
