"""A summary for a pull request, in GitHub's Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harness.analysis.claims.wording import counts_text, evidence_text
from harness.analysis.ranking import Ranking
from harness.codes.code import Code
from harness.codes.registry import code_for
from harness.formats.markdown import cell, code, escape, table_row
from harness.report.content.choices import SUMMARY_COLUMNS, texts
from harness.report.content.columns import chosen
from harness.report.content.content import Content, ScenarioContent
from harness.report.content.machine import machine_line
from harness.report.content.sides import SideBySide
from harness.report.words.kinds import kind_of
from harness.report.words.place import PAGE
from harness.report.words.text import plural

MOST_FINDINGS = 8
MOST_GAINS = 5


def summary(content: Content) -> str:
    """The report in short: verdicts, the best of each group, findings and failures."""
    return "\n".join(_lines(content)).rstrip() + "\n"


def _lines(content: Content) -> Iterator[str]:
    yield f"## ferrybench: {escape(content.run.header.run_id)}"
    yield ""
    for notice in content.notices:
        yield f"> {escape(notice)}"
        yield ""
    if content.sides is not None:
        yield from _sides(content.sides)
    yield from _gains(content)
    for scenario in content.scenarios:
        yield from _scenario(scenario, every=not content.run.header.ours)
    for matrix in content.matrices:
        yield f"**{escape(matrix.info.question)}** {escape(' '.join(matrix.sentences))}"
        yield ""
    yield from _claims(content)
    yield from _findings(content)
    yield from _failures(content)
    yield f"<sub>{escape(machine_line(content.run))}</sub>"


def _gains(content: Content) -> Iterator[str]:
    """How many questions have a better answer, and what saves most."""
    if not content.scenarios:
        return
    yield f"{escape(content.first.headline)}."
    yield ""
    gains = content.first.gains
    for one in gains[:MOST_GAINS]:
        use = f"set {code(one.variables)}" if one.variables else f"use {code(one.strategy)}"
        when = f", {one.condition}" if one.condition else ""
        interval = f" ({one.interval})" if one.interval else ""
        saving = f"{one.saving} {one.of}{interval}"
        word = "fits" if one.of == "more data" else "saves"
        where = f"{one.scenario} {one.place}".rstrip()
        yield f"- {_link(one.code)} {escape(where)}: {use}{escape(when)}; {word} {saving}"
    if len(gains) > MOST_GAINS:
        yield f"- {len(gains) - MOST_GAINS} more in the report"
    if gains:
        yield ""


def _link(known: Code) -> str:
    """A code, leading to its explanation on the page beside the summary."""
    return f"[{known.id}]({PAGE}#page-{known.id})"


def _sides(sides: SideBySide) -> Iterator[str]:
    """Both sides of an A/B run, case by case."""
    yield f"### {escape(sides.title)}"
    yield ""
    yield f"{escape(sides.headline)}."
    yield ""
    heads = ("time", "candidate's", "ratio", "memory at the peak", "candidate's", "why")
    yield table_row(["case", "candidate is", *heads])
    yield table_row(["---", "---", *("--:" for _ in heads[1:]), "---"])
    for line in sides.lines:
        numbers = (line.base_time, line.candidate_time, line.ratio)
        memory = (line.base_memory, line.candidate_memory, cell(line.why))
        yield table_row([code(line.case), line.verdict, *numbers, *memory])
    yield ""
    for remark in sides.remarks:
        yield f"- {escape(remark)}"
    yield ""
    yield "What follows is about the base alone."
    yield ""


def _scenario(scenario: ScenarioContent, *, every: bool) -> Iterator[str]:
    """A scenario's answer and the best of it; of another program's tests, all of them."""
    answer = scenario.verdict
    yield f"### {escape(scenario.info.name)}"
    yield ""
    yield escape(scenario.info.question)
    yield ""
    yield escape(answer.text)
    yield ""
    if every:
        yield from _every_case(scenario)
        return
    if not answer.rankings:
        return
    sweep = scenario.sweep
    columns = SUMMARY_COLUMNS[kind_of(sweep)]
    decisive, *others = (column.head(sweep) for column in columns)
    yield table_row(["when", "strategy", cell(f"{decisive} {answer.place}".rstrip()), *others])
    yield table_row(["---", "---", *("--:" for _ in columns)])
    baseline = sweep.baseline_at(answer.size_bytes)
    if baseline is not None and sweep.compared(baseline):
        yield table_row(["baseline", code(baseline.strategy), *texts(columns, baseline)])
    for ranking in answer.rankings:
        if ranking.winner is not None and ranking.winner is baseline:
            continue
        numbers = texts(columns, ranking.leaders[0])
        yield table_row([cell(_when(ranking)), _names(ranking), *numbers])
    yield ""


def _every_case(scenario: ScenarioContent) -> Iterator[str]:
    """A row for each, without columns in which none has anything."""
    sweep = scenario.sweep
    columns = chosen(SUMMARY_COLUMNS[kind_of(sweep)], sweep, sweep.main)
    yield table_row(["test", *(column.head(sweep) for column in columns)])
    yield table_row(["---", *("--:" for _ in columns)])
    for row in sweep.main:
        numbers = texts(columns, row) if row.ok else [row.outcome, *("" for _ in columns[1:])]
        yield table_row([code(row.strategy), *numbers])
    yield ""


def _when(ranking: Ranking) -> str:
    return f"{ranking.meaning}{f', {ranking.setting}' if ranking.setting else ''}"


def _names(ranking: Ranking) -> str:
    names = [code(row.strategy) for row in ranking.leaders]
    if len(names) == 1:
        return names[0]
    if ranking.word == "level":
        return f"any of {', '.join(names)}"
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"undecided: {', '.join(names[:3])}{more}"


def _claims(content: Content) -> Iterator[str]:
    """Those that were decided; of the others, how many there are."""
    answers = content.claims.answers
    decided = [one.judged for one in answers if one.judged.decided]
    if not decided:
        return
    yield "### Claims"
    yield ""
    yield f"{counts_text(answers)}."
    yield ""
    yield table_row(["claim", "verdict", "statement", "measured"])
    yield table_row(["--:", "---", "---", "---"])
    for one in decided:
        texts = (one.claim.statement, evidence_text(one))
        yield table_row([one.claim.code, one.verdict, *map(cell, texts)])
    yield ""


def _findings(content: Content) -> Iterator[str]:
    # Two speeds are the machine's doing more often than a strategy's: only their number is told.
    told = [found for found in content.findings if found.kind != "two modes"]
    unsteady = len(content.findings) - len(told)
    if not content.findings:
        return
    yield "### Findings"
    yield ""
    for found in told[:MOST_FINDINGS]:
        where = ", ".join(part for part in (found.scenario, found.case) if part)
        link = _link(code_for("finding", found.kind))
        text = f"{code(found.strategy)} ({escape(where)}), {escape(found.text)}"
        yield f"- {link} {found.kind}: {text}"
    if len(told) > MOST_FINDINGS:
        yield f"- {len(told) - MOST_FINDINGS} more in the report"
    if unsteady:
        strategies = plural(unsteady, "strategy", "strategies")
        yield f"- two speeds, which no median describes: {strategies}"
    yield ""


def _failures(content: Content) -> Iterator[str]:
    probes = {matrix.info.name for matrix in content.matrices}
    rows = [row for row in content.rows if row.scenario not in probes]
    counts = Counter(row.outcome for row in rows if not row.ok)
    if not rows:
        return
    parts = [f"{count} {outcome}" for outcome, count in counts.items()]
    ended = ", ".join(parts) if parts else "none failed, none skipped"
    yield f"{plural(len(rows), 'case')}: {sum(row.ok for row in rows)} ok, {ended}."
    yield ""
