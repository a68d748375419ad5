"""The benchmark of the harness: how its figures are judged, and its exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.host.host import Host
from harness.selfcheck import bench
from harness.selfcheck.bench_result import BenchResult


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        (BenchResult("x", "ms", (1, 2, 30)), None),
        (BenchResult("x", "ms", (1, 2, 30), 2.0), True),
        (BenchResult("x", "ms", (1, 2.1, 30), 2.0), False),
        (BenchResult("x", "ms", (1, 2, 30), 2.0, judged="max"), False),
        (BenchResult("x", "ms", (1, 2), 2.0, judged="max"), True),
        (BenchResult("x", "×", (10, 60, 70), 50.0, at_least=True), True),
        (BenchResult("x", "×", (10, 40, 70), 50.0, at_least=True), False),
    ],
)
def test_a_figure_is_judged_by_its_target(figure: BenchResult, met: bool | None) -> None:
    assert figure.met is met


def test_a_row_has_every_number() -> None:
    row = BenchResult("x", "ms", (4.0, 1.0, 2.0), 3.0).row()
    assert row == ("x", "ms", "3", "2", "1", "4", "median ≤ 3", "[green]met[/]")


@pytest.mark.parametrize(("value", "code"), [(1.0, 0), (3.0, 1)])
def test_a_missed_target_is_the_exit_code_and_everything_is_written(
    value: float, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def part(host: Host) -> Iterator[BenchResult]:
        yield BenchResult("planted", "ms", (value,), 2.0)

    class NoHost:
        def __init__(self, *args: Any) -> None: ...
        def __enter__(self) -> NoHost:
            return self

        def __exit__(self, *args: object) -> None: ...
        def preload_scenarios(self) -> None: ...

    monkeypatch.setattr(bench, "Host", NoHost)
    monkeypatch.setattr(bench, "PARTS", {"planted": part})
    monkeypatch.setattr("sys.argv", ["bench", "-o", str(tmp_path / "out.json")])
    assert bench.main() == code
    written = json.loads((tmp_path / "out.json").read_text())
    (figure,) = written["figures"]
    assert (figure["values"], figure["target"], figure["met"]) == ([value], 2.0, code == 0)
    assert written["environment"]["kernel"]
    assert ("missed: planted" in capsys.readouterr().out) == (code == 1)
