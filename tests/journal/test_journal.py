"""A journal loses at most the line in flight, and says clearly what it cannot read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.journal.lines import SCHEMA, JournalError
from harness.journal.read import read_journal
from harness.journal.write import Journal
from harness.schema.records import Ceiling, Outcome
from tests.journals import header, planned, trial, write_run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    trials = [trial(0, 0), trial(0, 1, [1e-3, 2e-3]), trial(0, 2, outcome=Outcome("oom", "why"))]
    ceilings = [Ceiling("memcpy_touched", 1, 64, 1e10)]
    return write_run(
        tmp_path / "run.jsonl", [planned("base", baseline=True)], trials, ceilings=ceilings
    )


def test_everything_written_is_read_back(path: Path) -> None:
    run = read_journal(path)
    assert run.header == header([planned("base", baseline=True)])
    assert run.trials[1] == trial(0, 1, [1e-3, 2e-3])
    assert run.trials[2].outcome == Outcome("oom", "why")
    assert run.ceilings[0].ceiling.bytes_per_s == 1e10
    assert run.ended == "complete"
    assert run.remarks == []


def test_each_line_is_on_disk_before_the_next_is_measured(tmp_path: Path) -> None:
    with Journal.create(tmp_path / "run.jsonl", header([planned("base")])) as journal:
        for number in range(3):
            journal.append(trial(0, number))
            # Read through another descriptor while the journal is still open.
            assert len(read_journal(journal.path).trials) == number + 1


def test_a_cut_at_any_byte_loses_only_the_line_in_flight(path: Path) -> None:
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for end in range(first, len(whole)):
        path.write_bytes(whole[:end])
        run = read_journal(path)
        complete = whole[first:end].count(b"\n")
        assert len(run.trials) + len(run.ceilings) + bool(run.ended) == complete
        assert bool(run.remarks) == (not whole[:end].endswith(b"\n"))
        assert run.good_bytes == whole[:end].rindex(b"\n") + 1


def test_a_continued_journal_drops_the_half_line(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:20])
    run = read_journal(path)
    with Journal.extend(run) as journal:
        journal.append(trial(0, 1))
    again = read_journal(path)
    assert again.trials == [trial(0, 0), trial(0, 1)]
    assert again.remarks == []


@pytest.mark.parametrize(
    ("line", "content", "problem"),
    [
        (1, b"hello\n", "not a ferrybench journal"),
        (1, b'{"format": "other"}\n', "not a ferrybench journal"),
        (1, b"[1, 2]\n", "not a ferrybench journal"),
        (1, b"\x89PNG\r\n\x1a\n", "not a ferrybench journal"),
        (1, b"", "no complete line"),
        (1, b'{"format": "ferrybench-journal", "schema": 1}\n', "damaged header"),
        (1, b'{"format": "ferrybench-journal"}\n', "schema"),
    ],
)
def test_foreign_files_are_named(tmp_path: Path, line: int, content: bytes, problem: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(JournalError) as caught:
        read_journal(path)
    message = str(caught.value)
    assert message.startswith(f"{path}, line {line}: ")
    assert problem in message
    assert "\n" not in message


def test_a_newer_schema_is_refused_with_both_versions(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    fields = json.loads(lines[0]) | {"schema": SCHEMA + 1}
    path.write_bytes(json.dumps(fields).encode() + b"\n" + b"".join(lines[1:]))
    with pytest.raises(
        JournalError, match=f"newer ferrybench .schema {SCHEMA + 1}.*up to {SCHEMA}"
    ):
        read_journal(path)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (b"{oops\n", "damaged"),
        (b'{"kind": "song"}\n', "unknown kind of line: 'song'"),
        (b'{"kind": "trial", "trial_kind": "time"}\n', "damaged"),
        (b"\xff\xfe\n", "damaged"),
    ],
)
def test_damage_in_the_middle_names_the_line(path: Path, damage: bytes, problem: str) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], damage, *lines[2:]]))
    with pytest.raises(JournalError, match=problem) as caught:
        read_journal(path)
    assert f"{path}, line 3: " in str(caught.value)


def test_a_trial_of_no_case_is_damage(path: Path) -> None:
    text = path.read_text().replace('"case":0,', '"case":7,', 1)
    path.write_text(text)
    with pytest.raises(JournalError, match="case 7, but the plan has only"):
        read_journal(path)


def test_nothing_is_overwritten_unasked(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(UsageError, match="--force"):
        Journal.create(path, header([planned("base")]))
    assert path.read_bytes() == before


def test_groups_of_a_journal_from_before_they_were_declared_mean_what_they_meant(
    path: Path,
) -> None:
    first, *rest = path.read_text().splitlines(keepends=True)
    fields = json.loads(first)
    (scenario,) = fields["scenarios"]
    borrowed = scenario["strategies"][0] | {"name": "lent", "group": "memmap_training"}
    others = [borrowed, borrowed | {"name": "own", "group": "mine"}]
    scenario["strategies"] += others
    del scenario["groups"], scenario["possible"]
    path.write_text(json.dumps(fields) + "\n" + "".join(rest))
    (info,) = read_journal(path).header.scenarios
    assert info.groups == {
        "copy": "if you need your own copy",
        "memmap_training": "to train from a file",
    }
    assert info.possible == {"memmap_training": "a file can be trained from"}
    assert info.meaning("mine") == "among mine"
    # One that declares none keeps none.
    fields["scenarios"] = [scenario | {"groups": {}}]
    path.write_text(json.dumps(fields) + "\n" + "".join(rest))
    (info,) = read_journal(path).header.scenarios
    assert info.groups == {}
