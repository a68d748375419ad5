"""``ferrybench history``: what it says, what it writes, and what it refuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import vl_convert

from harness.cli import run
from harness.errors import EXIT_OK, EXIT_UNABLE, EXIT_USAGE
from harness.history.detect import history
from harness.history.discover import discover
from harness.history.machines import by_machine
from harness.report.history.chart import specification
from harness.report.history.data import chart_data
from harness.report.history.page import history_page
from harness.schema.records import Outcome
from tests.history.made_runs import (
    PAYLOAD,
    Shape,
    Shapes,
    case_of,
    from_run,
    run_id,
    series_of,
    write_runs,
)

ROOT = Path(__file__).parents[2]
EVIL = "</script><b>&"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A second copy from run 5 on; the baseline fails in the last one, with an evil reason."""

    def shapes(number: int) -> Shapes:
        base = {"base": Shape(outcome=Outcome("oom", EVIL))} if number == 8 else {}
        return {**from_run(5, "other", Shape(peak=2 * PAYLOAD))(number), **base}

    return write_runs(tmp_path / "results", 9, shapes)


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capsys.readouterr().out.splitlines() if line]


def test_it_says_what_changed_when_and_how_many_did_not(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["history", str(results)]) == EXIT_OK
    lines = said(capsys)
    assert any("▁▁▁▁▁████" in line and "16 MiB → 32 MiB" in line for line in lines)
    assert any(f"{run_id(5)}: 16 MiB → 32 MiB, 2.00×, worse" in line for line in lines)
    assert any(f"{run_id(8)}: ok → oom: {EVIL}" in line for line in lines)
    assert not any("page faults of the first call" in line for line in lines)
    assert lines[-1] == "2 cases over 9 runs: 1 changed, 1 more possible (may be chance)"


def test_all_also_shows_what_did_not_change(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["history", str(results), "--all", "--case", "/other", "--metric", "faults"]) == 0
    lines = said(capsys)
    assert any("page faults of the first call" in line for line in lines)
    assert lines[-1] == "1 case over 9 runs: 0 changed"


def test_results_are_looked_for_where_runs_put_them(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(results.parent)
    assert run(["history"]) == EXIT_OK
    assert said(capsys)[-1].startswith("2 cases over 9 runs: 1 changed, 1 more possible")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nowhere"], "nowhere does not exist"),
        (["."], "no journal in ."),
        (["results", "--case", "nothing"], "whose name contains nothing"),
        (["results", "--metric", "speed"], "speed"),
        (["results", "--tolerance", "speed=5%"], "choose from time, memory, faults"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    results: Path,
    arguments: list[str],
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(results.parent)
    assert run(["history", *arguments]) == EXIT_USAGE
    [line] = capsys.readouterr().err.splitlines()
    assert problem in line


def test_a_page_is_written_and_not_overwritten(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "history.html"
    arguments = ["history", str(results), "-o", str(page)]
    assert run(arguments) == EXIT_OK
    assert str(page) in said(capsys)[-1]
    page.write_text("mine")
    assert run(arguments) == EXIT_USAGE
    assert "will not overwrite" in capsys.readouterr().err
    assert page.read_text() == "mine"
    assert run([*arguments, "--force"]) == EXIT_OK
    assert page.read_text() != "mine"
    assert run(["history", str(results), "-o", str(tmp_path / "no" / "page.html")]) == EXIT_UNABLE


def test_a_change_far_above_the_tolerance_that_was_asked_for_is_none(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["history", str(results), "--metric", "peak", "--tolerance", "memory=200%"]
    assert run(arguments) == EXIT_OK
    assert said(capsys)[-1] == "2 cases over 9 runs: 0 changed"


def in_another_interpreter(results: Path) -> subprocess.CompletedProcess[str]:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from harness.cli import run\n"
        f"code = run(['history', {str(results)!r}])\n"
        "print(sorted({'torch', 'pandas', 'matplotlib'} & {n for n in sys.modules if "
        "sys.modules[n]}))\n"
        "sys.exit(code)"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_it_needs_neither_torch_nor_pandas(results: Path) -> None:
    done = in_another_interpreter(results)
    assert done.returncode == EXIT_OK, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.fixture
def page(results: Path) -> str:
    return history_page(history(by_machine(discover([results]).runs)), everything=False)


def test_the_page_is_one_file_that_asks_for_nothing(page: str) -> None:
    scripts = re.compile(r"<script.*?</script>", re.DOTALL)
    outside = scripts.sub("", page)
    assert not re.search(r"""(?:src|href)=["'](?!#)""", outside)
    assert "default-src 'none'" in page
    assert EVIL not in outside
    assert "&lt;/script&gt;&lt;b&gt;&amp;" in outside
    assert page.count("</script>") == len(scripts.findall(page))


def test_the_page_has_a_chart_for_what_changed_and_says_what_is_left_out(page: str) -> None:
    data = [
        json.loads(text)
        for text in re.findall(r'<script type="application/json">(.*?)</script>', page)
    ]
    titles = [one["title"] for one in data]
    assert titles.count("memory at the peak") == 2  # of what grew, and of what failed
    grown = next(one for one in data if one["changes"])
    assert grown["changes"][0][:2] == [5, True]
    assert grown["points"][4][1:] == [float(f"{PAYLOAD:.4g}"), "16 MiB"]
    assert grown["levels"][0][:2] == [0, 4]
    failed = next(one for one in data if one["failures"])
    assert failed["failures"] == [[8, f"oom: {EVIL}"]]
    assert "as are metrics that did not" in page or "0 cases" not in page


def test_with_everything_every_metric_has_a_chart(results: Path) -> None:
    found = history(by_machine(discover([results]).runs))
    charts = history_page(found, everything=True).count('class="chart"')
    assert charts == sum(len(case.series) for case in found.cases)


def test_where_nothing_changed_the_page_says_so_and_carries_no_charts(tmp_path: Path) -> None:
    found = history(by_machine(discover([write_runs(tmp_path, 6)]).runs))
    page = history_page(found, everything=False)
    assert "No change could be distinguished from noise." in page
    assert "2 cases did not change and are left out" in page
    assert len(page) < 100_000


def test_the_drawing_is_one_that_vega_lite_takes(results: Path) -> None:
    found = history(by_machine(discover([results]).runs))
    data = chart_data(case_of(found, "other"), series_of(case_of(found, "other"), "peak"))
    values = [
        {"kind": "point", "run": run_, "value": value, "when": "", "name": "", "text": text}
        for run_, value, text in data["points"]
    ]
    values += [{"kind": "change", "run": at, "worse": w, "text": t} for at, w, t in data["changes"]]
    spec = {**specification(), "width": 400, "data": {"values": values}}
    drawn = vl_convert.vegalite_to_svg(spec)
    assert drawn.count("<path") > len(data["points"])
