"""The report of an A/B run: both sides beside each other, and the base's strategies."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import run as ferrybench
from harness.cli.options import latest_journal
from harness.cli.verdicts import verdicts_of
from harness.errors import UsageError
from harness.formats.markdown import escape
from harness.journal.lines import EndLine, Header, Run, Sides
from harness.journal.read import read_journal
from harness.journal.write import Journal
from harness.report.content.content import content
from harness.report.pages.as_markdown import summary
from harness.report.pages.rendering import environment
from harness.schema.records import HostSpec, Outcome, PlannedCase, Rss, Trial
from tests.journals import ENVIRONMENT, MIB, case, header, trial, write_run
from tests.some import some

NAMES = ("base", "other")


def of_sides(created: str = "2026-01-01T00:00:00+00:00") -> Header:
    hosts = ("base", "candidate")
    planned = [
        PlannedCase(replace(case(name), host=host), baseline=name == "base")
        for host in hosts
        for name in NAMES
    ]
    head = header(planned)
    facts = ENVIRONMENT.hosts["default"]
    return replace(
        head,
        created=created,
        plan=replace(
            head.plan,
            hosts=tuple(HostSpec(host) for host in hosts),
            sides=Sides("base", "candidate", "main", "rev=abc|123"),
        ),
        environment=replace(ENVIRONMENT, hosts=dict.fromkeys(hosts, facts)),
    )


def trials(change: Callable[[Trial], Trial] = lambda one: one) -> list[Trial]:
    """Memory and eight pairs of both strategies, of which one on the candidate is changed."""
    found = []
    for index in range(4):
        mine = [trial(index, n, 1e-3 * (1 + index % 2)) for n in range(1, 9)]
        mine = [replace(one, kind="duet") for one in mine]
        memory = [trial(index, number) for number in range(-3, 0)]
        memory = [replace(one, kind="memory", timing=None) for one in memory]
        found += [change(one) if index == 3 else one for one in (*memory, *mine)]
    return found


def ab_run(path: Path, change: Callable[[Trial], Trial] = lambda one: one) -> Run:
    with Journal.create(path, of_sides()) as journal:
        for one in trials(change):
            journal.append(one)
        journal.append(EndLine("complete"))
    return read_journal(path)


def heavier(one: Trial) -> Trial:
    if one.ledger is None:
        return one
    peak = Rss(anon_bytes=64 * MIB)
    return replace(one, ledger=replace(one.ledger, peak_extra_bytes=64 * MIB, peak=peak))


def twice(one: Trial) -> Trial:
    more = heavier(one).ledger
    peak = Rss(anon_bytes=2 * MIB)
    return replace(one, ledger=more and replace(more, peak_extra_bytes=2 * MIB, peak=peak))


def broken(one: Trial) -> Trial:
    return replace(one, outcome=Outcome("crash", "SIGSEGV"), timing=None, ledger=None)


@pytest.mark.parametrize(
    ("change", "word"),
    [(lambda one: one, "same"), (heavier, "suspect"), (broken, "broken")],
    ids=["same", "suspect", "broken"],
)
def test_every_case_stands_with_both_sides(
    tmp_path: Path, change: Callable[[Trial], Trial], word: str
) -> None:
    found = content(ab_run(tmp_path / "ab.jsonl", change))
    assert found.sides is not None
    first, second = found.sides.lines
    assert [line.case for line in (first, second)] == [
        f"moving/{name} size={MIB}" for name in NAMES
    ]
    assert (first.verdict, second.verdict) == ("same", word)
    assert (first.base_time, first.candidate_time) == ("1 ms", "1 ms")
    assert first.ratio.startswith("1×")
    if word == "suspect":  # no new pairs have decided
        assert (second.base_memory, second.candidate_memory) == ("1 MiB", "64 MiB")
    if word == "broken":
        assert "SIGSEGV" in second.why
        assert second.candidate_time == "–"


def test_page_summary_and_terminal_say_which_side_is_worse(tmp_path: Path) -> None:
    run = ab_run(tmp_path / "ab.jsonl", heavier)
    found = content(run)
    (said,) = verdicts_of(run)
    assert said.startswith("main against rev=abc|123: undecided: 1 suspect")
    text = summary(found)
    html = environment().get_template("sides.html.j2").render(content=found)
    assert r"### main against rev=abc\|123" in text
    row = next(line for line in text.splitlines() if f"`moving/other size={MIB}`" in line)
    assert "| suspect |" in row
    assert row.replace(r"\|", "").count("|") == 9
    assert "main against rev=abc|123" in html
    assert re.search(r"<code>moving/other size=\d+</code></th><td>suspect</td>", html)
    for remark in some(found.sides.remarks if found.sides else ()):
        assert f"- {escape(remark)}\n" in text  # as on the page, such as what is tolerated
    for written in (text, html):
        assert "Nothing was measured" not in written
        assert "No case was timed" not in written


@pytest.mark.parametrize("tolerance", ["", "memory=200%", "time=50%,memory=200%"])
def test_sides_are_judged_by_the_tolerance_that_they_were_measured_with(
    tmp_path: Path, tolerance: str, capsys: pytest.CaptureFixture[str]
) -> None:
    head = of_sides()
    assert head.plan.sides is not None
    sides = replace(head.plan.sides, tolerance=tolerance)
    with Journal.create(
        tmp_path / "ab.jsonl", replace(head, plan=replace(head.plan, sides=sides))
    ) as journal:
        for one in trials(twice):
            journal.append(one)
        journal.append(EndLine("complete"))
    run = read_journal(tmp_path / "ab.jsonl")
    expected = "nothing worse: 2 same" if tolerance else "undecided: 1 suspect"
    found = content(run)
    assert found.sides is not None
    assert found.sides.headline.startswith(expected)
    (said,) = verdicts_of(run)
    assert expected in said
    ferrybench(["compare", str(tmp_path / "ab.jsonl")])
    assert expected in capsys.readouterr().out.splitlines()[-1]
    ferrybench(["compare", str(tmp_path / "ab.jsonl"), "--tolerance", "memory=2%"])
    assert "undecided: 1 suspect" in capsys.readouterr().out.splitlines()[-1]


def test_the_base_alone_is_what_is_said_of_strategies(tmp_path: Path) -> None:
    (scenario,) = content(ab_run(tmp_path / "ab.jsonl", broken)).scenarios
    assert [row.strategy for row in scenario.sweep.main] == ["base", "other"]
    assert all(row.ok and row.timed for row in scenario.sweep.main)
    assert scenario.sweep.others == ()


def test_the_newest_journal_is_the_one_that_began_last(tmp_path: Path) -> None:
    """Not the one that was touched last, or another file that is no journal."""
    write_run(tmp_path / "old.jsonl", [], [])
    with Journal.create(tmp_path / "ab.jsonl", of_sides("2026-01-02T00:30:00+01:00")):
        pass
    with Journal.create(tmp_path / "ab-earlier.jsonl", of_sides("2026-01-01T23:20:00+00:00")):
        pass
    (tmp_path / "later.jsonl").write_text('{"format": "other", "created": "2027-01-01"}\n')
    (tmp_path / "empty.jsonl").write_text("")
    for age, name in enumerate(("ab", "ab-earlier", "old", "later", "empty")):
        os.utime(tmp_path / f"{name}.jsonl", (1e9 + age, 1e9 + age))
    assert latest_journal(tmp_path) == tmp_path / "ab.jsonl"
    assert latest_journal(tmp_path, to_resume=True) == tmp_path / "old.jsonl"
    with pytest.raises(UsageError, match="no journal in"):
        latest_journal(tmp_path / "nowhere")
