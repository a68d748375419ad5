"""What time costs against size, and why strategies differ, of runs in which both are planted."""

from __future__ import annotations

from pathlib import Path

from harness.report.content.content import content
from harness.report.pages.as_html import page
from tests.analysis.planted_causes import MAIN, sweep_run, varied_info
from tests.analysis.planted_costs import SIZES, base, other, run_of
from tests.journals import MIB


def test_each_strategy_has_its_cost_and_where_it_crosses_the_baseline(tmp_path: Path) -> None:
    made = content(run_of(tmp_path, {"base": base, "other": other}))
    costs = made.scenarios[0].costs
    assert costs is not None
    first, second = costs.lines
    assert (first.name, first.crossover) == ("base", "")
    assert first.cost == "2.01 µs + 211 µs/MiB"
    assert second.crossover.startswith("base is faster below 1")
    text = page(made)
    assert "What it costs: time against size</summary>" in text
    assert "<td>2.01 µs + 211 µs/MiB</td>" in text


def test_a_step_names_the_size_to_measure_next(tmp_path: Path) -> None:
    made = content(
        run_of(tmp_path, {"base": lambda size: base(size) * (5 if size >= 4 * MIB else 1)})
    )
    costs = made.scenarios[0].costs
    assert costs is not None
    assert costs.lines[0].next.startswith("2 MiB, where the prediction is uncertain by 2")


def test_two_sizes_have_no_table(tmp_path: Path) -> None:
    made = content(run_of(tmp_path, {"base": base}, SIZES[:2]))
    assert made.scenarios[0].costs is None
    assert "What it costs" not in page(made)


def test_reasons_are_told_in_a_block_of_their_own(tmp_path: Path) -> None:
    info = varied_info()
    planted = {**MAIN, ("base", "huge", 1): (1.3e-3, 3.0)}
    made = content(sweep_run(tmp_path, info, planted))
    text = page(made)
    assert "Why, by experiment: 1 difference</summary>" in text
    assert "<code>base</code> is 4.0× slower than other, because of page size 90% (" in text


def test_a_run_without_experiments_has_no_such_block(tmp_path: Path) -> None:
    assert "Why, by experiment" not in page(content(sweep_run(tmp_path, varied_info(), MAIN)))
