"""Several runs side by side: where they were measured, and what each says to use.

Times of separate runs are shown and not judged: machines differ, and so do days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.analysis.ranking import Ranking
from harness.analysis.sweep import Weighs
from harness.analysis.verdict import Verdict
from harness.analysis.verdict_limit import largest_text
from harness.analysis.wording import TOO_FEW, comparison
from harness.cases.summary import CaseSummary
from harness.report.content.content import Content, ScenarioContent
from harness.report.content.machine import UNKNOWN, host_lines
from harness.units import MISSING, format_multiple, format_seconds

MOST_NAMES = 3
Agreement = Literal["same", "differs", ""]


@dataclass(frozen=True)
class RunColumn:
    """One run."""

    title: str  # unique among them
    href: str
    facts: tuple[str, ...]  # as many as FACTS


FACTS = ("measured", "processor", "processors", "system", "Python", "NumPy", "torch", "sweep")


@dataclass(frozen=True)
class Answer:
    """What one run says to use, for one purpose."""

    names: tuple[str, ...]  # those that nobody has beaten
    text: str  # how it compares, or why there is no answer
    place: str
    among: int = 0  # of how many they are the best
    decided: bool = True


@dataclass(frozen=True)
class Purpose:
    """One purpose of a scenario, in every run."""

    when: str
    answers: tuple[Answer, ...]
    agreement: Agreement  # of those runs that chose among several; "" where fewer than two did


@dataclass(frozen=True)
class ScenarioBeside:
    """One scenario in every run."""

    name: str
    question: str
    baseline: tuple[str, ...]  # how long the usual way takes in each
    purposes: tuple[Purpose, ...]

    @property
    def differing(self) -> bool:
        return any(one.agreement == "differs" for one in self.purposes)


@dataclass(frozen=True)
class Beside:
    """The whole page."""

    runs: tuple[RunColumn, ...]
    scenarios: tuple[ScenarioBeside, ...]
    headline: str


def beside(contents: Sequence[Content], hrefs: Sequence[str]) -> Beside:
    """Set runs side by side.

    Args:
        contents: of their reports.
        hrefs: where each of those stands, as seen from the page.
    """
    names = dict.fromkeys(one.info.name for content in contents for one in content.scenarios)
    scenarios = tuple(_scenario(name, contents) for name in names)
    purposes = [one for scenario in scenarios for one in scenario.purposes]
    alike, apart = (sum(one.agreement == word for one in purposes) for word in ("same", "differs"))
    return Beside(
        tuple(map(_column, contents, hrefs)),
        scenarios,
        _headline(alike, alike + apart),
    )


def _headline(alike: int, among: int) -> str:
    if not among:
        return "There is no purpose for which two runs or more choose among several"
    return (
        f"For {alike} of {among} purposes for which two runs or more choose among several, one "
        "thing is the best in all of them, or level with it"
    )


def _column(content: Content, href: str) -> RunColumn:
    header = content.run.header
    environment, hosts = header.environment, host_lines(content.run)
    versions = (hosts[0].python, hosts[0].numpy, hosts[0].torch) if hosts else (UNKNOWN,) * 3
    return RunColumn(
        header.run_id,
        href,
        (
            header.created[:16].replace("T", " ") or UNKNOWN,
            environment.cpu_model or UNKNOWN,
            str(environment.processors or UNKNOWN),
            f"{environment.system} {environment.kernel}".strip() or UNKNOWN,
            *versions,
            header.plan.level if header.ours else header.format,
        ),
    )


def _scenario(name: str, contents: Sequence[Content]) -> ScenarioBeside:
    found = [
        next((one for one in content.scenarios if one.info.name == name), None)
        for content in contents
    ]
    known = [one for one in found if one is not None]
    keys = dict.fromkeys(
        (ranking.meaning, ranking.setting) for one in known for ranking in one.verdict.rankings
    )
    return ScenarioBeside(
        name,
        known[0].info.question,
        tuple(map(_usual, found)),
        tuple(_purpose(meaning, setting, found) for meaning, setting in keys),
    )


def _usual(one: ScenarioContent | None) -> str:
    """The baseline's time, with where it was measured."""
    if one is None:
        return MISSING
    row = one.sweep.baseline_at(one.verdict.size_bytes)
    if row is None or not row.timed:
        return MISSING
    return f"{format_seconds(row.pace.median)} {one.verdict.place}".rstrip()


def _purpose(meaning: str, setting: str, found: Sequence[ScenarioContent | None]) -> Purpose:
    answers = tuple(_answer(meaning, setting, one) for one in found)
    named = [set(one.names) for one in answers if one.among > 1]
    agreement: Agreement = ""
    if len(named) > 1 and not set.intersection(*named):
        agreement = "differs"
    elif len(named) > 1 and all(one.decided for one in answers if one.among > 1):
        agreement = "same"
    return Purpose(f"{meaning}{f', {setting}' if setting else ''}", answers, agreement)


def _answer(meaning: str, setting: str, one: ScenarioContent | None) -> Answer:
    if one is None:
        return Answer((), "not in this run", "")
    ranking = _of(one.verdict, meaning, setting)
    if ranking is None:
        return Answer((), "not measured", "")
    if ranking.too_few:
        return Answer((), TOO_FEW, one.verdict.place)
    names = tuple(row.strategy for row in ranking.leaders)
    told = _compared(ranking.leaders[0], ranking.weighs)
    alone = "the only one, " if len(ranking.rows) == 1 else ""
    decided = ranking.word != "undecided"
    text = f"{alone}{told}" if decided else f"undecided, {told}"
    return Answer(names, text, one.verdict.place, len(ranking.rows), decided)


def _of(verdict: Verdict, meaning: str, setting: str) -> Ranking | None:
    return next(
        (one for one in verdict.rankings if (one.meaning, one.setting) == (meaning, setting)), None
    )


def _compared(row: CaseSummary, weighs: Weighs) -> str:
    """What it is the best by, or what that gains on the usual way."""
    if weighs == "memory":
        return f"the process tree grows by {format_multiple(row.tree_multiple)} the data"
    if weighs == "size":
        return f"survives with {largest_text(row)}"
    if row.baseline:
        return "the usual way"
    return comparison(row.ratio) or "not clearly faster than the usual way"
