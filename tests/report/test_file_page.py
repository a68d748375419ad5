"""Pages and summaries of runs that train from files and search under limits."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.journal.read import read_journal
from harness.report.content.content import Content, content
from harness.report.content.variations import variations
from harness.report.pages.as_html import page
from harness.report.pages.as_markdown import summary
from harness.schema.records import Case, Outcome, PlannedCase
from tests.journals import searched, write_run
from tests.report.file_runs import (
    BASE,
    BUDGET,
    GRID,
    NO_ARRAY,
    NO_TENSOR,
    NPY,
    Point,
    cache_of,
    feeding,
    feeding_run,
    feeding_trials,
    files_run,
    limiting,
    limiting_run,
    search_of,
    usual,
)
from tests.report.runs import rich_run
from tests.report.test_page import Page


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Content:
    return content(read_journal(files_run(tmp_path_factory.mktemp("every"))))


@pytest.fixture(scope="module")
def shown(every: Content) -> Page:
    return Page(page(every))


def test_the_page_is_whole(shown: Page) -> None:
    assert shown.unbalanced == []
    assert shown.open == []
    assert not re.search(r"\bnan\b|\bNone\b|\bNaN\b|\binf\b", shown.words)
    links = [attributes["href"] for tag, attributes in shown.elements if tag == "a"]
    ids = {attributes["id"] for _, attributes in shown.elements if "id" in attributes}
    assert {link.removeprefix("#") for link in links} <= ids


@pytest.mark.parametrize(
    "text",
    [
        # training
        "samples/s stalled loss",
        "loading baseline ok 8.1 ms 3.05 µs 3.03–3.08 µs 1.00× 328 000 80% 2.3 → 0.3",
        "If any sample may come next",
        "The disk in sequence 1 – 1.5 GB/s",
        "The disk, 4 KiB at random 1 0.15 GB/s –",
        "The disk in sequence: again after eviction: 1.1 times as fast",
        "in the same run, by the bytes that were read ceiling threads 4 MiB 64 MiB",
        "Training is stalled for the share of an epoch in which no step runs",
        "At most 0% remained, in 3 cases.",
        "whose host may still keep what was evicted here",
        "a cold file is read from both",
        "By page_cache : warm, cold",
        # limits
        "What to use, within 512 MiB",
        "largest size ÷ budget takes, ÷ data",
        "limiting, within 512 MiB of memory of the process's own ( RLIMIT_DATA ), 200 MiB of it",
        "copying baseline 155 MiB 0.30× 2.01× 156 MiB, by 2.00× -0.2% 3.9 GiB 15.9 GiB 63.9 GiB 2",
        "listing 25 MiB 0.05× 12.48× 52 MiB, by 6.00× -5.3% not extrapolated: the result differs "
        "from the model by 52% 2",
        "mapping largest more than 1 GiB 2.00× less than 0.30× any size, by 0× – any size any size "
        "any size 1",
        "How the next size fails",
        "copying tensor memory the call making.py:57 return torch.tensor(array) RuntimeError:",
        "sharing array memory loading the data – MemoryError: Unable to allocate 300 MiB",
        "aborting abort the call making.py:99 x = y SIGABRT (aborted): std::bad_alloc",
        "By budget_bytes : 512 MiB, 1 GiB",
        "The largest data that survives, and how the next size fails.",
        "RLIMIT_DATA counts private writable memory",
        "so that each worker has a budget of its own",
        "3 timed, 1 watched for memory, 1 with its workers, up to 2 under a limit",
        "The largest size differs from what the cost model predicts FB103 1",
    ],
)
def test_what_was_measured_is_on_the_page(shown: Page, text: str) -> None:
    assert text in shown.words


def test_runs_without_files_and_limits_are_told_nothing_of_them(tmp_path: Path) -> None:
    words = Page(page(content(read_journal(rich_run(tmp_path))))).words
    assert not re.search(
        r"stands still|\bstalled|evict|RLIMIT|largest size|The disk|under a limit", words
    )


def test_borrowed_strategies_show_their_code_once(tmp_path: Path, shown: Page) -> None:
    # GIVEN a page with the scenario that two of them come from, but not that of the others
    links = [attributes["href"] for tag, attributes in shown.elements if tag == "a"]
    assert "#feeding.loading" in links
    assert "Its code is shown in feeding ." in shown.words
    code = [a for _, a in shown.elements if a.get("class") == "code"]
    assert len(code) == 3 + 4  # those of one scenario, and the other's that come from elsewhere
    # AND one with neither
    words = Page(page(content(read_journal(limiting_run(tmp_path))))).words
    assert "Its code is shown in" not in words


def test_a_search_that_found_nothing_has_its_reason(tmp_path: Path) -> None:
    point: Point = {"budget_bytes": BUDGET, "limit": "data"}
    cases = [
        PlannedCase(Case("limiting", name, point), name == "copying", 0, 1.0)
        for name in ("copying", "sharing", "listing")
    ]
    small = replace(NO_ARRAY, reason="the budget is less than Python takes")
    trials = searched(0, (GRID, small), budget=BUDGET, base=BUDGET, stage="inputs")
    trials += searched(1, (GRID, OK), (2 * GRID, NO_TENSOR), budget=BUDGET, base=BASE)
    path = write_run(tmp_path / "run.jsonl", cases, trials, infos=[limiting()])
    found = Page(page(content(read_journal(path))))
    assert found.unbalanced == []
    assert "copying baseline oom the budget is less than Python takes" in found.words
    assert "listing skipped not reached" in found.words
    assert "oom array memory copying" in found.words  # among what failed
    assert not re.search(r"\bnan\b|\bNone\b|\bNaN\b|\binf\b", found.words)


OK = Outcome("ok")


def test_a_search_alone_still_makes_a_page(tmp_path: Path) -> None:
    point: Point = {"budget_bytes": BUDGET, "limit": "cgroup"}
    cases = [PlannedCase(Case("limiting", "copying", point), True)]  # without a cost model
    path = write_run(
        tmp_path / "run.jsonl", cases, search_of(0, 2.0), infos=[limiting()], ceilings=()
    )
    found = Page(page(content(read_journal(path))))
    assert "not extrapolated: no cost model" in found.words
    assert "No ceilings were measured" not in found.words  # nothing was timed
    assert "up to 2 under a limit" in found.words
    assert "timed, 1 watched" not in found.words


def test_searches_by_another_budget_stand_in_a_table(tmp_path: Path) -> None:
    made = content(read_journal(limiting_run(tmp_path)))
    (table,) = variations(made.scenarios[0].sweep)
    entries = dict(table.rows)["copying"]
    assert [(one.text, one.range) for one in entries] == [
        ("155 MiB", "tensor memory"),
        ("410 MiB", "tensor memory"),
    ]
    assert entries[0].tip == "tensor memory at making.py:57: return torch.tensor(array)"


class TestPageCache:
    """What the record says of cold files."""

    def made(self, folder: Path, resident: int) -> Content:
        point = usual() | {"page_cache": "cold"}
        cases = [PlannedCase(Case("feeding", "loading", point), True, 0, 1.0)]
        trials = [
            replace(one, page_cache=cache_of("cold", resident)) if one.page_cache else one
            for one in feeding_trials(0, "loading", point)
        ]
        return content(
            read_journal(write_run(folder / "run.jsonl", cases, trials, infos=[feeding()]))
        )

    def test_a_file_that_stayed_is_a_finding(self, tmp_path: Path) -> None:
        made = self.made(tmp_path, cache_of("warm").file_bytes // 50)
        (found,) = made.findings
        assert (found.kind, found.strategy) == ("page cache", "loading")
        assert found.text == "2% of the file in memory before an epoch, but cold was requested"
        assert "At most 2% remained" in " ".join(made.method)

    def test_one_that_was_evicted_is_none(self, tmp_path: Path) -> None:
        made = self.made(tmp_path, cache_of("warm").file_bytes // 200)
        assert made.findings == ()
        assert "At most 0.5% remained, in 1 case." in " ".join(made.method)


def test_a_file_of_a_user_s_is_called_by_its_name(tmp_path: Path) -> None:
    point = usual() | {"npy": NPY}
    cases = [
        PlannedCase(Case("feeding", name, point), name == "loading", 0, 1.0)
        for name in ("loading", "mapping")
    ]
    trials = [
        one
        for index, name in enumerate(("loading", "mapping"))
        for one in feeding_trials(index, name, point)
    ]
    path = write_run(tmp_path / "run.jsonl", cases, trials, infos=[feeding()])
    text = page(content(read_journal(path)))
    assert "npy=own.npy" in text
    assert "/somewhere" not in text


def test_where_a_case_failed_is_said_everywhere(tmp_path: Path) -> None:
    point = usual()
    cases = [
        PlannedCase(Case("feeding", name, point), name == "loading", 0, 1.0)
        for name in ("loading", "mapping")
    ]
    full = Outcome("error", "OSError: No space left", "disk full", "feeding.py:12: file.write(b)")
    trials = feeding_trials(0, "loading", point)
    trials += [replace(feeding_trials(1, "mapping", point)[1], outcome=full)]
    info = feeding()
    printed = tuple(
        replace(one, published="An article") if one.name == "mapping" else one
        for one in info.strategies
    )
    for strategies, text in (
        (info.strategies, "Not usable here: `mapping` (error: disk full)."),
        (
            printed,
            "As published, `mapping` fills the disk: OSError: No space left, at `feeding.py:12`.",
        ),
    ):
        infos = [replace(info, strategies=strategies)]
        path = write_run(tmp_path / "run.jsonl", cases, trials, infos=infos)
        made = content(read_journal(path))
        assert text in made.scenarios[0].verdict.text
        words = Page(page(made)).words
        assert "error OSError: No space left, at feeding.py:12" in words
        assert "error disk full mapping" in words
        assert "OSError: No space left at feeding.py:12 file.write(b)" in words


def test_the_summary_tells_stalls_and_sizes(every: Content) -> None:
    text = summary(every)
    assert "nan" not in text
    for line in (
        "| when | strategy | per sample at 64 MiB | against the baseline | stalled "
        "| samples/s | extra memory |",
        "| baseline | `loading` | 3.05 µs (3.03–3.08 µs) | – | 80% | 328\u202f000 | 1.00× |",
        "| when | strategy | largest size within 512 MiB | ÷ budget | takes, ÷ data "
        "| predicted | what fails above it |",
        "| baseline | `copying` | 155 MiB | 0.30× | 2.01× | 156 MiB, by 2.00× "
        "| tensor memory at `making.py:57` |",
        "- [FB103](index.html#page-FB103) largest size: `listing` (limiting, budget_bytes=1 GiB), "
        "12.52× the data taken, 6.00× "
        "declared",
    ):
        assert line in text, line


def test_a_feeding_run_has_no_ceiling_where_steps_are_taken(tmp_path: Path) -> None:
    made = content(read_journal(feeding_run(tmp_path)))
    warm = [row for row in made.rows if row.parameters["page_cache"] == "warm"]
    assert {row.ceiling for row in warm} == {None}
