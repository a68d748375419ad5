"""Figures as declarations: each is found once, and says enough to be made and read."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from harness.analysis.verdict import verdict
from harness.charts.chart import Axis, BarFigure, DotFigure, ReferenceLine
from harness.journal.read import read_journal
from harness.report import figures as package
from harness.report.content.content import Content, content
from harness.report.figures.all import FIGURES, figures
from harness.report.figures.spec import BarSpec, DotSpec, Subject, exactly, of, rules_of
from tests.journals import ceiling
from tests.report.file_runs import feeding_run, limiting_run
from tests.report.loader_runs import batching_run, holding_run
from tests.report.runs import rich_run
from tests.some import some


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    made = content(read_journal(rich_run(tmp_path_factory.mktemp("rich"))))
    return Subject(made.scenarios[0].sweep, made.scenarios[0].verdict)


COUNTS = BarSpec(
    of("time"),
    "counted",
    "Counted",
    "Of a {first}.{at}{beside}",
    ("sizes", "bytes"),
    ("anonymous", "file pages"),
    lambda row: (row.payload_bytes, 1.0) if row.ok else (),
    lambda row: (("payload", str(row.payload_bytes)),),
)
SHARES = DotSpec(
    of("time"),
    "dotted",
    "Dotted",
    "{rules}{at}",
    Axis("ratio", "multiple", False),
    {"main": "first {first}"},
    lambda row: {"main": exactly(row.ratio.median)} if row.ok else {},
    lambda row: (("name", row.strategy),),
    rules="ruled",
)


def lines_at_64_mib(one: Subject) -> tuple[ReferenceLine, ...]:
    return rules_of(one.sweep.at(64 * 1024**2))


def test_bars_are_made_of_a_declaration(subject: Subject) -> None:
    (figure,) = COUNTS.figures(subject)
    assert figure.subtitle == "Of a call. At 64 MiB."
    assert {bar.name for bar in figure.bars} == {"base", "clone", "view", "kept"}
    assert {bar.values for bar in figure.bars} == {(64 * 1024**2, 1.0)}
    assert figure.x.high > 64 * 1024**2 + 1
    assert figure.x.unit == "bytes"


def test_one_bar_is_nothing_to_compare(subject: Subject) -> None:
    alone = replace(COUNTS, values=lambda row: (1.0, 1.0) if row.baseline else ())
    assert list(alone.figures(subject)) == []


def test_dots_are_made_of_a_declaration(subject: Subject) -> None:
    (figure,) = SHARES.figures(subject)
    assert figure.subtitle == " At 64 MiB."  # no rules, so nothing is said of them
    assert figure.roles == (("main", "first call"),)
    assert figure.sizes == (1024**2, 64 * 1024**2)
    assert figure.size_bytes == 64 * 1024**2
    assert {dot.value for row in figure.rows for dot in row.dots if row.name == "base"} == {1.0}


def test_rules_are_told_of_where_they_are_drawn(subject: Subject) -> None:
    ruled = replace(SHARES, references=lines_at_64_mib)
    (figure,) = ruled.figures(subject)
    assert figure.subtitle == "ruled At 64 MiB."
    assert [(line.value, line.label) for line in figure.references] == [(12e9, "copying, 12 GB/s")]


def test_an_axis_may_follow_from_values_and_rules(subject: Subject) -> None:
    seen: list[float] = []

    def axis(values: object) -> Axis:
        assert isinstance(values, list)
        seen.extend(values)
        return Axis("any", "rate", False)

    ruled = replace(SHARES, axis=axis, references=lines_at_64_mib)
    (figure,) = ruled.figures(subject)
    assert figure.x.title == "any"
    assert 12e9 in seen
    assert 1.0 in seen


def test_where_sizes_do_not_matter_there_is_no_choice_of_them(subject: Subject) -> None:
    sweep = subject.sweep
    one = replace(SHARES, sized=False, among=lambda _: sweep.at(sweep.reference))
    (figure,) = one.figures(subject)
    assert (figure.sizes, figure.size_bytes) == ((0,), 0)


def test_every_declaration_is_among_the_figures() -> None:
    modules = [
        importlib.import_module(f"{package.__name__}.{one.name}")
        for one in pkgutil.iter_modules(package.__path__)
    ]
    declared = [spec for one in modules for spec in getattr(one, "FIGURES", ())]
    assert len(declared) > 10
    assert [spec for spec in declared if not any(spec is known for known in FIGURES)] == []


def test_figures_are_made_for_the_scenarios_they_are_meant_for(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.report.figures.all.FIGURES", (COUNTS, replace(SHARES, when=of())))
    made = figures(subject.sweep, verdict(subject.sweep))
    assert [figure.key for figure in made] == ["counted"]


def every_run(folder: Path) -> list[Content]:
    runs = (batching_run, feeding_run, holding_run, limiting_run, rich_run)
    return [content(read_journal(made(folder))) for made in runs]


def test_every_figure_says_what_it_is(tmp_path: Path) -> None:
    for made in some(every_run(tmp_path)):
        for scenario in some(made.scenarios):
            keys = Counter(figure.key for figure in scenario.figures)
            assert keys
            assert set(keys.values()) == {1}
            for figure in some(scenario.figures):
                texts = [figure.title, figure.subtitle]
                if isinstance(figure, DotFigure):
                    texts += [name for _, name in figure.roles]
                assert all(texts)
                assert not any(re.search(r"[{}]|  |\bnan\b", text) for text in texts), texts
                if isinstance(figure, BarFigure):
                    assert {len(bar.values) for bar in figure.bars} == {len(figure.parts)}


@pytest.mark.parametrize("rates", [(2e9, 3e9), (3e9, 2e9)], ids=str)
def test_a_rule_is_the_best_of_its_text(subject: Subject, rates: tuple[float, float]) -> None:
    rows = [
        replace(row, ceiling=ceiling("copy", rate))
        for row, rate in zip(subject.sweep.main[:2], rates, strict=True)
    ]
    (rule,) = rules_of(rows)
    assert rule.value == 3e9
