"""Journals that earlier versions recorded, one of each schema: what they say is what is read.

Each is a real run of the last version that wrote its schema; only folders were renamed since.
"""

from __future__ import annotations

import gzip
import json
import statistics
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import pytest

from harness.cases.frame import case_frame
from harness.cli import run as ferrybench
from harness.journal.lines import SCHEMA, Run
from harness.journal.read import read_journal

RECORDED = Path(__file__).parent / "recorded"
EARLIER = range(1, SCHEMA)
each_schema = pytest.mark.parametrize("schema", EARLIER)


def unpacked(schema: int, folder: Path) -> Path:
    path = folder / f"schema-{schema}.jsonl"
    path.write_bytes(gzip.decompress((RECORDED / f"{path.name}.gz").read_bytes()))
    return path


def said(path: Path, kind: str) -> list[dict[str, Any]]:
    """What stands in the file, read by nothing of ours."""
    lines = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    return [line for line in lines if line["kind"] == kind]


def rows(run: Run) -> dict[str, dict[Hashable, Any]]:
    return {str(row["case"]): row for row in case_frame(run).to_dict("records")}


def test_there_is_one_of_each() -> None:
    assert sorted(path.name for path in RECORDED.iterdir()) == [
        f"schema-{schema}.jsonl.gz" for schema in EARLIER
    ]


@each_schema
def test_every_line_is_read(schema: int, tmp_path: Path) -> None:
    path = unpacked(schema, tmp_path)
    run = read_journal(path)
    assert run.header.schema == schema
    assert (run.ended, run.remarks) == ("complete", [])
    assert len(run.ceilings) == len(said(path, "ceiling")) > 0
    trials = said(path, "trial")
    assert [(one.case, one.kind, one.round, one.outcome.name) for one in run.trials] == [
        (one["case"], one["trial_kind"], one["round"], one["outcome"]["name"]) for one in trials
    ]
    assert trials


@each_schema
def test_cases_have_the_numbers_that_were_recorded(schema: int, tmp_path: Path) -> None:
    path = unpacked(schema, tmp_path)
    run = read_journal(path)
    found = [rows(run)[planned.case.key] for planned in run.header.plan.cases]
    times = [one for one in said(path, "trial") if one["trial_kind"] == "time"]
    memory = [one for one in said(path, "trial") if one["trial_kind"] == "memory"]
    timed = [trial for trial in times if trial["timing"]["samples_s"]]  # one of each case
    assert timed
    assert memory
    for trial in timed:
        steady_s = found[trial["case"]]["steady_median_s"]
        assert steady_s == pytest.approx(statistics.median(trial["timing"]["samples_s"]))
    for trial in memory:
        row, ledger = found[trial["case"]], trial["ledger"]
        assert row["payload_bytes"] == trial["payload_bytes"]
        assert row["peak_extra_bytes"] == ledger["peak_extra_bytes"]
        assert row["shares_memory"] == trial["shares_memory"]


def test_loaders_of_the_second_have_their_phases(tmp_path: Path) -> None:
    path = unpacked(2, tmp_path)
    run = read_journal(path)
    told = [one for one in said(path, "trial") if one.get("loading")]
    read = [one for one in run.trials if one.loading is not None]
    assert len(told) == len(read) > 0
    for one, trial in zip(told, read, strict=True):
        assert trial.loading is not None
        assert trial.loading.build_s == one["loading"]["build_s"]
        assert trial.loading.batches == one["loading"]["batches"]
    trees = [one for one in said(path, "trial") if one["trial_kind"] == "tree"]
    assert len(trees) == len([one for one in run.trials if one.tree is not None]) > 0


def test_steps_and_the_page_cache_of_the_third_are_read(tmp_path: Path) -> None:
    path = unpacked(3, tmp_path)
    run = read_journal(path)
    for name in ("training", "page_cache"):
        told = [one[name] for one in said(path, "trial") if one.get(name)]
        assert len(told) == len([one for one in run.trials if getattr(one, name) is not None]) > 0


@each_schema
def test_what_an_earlier_version_did_not_know_is_unknown(schema: int, tmp_path: Path) -> None:
    run = read_journal(unpacked(schema, tmp_path))
    assert run.header.plan.sides is None
    assert {one.device_timing for one in run.trials} == {None}
    if schema < 3:
        assert {one.training for one in run.trials} == {None}
        assert {one.outcome.where for one in run.trials} == {""}
    if schema < 2:
        assert {one.loading for one in run.trials} == {None}
        assert {one.tree for one in run.trials} == {None}


@each_schema
@pytest.mark.parametrize("verb", ["export", "report", "compare", "claims"])
def test_it_goes_through_every_command(
    schema: int, verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(unpacked(schema, tmp_path))
    more = {
        "export": [],
        "report": ["-o", str(tmp_path / "page")],
        "compare": [path],
        "claims": [],
    }[verb]
    assert ferrybench([verb, path, *more]) in ((0, 3) if verb == "claims" else (0,))
    said = capsys.readouterr().out
    if verb == "compare":
        assert "nothing worse" in said
    if verb == "report":
        assert (tmp_path / "page" / "index.html").exists()
