"""``ferrybench list``: scenarios, and those that borrow the strategies of others."""

from __future__ import annotations

import pytest

from harness.cli import run
from harness.console import out
from harness.errors import EXIT_OK


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setattr(out, "_width", None)  # where it was set before, workers' consoles keep it


@pytest.mark.usefixtures("wide")
def test_borrowed_strategies_are_listed_by_where_they_come_from(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["list", "memory_limit"]) == EXIT_OK
    said = capsys.readouterr().out
    lines = {line.split()[0]: line for line in said.splitlines() if line.split()}
    assert "512MiB" in lines["budget_bytes:"]
    head = lines["strategies"]
    for source, quick, other in (
        ("tensor_from_array", "torch_tensor (baseline)", "as_tensor"),
        ("array_from_loader", "list_cat (as published)", "popping"),
        ("memmap_training", "load_into_memory", "memmap_reopened"),
    ):
        line = lines[source]
        assert head.index("in a quick sweep") <= line.index(quick) < head.index("otherwise")
        assert line.index(other) >= head.index("otherwise")


@pytest.mark.usefixtures("wide")
def test_one_of_them_comes_with_its_baseline(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "memory_limit/popping"]) == EXIT_OK
    said = capsys.readouterr().out
    assert "torch_tensor (baseline)" in said
    assert "popping" in said
    assert "list_cat" not in said


@pytest.mark.usefixtures("wide")
def test_others_are_listed_with_what_they_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "memmap_training"]) == EXIT_OK
    said = capsys.readouterr().out
    (line,) = (line for line in said.splitlines() if line.startswith("load_into_memory"))
    assert "(baseline)" in line
    assert "Loads the whole file" in line
    assert "npy: none (default none)" in said


def test_everything_is_listed_as_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "--markdown", "array_from_tensor", "tensor_from_array/from_numpy"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["| scenario | question |", "|---|---|"]
    assert [line.split("`")[1] for line in lines[2:4]] == ["array_from_tensor", "tensor_from_array"]
    assert "## array_from_tensor" in lines
    (line,) = (line for line in lines if "| `from_numpy` |" in line)
    assert line.startswith("| share: if the memory may be shared | `from_numpy` | ")
