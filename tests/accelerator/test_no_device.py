"""Where there is no accelerator: everything is listed, planned and skipped, and nothing is fast."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli import run
from harness.host.host import Host
from harness.journal.read import read_journal
from harness.planning.plan import Request
from harness.run.session import describe, plan_cases
from harness.scenario.discover import built_in_files
from harness.schema.records import HostSpec
from harness.trial.device.accelerator import why_none

TRANSFERS = ("host_to_device", "device_to_host", "device_training")
GIB = 1024**3


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    files = built_in_files()
    with Host(HostSpec(), files) as opened:
        yield opened


pytestmark = pytest.mark.skipif(not why_none(), reason="there is an accelerator")


def test_every_case_is_skipped_with_the_reason_and_costs_nothing(host: Host) -> None:
    infos = describe(host, built_in_files())
    for level in ("quick", "usual", "full"):
        cases = plan_cases(host, infos, Request(TRANSFERS, level), 64 * GIB)
        assert {case.case.scenario for case in cases} == set(TRANSFERS)
        reasons = {case.skip for case in cases}
        assert reasons <= {why_none(), "float32 needs no cast", "float16 needs no cast"}
        assert not any(case.on_device for case in cases)


def test_device_strategies_elsewhere_are_skipped_too(host: Host) -> None:
    infos = describe(host, built_in_files())
    for target in ("preprocess/cast_on_device", "array_from_loader/pinned_staging"):
        cases = plan_cases(host, infos, Request((target,), "quick"), 64 * GIB)
        name = target.partition("/")[2]
        assert {case.skip for case in cases if case.case.strategy == name} == {why_none()}


def test_under_a_limit_they_are_not_tried(host: Host) -> None:
    infos = describe(host, built_in_files())
    cases = plan_cases(host, infos, Request(("memory_limit/cpu_each",), "quick"), 64 * GIB)
    (reason,) = {case.skip for case in cases if case.case.strategy == "cpu_each"}
    assert "works on an accelerator" in reason


@pytest.mark.parametrize("scenario", TRANSFERS)
def test_a_run_of_them_alone_ends_in_one_line(
    scenario: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = tmp_path / "run.jsonl"
    assert run(["run", scenario, "--quick", "-o", str(journal)]) == 4
    said = capsys.readouterr().err.strip().splitlines()
    assert said[-1].startswith("ferrybench: nothing could be measured: no accelerator: torch")
    found = read_journal(journal)
    assert found.trials == []
    assert found.ceilings == []
    about = found.header.environment.hosts["default"]["accelerator"]
    assert about == {"missing": why_none()}
