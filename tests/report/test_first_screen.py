"""The first screen: from the usual way to what to use, what could be gained, and what was not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harness.charts.chart import file_stem
from harness.charts.png import picture
from harness.journal.read import read_journal
from harness.report.content.content import Content, content
from harness.report.content.effort import effort_text
from harness.report.content.first_screen import FirstScreen
from harness.report.pages.as_html import page
from harness.schema.records import Case, Outcome, PlannedCase, Rss, Trial
from tests.journals import MIB, planned, scenario, strategy, trial, write_run
from tests.report.runs import rich_run
from tests.report.test_page import Page
from tests.some import some


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Content:
    return content(read_journal(rich_run(tmp_path_factory.mktemp("rich"))))


def of_times(
    folder: Path, base: list[float], other: list[float], *, group: str = "copy"
) -> FirstScreen:
    """The first screen of two strategies that took so long in each process that was timed."""
    infos = [scenario((strategy("base"), strategy("other", group=group)))]
    trials = [
        trial(index, number, seconds)
        for index, times in enumerate((base, other))
        for number, seconds in enumerate([1.0, *times])  # the first is not timed
    ]
    cases = [planned("base", baseline=True), planned("other")]
    path = write_run(folder / "run.jsonl", cases, trials, infos=infos)
    return content(read_journal(path)).first


def test_the_headline_counts_every_question(rich: Content) -> None:
    said = "A better way than the usual one was measured for 1 of 1 question"
    assert rich.first.headline == said


def test_the_picture_goes_from_the_usual_way_to_what_to_use(rich: Content) -> None:
    (line,) = rich.first.lines
    assert (line.use, line.condition, line.faster) == ("clone", "", "4.0× faster")
    assert line.time == "40.8 ms → 10.2 ms"
    assert line.memory == "1.00× → 2.00×"
    assert line.other == "or 2.04 µs with `view`, if the memory may be shared"
    assert line.time_track is not None
    # 5 decades to the baseline at the right; the ratios were planted as 1/4 and 1/20 000
    assert line.time_track.base == 100
    assert line.time_track.best == pytest.approx(100 * (1 - 0.60206 / 5), abs=0.01)
    assert line.time_track.other == pytest.approx(100 * (1 - 4.30103 / 5), abs=0.01)
    assert line.memory_track is not None
    assert (line.memory_track.base, line.memory_track.best, line.memory_track.other) == (50, 100, 0)


def test_opportunities_come_by_their_measured_saving(rich: Content) -> None:
    told = [
        (one.code.id, one.strategy, one.rate, one.rate_of, one.saving, one.condition)
        for one in rich.first.gains
    ]
    # Of 64 MiB, of which a GiB has 16.
    assert told == [
        ("FB001", "view", "653 ms", "a GiB", "40.8 ms", "if the memory may be shared"),
        ("FB003", "kept", "522 ms", "a GiB", "32.6 ms", "if the data may go into memory you keep"),
        ("FB002", "clone", "490 ms", "a GiB", "30.6 ms", ""),
        ("FB004", "base", "326 ms", "a GiB", "20.4 ms", ""),
    ]


def test_an_opportunity_says_how_sure_it_is_and_what_it_takes(rich: Content) -> None:
    clone = next(one for one in rich.first.gains if one.strategy == "clone")
    assert clone.interval == "30.3–30.9 ms"
    assert clone.certainty == "the interval over 3 pairs of processes, 75%"
    assert clone.change == "40.8 ms → 10.2 ms"
    assert clone.risks[1:] == ("It takes 64 MiB more memory at the peak than the usual way.",)
    assert [(code.id, text) for code, text in clone.cautions] == [
        ("FB102", "2.00× copied, 1.00× declared")
    ]
    huge = next(one for one in rich.first.gains if one.variables)
    assert huge.effort == "no code"


def test_savings_are_paired_and_not_those_of_the_medians(tmp_path: Path) -> None:
    # GIVEN a machine that becomes four times as slow, and a strategy that takes half throughout
    base = [0.010, 0.020, 0.030, 0.040]
    first = of_times(tmp_path, base, [0.5 * one for one in base])
    (gain,) = first.gains
    assert (gain.saving, gain.interval) == ("12.5 ms", "5–20 ms")


@pytest.mark.parametrize(
    ("other", "group", "state"),
    [
        ([0.005, 0.0051, 0.0052, 0.0053], "copy", "opportunity"),
        ([0.005, 0.0051, 0.0052, 0.0053], "reuse", "opportunity"),
        ([0.020, 0.0201, 0.0202, 0.0203], "copy", "passed"),
        ([0.020, 0.0201, 0.0202, 0.0203], "reuse", "passed"),
        ([0.005, 0.0101, 0.0202, 0.0103], "copy", "undecided"),
        ([0.005, 0.0101, 0.0202, 0.0103], "reuse", "undecided"),
        ([0.005], "copy", "undecided"),
        ([], "copy", "not measured"),
    ],
)
def test_the_state_of_a_question(
    tmp_path: Path, other: list[float], group: str, state: str
) -> None:
    first = of_times(tmp_path, [0.010, 0.0101, 0.0102, 0.0103], other, group=group)
    assert [line.state for line in first.lines] == [state] * (state != "not measured")
    assert [one.code.name for one in first.unanswered] == [state] * (state != "opportunity")


def test_where_all_are_level_there_is_nothing_to_gain(tmp_path: Path) -> None:
    ratios = [0.985 + 0.01 * (4 * number % 9 - 4) for number in range(27)]
    first = of_times(tmp_path, [0.010] * 27, [0.010 * ratio for ratio in ratios])
    assert [line.state for line in first.lines] == ["passed"]


@pytest.mark.parametrize(
    ("skip", "outcome", "state", "why"),
    [
        ("no accelerator", None, "not applicable", "no accelerator"),
        ("", None, "not measured", "skipped: not reached"),
        ("", Outcome("error", "ValueError: no"), "not measured", "error: ValueError: no"),
    ],
)
def test_not_applicable_and_not_measured_are_neither_passed_nor_each_other(
    tmp_path: Path, skip: str, outcome: Outcome | None, state: str, why: str
) -> None:
    infos = [scenario((strategy("base"), strategy("other")))]
    cases = [
        PlannedCase(Case("moving", name, {"size": MIB}), name == "base", 0, 1.0, skip)
        for name in ("base", "other")
    ]
    trials: list[Trial] = [trial(i, 0, outcome=outcome) for i in (0, 1) if outcome]
    path = write_run(tmp_path / "run.jsonl", cases, trials, infos=infos, end="budget")
    first = content(read_journal(path)).first
    (group,) = first.unanswered
    assert group.code.name == state
    assert group.questions[0][1].startswith(why)
    assert first.lines == ()
    assert first.headline.startswith("No better way than the usual one was measured, of 1")
    words = Page(page(content(read_journal(path)))).words
    assert "nothing to win" not in words.casefold()
    assert "That does not say that there is nothing" in words


def test_less_memory_is_an_opportunity_of_its_own(tmp_path: Path) -> None:
    peaks = {"base": 2 * MIB, "other": 0}
    cases = [planned("base", baseline=True), planned("other")]
    trials = [
        replace(
            trial(index, number, 0.010, peak=Rss(anon_bytes=peaks[one.case.strategy])),
            payload_bytes=2 * MIB,
        )
        for index, one in enumerate(cases)
        for number in range(4)
    ]
    infos = [scenario((strategy("base"), strategy("other")))]
    path = write_run(tmp_path / "run.jsonl", cases, trials, infos=infos)
    (gain,) = content(read_journal(path)).first.gains
    assert (gain.code.id, gain.saving, gain.of) == ("FB005", "2 MiB", "at the peak")
    assert (gain.rate, gain.rate_of) == ("1.00×", "the data")
    assert gain.change == "2 MiB → 0 B"
    assert gain.interval == ""  # one reading has none, and says so
    assert "without an interval" in gain.certainty


def test_every_code_that_is_named_is_explained_on_the_page(rich: Content) -> None:
    shown = Page(page(rich))
    ids = {attributes.get("id") for _, attributes in shown.elements}
    named = {
        attributes["href"].removeprefix("#")
        for tag, attributes in shown.elements
        if tag == "a" and attributes["href"].startswith("#page-FB")
    }
    assert named == {f"page-{code.id}" for code in rich.codes}
    assert named <= ids


@pytest.mark.parametrize(
    ("source", "effort"),
    [
        ("def one(array):\n    return array.copy()", "1 line"),
        ('def one(array):\n    """Words."""\n    a = 1\n    return (a,\n        2)', "3 lines"),
        (
            "import x\ndef helper():\n    pass\ndef one():\n    helper()",
            "1 line, and 2 that it needs",
        ),
        ("def other(): pass", ""),
        ("def one(:", ""),
        ("", ""),
    ],
)
def test_effort_is_counted_in_lines(source: str, effort: str) -> None:
    assert effort_text(replace(strategy("one"), source=source)) == effort


def test_the_picture_of_several_questions_is_a_file_too(tmp_path: Path) -> None:
    infos = [scenario((strategy("base"), strategy("other")), name=name) for name in ("one", "two")]
    cases = [
        PlannedCase(Case(info.name, name, {"size": MIB}), name == "base", 0, 1.0)
        for info in infos
        for name in ("base", "other")
    ]
    times = {0: 0.010, 1: 0.002, 2: 0.010, 3: 0.020}  # in the second the usual way is the best
    trials = [trial(index, number, times[index]) for index in times for number in range(5)]
    path = write_run(tmp_path / "run.jsonl", cases, trials, infos=infos)
    found = content(read_journal(path))
    assert [file_stem(figure) for figure in found.figures[:2]] == [
        "overview-time",
        "overview-memory",
    ]
    rows = [
        (row.name, {dot.role: dot.value for dot in row.dots}) for row in found.first.figures[0].rows
    ]
    assert rows == [
        ("one", {"main": pytest.approx(0.2), "second": 1.0}),
        ("two", {"main": 1.0, "second": 1.0}),
    ]
    for figure in some(found.first.figures):
        drawn = picture(figure, found.styles[figure.scenario], "svg")
        assert drawn == picture(figure, found.styles[figure.scenario], "svg")
        texts = "".join(ET.fromstring(drawn).itertext())
        assert figure.title in texts
        assert "two" in texts
