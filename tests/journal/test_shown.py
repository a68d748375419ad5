"""What is shown of a run is inert, and its names stay as different as they were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from harness.cli import run as ferrybench
from harness.errors import EXIT_OK, EXIT_USAGE
from harness.formats.open_results import read_run
from harness.journal.lines import Run
from harness.journal.read import read_journal
from harness.journal.shown import shown
from harness.journal.write import Journal
from harness.schema.records import (
    Case,
    DeviceMemory,
    HostSpec,
    Limit,
    Outcome,
    PageCache,
    PlannedCase,
)
from tests.journals import MIB, header, parameter, planned, scenario, strategy, trial, write_run
from tests.report.runs import rich_run
from tests.some import some

ESCAPE = "\x1b]0;owned\x07\x1b[2J"
LONG = "n" * 10_000


def hostile_run(path: Path) -> Path:
    """Of names that command, end lines, are formulas, or fill a screen."""
    names = ("base", f"colour{ESCAPE}", "two\nlines", "two lines", LONG, f"{LONG}m", "=1+1|[/]`")
    name, host = f"mov{ESCAPE}ing", f"ho{ESCAPE}st"
    info = replace(
        scenario(
            [
                replace(
                    strategy(one, group=f"gr\n{ESCAPE}"), doc=f"It\n{ESCAPE}", source=f"x\n{ESCAPE}"
                )
                for one in names
            ],
            {"size": parameter(MIB, MIB, axis=True), "kind": parameter(f"v{ESCAPE}", LONG)},
            name=name,
        ),
        question=f"Does it\n# move{ESCAPE}?",
    )
    cases = [
        PlannedCase(Case(name, one, {"size": MIB, "kind": f"v{ESCAPE}"}, where), one == "base")
        for one in names
        for where in ("default", host)
    ]
    plan = header(cases, [info])
    plan = replace(plan, plan=replace(plan.plan, hosts=(HostSpec(), HostSpec(host, ESCAPE))))
    failed = Outcome("error", f"ValueError:\n{ESCAPE}{LONG}", where=ESCAPE)
    with Journal.create(path, plan) as journal:
        for index in range(len(cases)):
            for number in (0, 1):
                one = trial(index, number, outcome=failed if index == 2 else None)
                journal.append(replace(one, warnings=(ESCAPE,), result=ESCAPE))
    return path


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from texts(name)
            yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)


def all_texts(run: Run) -> Iterator[str]:
    yield from texts(asdict(run.header))
    for one in run.trials:
        yield from texts(asdict(one))


def test_every_text_is_inert(tmp_path: Path) -> None:
    found = shown(read_journal(hostile_run(tmp_path / "run.jsonl")))
    for text in some(all_texts(found)):
        assert "\x1b" not in text
        assert len(text) <= 1000
    assert "\n" not in found.header.scenarios[0].question


def spoiled(value: Any) -> Any:
    """A record with the worst text in place of each."""
    if isinstance(value, str):
        return f"two\n{ESCAPE}{LONG}"
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{one.name: spoiled(getattr(value, one.name)) for one in fields(value)}
        )
    return value


def test_no_field_ends_a_line_but_the_code_of_a_strategy(tmp_path: Path) -> None:
    run = read_journal(hostile_run(tmp_path / "run.jsonl"))
    one = trial(0, 0)
    names: Any = [one.name for one in fields(DeviceMemory) if one.name.endswith("_bytes")]
    records = {
        "ledger": one.ledger,
        "device_memory": DeviceMemory(**dict.fromkeys(names), source="", used_source=""),
        "page_cache": PageCache("", 0, 0, 0, 1, ""),
        "limit": Limit("", 0, 0, 0, ""),
    }
    trials = [replace(one, **{name: spoiled(record)}) for name, record in records.items()]
    own = Case("moving", "base", {"source": "a\nb", "doc": "c\nd", "reason": "e\nf"})
    header = replace(run.header, plan=replace(run.header.plan, cases=(PlannedCase(own),)))
    found = shown(replace(run, header=header, trials=trials))
    parts: tuple[Any, ...] = (found.header.plan, *found.trials)
    for text in some(texts([asdict(part) for part in parts])):
        assert "\n" not in text
        assert "\x1b" not in text
        assert len(text) <= 1000
    assert "\n" in found.header.scenarios[0].strategies[0].source


def test_names_are_as_many_as_before_and_still_described(tmp_path: Path) -> None:
    run = read_journal(hostile_run(tmp_path / "run.jsonl"))
    found = shown(run)
    for one in (run, found):
        assert len({planned.case.key for planned in one.header.plan.cases}) == 14
    strategies = {one.name for one in found.header.scenarios[0].strategies}
    assert {one.case.strategy for one in found.header.plan.cases} == strategies
    assert {one.case.host for one in found.header.plan.cases} == {
        host.name for host in found.header.plan.hosts
    }


def test_a_usual_run_is_shown_as_it_is(tmp_path: Path) -> None:
    run = read_journal(rich_run(tmp_path))
    assert shown(run) == run
    assert shown(run).header is run.header


@pytest.mark.parametrize(
    "command",
    [
        ["compare", "RUN", "RUN"],
        ["compare", "RUN", "RUN", "--markdown", "OUT"],
        ["compare", "RUN", "RUN", "--junit", "OUT"],
        ["history", "RUN", "RUN2", "--all", "-o", "OUT"],
        ["report", "RUN", "-o", "REPORT"],
        ["matrix", "RUN", "--reasons"],
        ["export", "RUN"],
        ["export", "RUN", "-o", "OUT"],
        ["export", "RUN", "--format", "json", "-o", "OUT"],
        ["export", "RUN", "--format", "pytest-benchmark", "-o", "OUT"],
        ["export", "RUN", "--format", "bencher", "-o", "OUT"],
        ["export", "RUN", "--format", "github-action-benchmark", "-o", "OUT"],
    ],
    ids=" ".join,
)
def test_no_output_commands_a_terminal(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = hostile_run(tmp_path / "run.jsonl")
    second = tmp_path / "second.jsonl"
    second.write_text(run.read_text().replace("20260101-000000", "20260102-000000"))
    out, report = tmp_path / "out", tmp_path / "report"
    places = {"RUN": run, "RUN2": second, "OUT": out, "REPORT": report}
    ferrybench([str(places.get(one, one)) for one in command])
    captured = capsys.readouterr()
    written = [file for file in (out, *report.glob("*.*")) if file.is_file()]
    said = [captured.out, captured.err, *(f.read_text() for f in written if f.suffix != ".png")]
    assert "Traceback" not in captured.err
    assert "a fault in" not in captured.err
    for text in some(said):
        assert "\x1b" not in text
    for text in (captured.out, captured.err):
        assert "x" * 5000 not in text


def test_a_summary_keeps_its_lines(tmp_path: Path) -> None:
    run, folder = hostile_run(tmp_path / "run.jsonl"), tmp_path / "report"
    assert ferrybench(["report", str(run), "-o", str(folder)]) == EXIT_OK
    summary = (folder / "summary.md").read_text()
    assert "Does it # move" in summary.replace("\\#", "#")
    assert not [line for line in summary.splitlines() if line.startswith("# ")]
    assert LONG not in summary
    assert LONG not in (folder / "index.html").read_text()
    assert len(list(folder.glob("*.png"))) > 0


def test_an_export_keeps_the_names(tmp_path: Path) -> None:
    run, out = hostile_run(tmp_path / "run.jsonl"), tmp_path / "out.json"
    assert ferrybench(["export", str(run), "--format", "json", "-o", str(out)]) == EXIT_OK
    assert LONG in out.read_text()
    assert read_run(run).header.scenarios[0].name == f"mov{ESCAPE}ing"


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (Case("elsewhere", "base", {"size": MIB}), "a scenario 'elsewhere'"),
        (Case("moving", "unheard", {"size": MIB}), "a strategy 'unheard'"),
        (Case("moving", "base", {"size": MIB}, "abroad"), "a host 'abroad'"),
    ],
)
def test_a_case_that_the_header_does_not_describe_is_damage(
    case: Case, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.jsonl"
    plan = header([planned("base")])
    cases = (*plan.plan.cases, PlannedCase(case))
    with Journal.create(path, replace(plan, plan=replace(plan.plan, cases=cases))) as journal:
        journal.append(trial(0, 0))
    good = write_run(tmp_path / "good.jsonl", [planned("base")], [trial(0, 0)])
    for command in (
        ["export", str(path)],
        ["report", str(path)],
        ["compare", str(good), str(path)],
        ["history", str(good), str(path)],
        ["matrix", str(path)],
        ["run", "--resume", "-o", str(path)],
    ):
        assert ferrybench(command) == EXIT_USAGE, command
        said = capsys.readouterr().err
        assert f"{path}, line 1: damaged header: case 1 is of {words}, which it lacks\n" in said
