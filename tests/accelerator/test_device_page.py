"""Pages and summaries of transfers, and of a machine that has no accelerator; figures planted."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.charts.chart import BarFigure, DotFigure
from harness.report.content.content import Content, content
from harness.report.content.device_tables import DEVICE_COLUMNS, device_table
from harness.report.content.machine import machine_pairs
from harness.report.pages.as_html import page
from harness.report.pages.as_markdown import summary
from harness.report.pages.write import write_report
from tests.accelerator.device_runs import LINK, SIZES, STRATEGIES, device_run, seconds, skipped_run
from tests.journals import ENVIRONMENT, MIB
from tests.report.test_page import Page

NONE = "no accelerator: torch 2.13.0+cpu is built for none"


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Content:
    return content(device_run(tmp_path_factory.mktemp("device")))


@pytest.fixture(scope="module")
def shown(sent: Content) -> Page:
    pytest.importorskip("vl_convert", reason="pages are drawn where it is installed")
    return Page(page(sent))


def figure(sent: Content, key: str) -> BarFigure | DotFigure:
    found = next(one for one in sent.figures if one.key == key)
    assert isinstance(found, BarFigure | DotFigure)
    return found


def test_the_page_is_whole(shown: Page) -> None:
    assert shown.unbalanced == []
    assert shown.open == []
    assert not re.search(r"\bnan\b|\bNone\b|\bNaN\b|\binf\b", shown.words)


def test_what_was_measured_is_not_among_what_was_not(shown: Page, sent: Content) -> None:
    assert not any("copies to and from" in sentence for sentence in sent.not_measured)
    assert "Work that an accelerator does for other processes." in sent.not_measured


def test_the_host_is_blocked_for_a_part_of_each_bar(sent: Content) -> None:
    found = figure(sent, "blocked")
    assert isinstance(found, BarFigure)
    by_name = {bar.name: bar for bar in found.bars}
    assert by_name.keys() == STRATEGIES.keys()
    for name, bar in by_name.items():
        done_s = seconds(name, SIZES[-1])
        assert bar.values == pytest.approx((0.25 * done_s, 0.75 * done_s))


def test_overlap_is_shown_as_a_share(sent: Content) -> None:
    found = figure(sent, "overlap")
    assert isinstance(found, DotFigure)
    values = {row.name: row.dots[0].value for row in found.rows if row.dots}
    assert values["pageable_to"] == 0.0
    assert values["pinned_to"] == 1.0


def test_throughput_stands_beside_the_links_limit(sent: Content) -> None:
    found = figure(sent, "throughput")
    assert isinstance(found, DotFigure)
    ticks = {dot.value for row in found.rows for dot in row.dots if dot.role == "declared"}
    assert ticks == {LINK}
    names = {row.name for row in found.rows if row.dots}
    assert names == {"pageable_to", "pin_then_to", "pinned_to"}


def test_every_case_has_its_line_in_the_table(sent: Content, shown: Page) -> None:
    table = sent.scenarios[0].device
    assert table is not None
    assert len(table.rows) == len(STRATEGIES) * len(SIZES)
    cells = {column.heading: cell.whole for column, cell in dict(table.rows)["pinned_to"]}
    assert cells["size"] == "64 MiB"
    assert cells["hidden"] == "100%"
    assert cells["on the device"] == "128 MiB"
    assert cells["reserved"] == cells["still reserved"] == "192 MiB"
    assert (cells["pinned, requested"], cells["taken"]) == ("64 MiB", "64 MiB")
    assert "When pinning pays" in shown.words
    for column in DEVICE_COLUMNS:
        assert str(column.heading) in shown.words


def test_ceilings_are_named_in_words(shown: Page) -> None:
    assert "Pinned memory to the device" in shown.words
    assert "One place on the device to another" in shown.words
    assert "device_to" not in shown.words


def test_the_other_direction_is_held_against_its_own_limit(tmp_path: Path) -> None:
    back = content(device_run(tmp_path, "from"))
    found = figure(back, "throughput")
    assert isinstance(found, DotFigure)
    marks = [dot.value for row in found.rows for dot in row.dots if dot.role == "declared"]
    assert set(marks) == {40e9}


def test_without_a_device_the_page_says_so_and_draws_nothing(tmp_path: Path) -> None:
    found = content(skipped_run(tmp_path, NONE))
    assert found.figures == ()
    assert found.scenarios[0].device is None
    assert "Memory on an accelerator, and copies to and from one." in found.not_measured
    assert NONE in summary(found)
    pytest.importorskip("vl_convert", reason="pages are drawn where it is installed")
    assert NONE in Page(page(found)).words


def test_figures_are_drawn_as_files_too(tmp_path: Path) -> None:
    pytest.importorskip("vl_convert", reason="pages are drawn where it is installed")
    written = write_report(content(device_run(tmp_path)), tmp_path / "report")
    names = {path.name for path in written if path.stat().st_size > 1024}
    assert {"sending-blocked.png", "sending-overlap.png", "sending-throughput.png"} <= names


def test_pinned_memory_that_is_rounded_up_says_by_how_much(sent: Content) -> None:
    sweep = sent.scenarios[0].sweep
    (row,) = [row for row in sweep.at(SIZES[-1]) if row.strategy == "pinned_to"]
    assert row.device is not None
    asked = replace(row.device, pinned_asked_bytes=48 * MIB)
    rounded = device_table(replace(sweep, main=(replace(row, device=asked),)))
    assert rounded is not None
    assert tuple(cell.whole for _, cell in rounded.rows[0][1][-2:]) == ("48 MiB", "64 MiB (1.33×)")


def test_what_the_figures_do_not_hold_is_said_once(sent: Content) -> None:
    sweep = sent.scenarios[0].sweep
    noted = tuple(
        replace(row, device=replace(row.device, note="no time by events", in_host_memory=True))
        for row in sweep.main
        if row.device is not None and row.strategy in ("pinned_to", "pageable_to")
    )
    table = device_table(replace(sweep, main=noted))
    assert table is not None
    assert table.remarks == (
        "`pageable_to`, `pinned_to`: no time by events.",
        "This device allocates memory of the host, whose figures therefore include it.",
    )
    without = device_table(sweep)
    assert without is not None
    assert without.remarks == ()


def test_the_accelerator_stands_with_the_machine() -> None:
    assert not any(name == "Accelerator" for name, _ in machine_pairs(ENVIRONMENT))
    about = {"kind": "cuda", "name": "A Device", "memory_bytes": 80 * 1024 * MIB, "count": 2}
    link = {"driver": "1.2", "runtime": "13.0", "pcie_generation": 5, "pcie_width": 16}
    hosts = {"default": {"accelerator": {**about, **link}}}
    assert dict(machine_pairs(replace(ENVIRONMENT, hosts=hosts)))["Accelerator"] == (
        "A Device, 80 GiB, 2 visible, driver 1.2, runtime 13.0, PCIe 5 ×16"
    )
    hosts = {"default": {"accelerator": {"missing": NONE}}}
    assert "Accelerator" not in dict(machine_pairs(replace(ENVIRONMENT, hosts=hosts)))
