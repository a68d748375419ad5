"""How far the numbers can be trusted: what to know first, how they were made, what is missing.

The texts are templates; here is what they depend on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

import jinja2

from harness.analysis.unfinished import cases_missing, why_unfinished
from harness.analysis.wording import percent
from harness.cases.summary import CaseSummary
from harness.cases.throughput import limits_of
from harness.host.machine_checks import BUSY_LOAD
from harness.journal.lines import Run
from harness.report.words.text import plural
from harness.units import format_seconds

UNSTEADY_SHARE = 0.2
"""From this share of cases with two speeds on, the machine itself was not steady."""


def notices(run: Run, rows: Sequence[CaseSummary]) -> tuple[str, ...]:
    """What limits the whole report, the gravest first."""
    timed = [row for row in rows if row.timed]
    told = [row for row in timed if row.two_modes is not None]
    unsteady = sum(bool(row.two_modes) for row in told)
    environment = run.header.environment
    sources = {row.memory_source for row in rows if row.memory_source}
    return _items(
        "notices",
        unfinished=why_unfinished(run),
        missing=cases_missing(run),
        remarks=[
            " ".join(one.replace(str(run.path), run.path.name).split()) for one in run.remarks
        ],
        told=len(told),
        unsteady=unsteady if unsteady >= UNSTEADY_SHARE * len(told) else 0,
        load_unknown=environment.load_1m is None and not run.header.imported,
        busy=(environment.load_1m or 0.0) > BUSY_LOAD * max(1, environment.processors),
        environment=environment,
        without_ceilings=timed and not limits_of(run) and not run.header.imported,
        of_other_sizes=timed and not any(row.ceiling for row in timed) and _of_one_size(run),
        above=sum(row.above_ceiling for row in timed),
        inexact=sorted(source for source in sources if "lower bound" in source),
    )


def _of_one_size(run: Run) -> bool:
    """Whether ceilings were measured once for all cases, as they were at first."""
    return any(line.ceiling.work is None and line.ceiling.bytes_per_s for line in run.ceilings)


def method(run: Run, rows: Sequence[CaseSummary]) -> tuple[str, ...]:
    """How the numbers came about, one sentence or two each."""
    effort = run.header.plan.effort
    cold = [row.cache for row in rows if row.cache and row.cache.state == "cold"]
    coverage = _coverage(rows)
    return _items(
        "method",
        header=run.header,
        sides=run.header.plan.sides is not None,
        rows=rows,
        rounds=_rounds(run),
        ledgers=any(trial.ledger for trial in run.trials),
        processes=plural(effort.trials, "process", "processes"),
        adaptive=effort.contests is not None,
        contests=rows[0].rule.contests if rows else 0,
        margin=percent(rows[0].rule.margin) if rows else "",
        steady=format_seconds(effort.steady_s),
        coverage=coverage,
        coverage_text=f"{coverage or 0:.{0 if (coverage or 0) < 0.995 else 1}%}",
        loaders=any(row.loading for row in rows),
        trees=any(row.tree for row in rows),
        training=any(row.training for row in rows),
        limits=any(row.limit for row in rows),
        cold=cold,
        stayed=percent(max((cache.before for cache in cold), default=0.0)),
        virtual=run.header.environment.hypervisor,
    )


def _rounds(run: Run) -> int | None:
    """How many there were; None unless all are known."""
    counts = [trial.timing.samples for trial in run.trials if trial.timing]
    return None if None in counts else sum(count or 0 for count in counts)


def _coverage(rows: Sequence[CaseSummary]) -> float | None:
    """The probability that most intervals have; None where nothing was timed."""
    timed = Counter((row.trials, round(row.steady.coverage, 4)) for row in rows if row.timed)
    return timed.most_common(1)[0][0][1] if timed else None


def not_measured(run: Run) -> tuple[str, ...]:
    """What these numbers are silent about."""
    trials = run.trials
    return _items(
        "not_measured",
        trees=any(trial.tree for trial in trials),
        on_device=any(trial.device_timing for trial in trials),
        contexts=any(one.device_memory and one.device_memory.context_bytes for one in trials),
        cold=any(trial.page_cache and trial.page_cache.state == "cold" for trial in trials),
        collects_garbage=run.header.plan.effort.collect_garbage,
    )


@cache
def _templates() -> jinja2.Environment:
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("harness.report.content"),
        autoescape=False,  # noqa: S701 — Markdown, which page and summary escape
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals["plural"] = plural
    return found


def _items(name: str, **facts: Any) -> tuple[str, ...]:
    """The paragraphs of a template, each as one line."""
    text = _templates().get_template(f"{name}.md.j2").render(facts)
    lines = (" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
    return tuple(line for line in lines if line)
