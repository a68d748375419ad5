"""A whole run on what is taken for a device: plan, hosts, trials, journal, frame and report."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from harness.cases.frame import case_frame
from harness.cli import run
from harness.journal.lines import Run
from harness.journal.read import read_journal
from harness.report.content.content import content
from harness.report.pages.as_html import page
from tests.report.test_page import Page

PRETENDING = str(Path(__file__).with_name("pretending.py"))
NO_LINK = "what is pretended has no link"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    journal = tmp_path_factory.mktemp("whole") / "run.jsonl"
    asked = ["run", "pretending", "--scenarios", PRETENDING, "--quick", "-o", str(journal)]
    assert run([*asked, "--trials", "1"]) == 0
    return read_journal(journal)


def test_every_trial_tells_of_the_device(done: Run) -> None:
    assert all(planned.on_device for planned in done.header.plan.cases)
    for trial in done.trials:
        name = done.header.plan.cases[trial.case].case.strategy
        assert trial.outcome.name == ("wrong" if name == "wrong" else "ok")
        assert trial.device_timing is not None
        assert trial.device_timing.device == "pretended"
        assert (trial.device_memory is not None) == (trial.kind == "memory")
        timed = trial.kind == "time" and trial.outcome.ok
        assert bool(trial.device_timing.blocked_s) == timed
        assert bool(trial.device_timing.overlaps) == timed


def test_what_is_wrong_is_never_fast(done: Run) -> None:
    rows = {row["strategy"]: row for row in case_frame(done).to_dict("records")}
    assert rows["wrong"]["outcome"] == "wrong"
    unknown = {name: math.isnan(row["steady_median_s"]) for name, row in rows.items()}
    assert unknown == {"copy": False, "twice": False, "wrong": True}
    assert rows["twice"]["blocked_s"] <= rows["twice"]["steady_median_s"]
    assert rows["twice"]["pinned_asked_bytes"] == 2**20


def test_ceilings_that_could_not_be_measured_say_so(done: Run) -> None:
    found = [line.ceiling for line in done.ceilings if line.ceiling.name.startswith("device")]
    assert found
    assert all("not measured" in ceiling.note and not ceiling.bytes_per_s for ceiling in found)
    assert all(NO_LINK in ceiling.note for ceiling in found)


def test_the_report_holds_together(done: Run) -> None:
    pytest.importorskip("vl_convert", reason="pages are drawn where it is installed")
    shown = Page(page(content(done)))
    assert "How long the host is blocked" in shown.words
    assert "pretended" in shown.words
    assert shown.unbalanced == []
