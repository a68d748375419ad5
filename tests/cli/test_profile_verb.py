"""``ferrybench profile``: its page, and what it refuses before anything is started."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from harness.cli import run
from harness.errors import EXIT_OK, EXIT_USAGE

MINE = """\
import numpy as np


def cast(array):
    made = (array * 2).astype("f4")
    return made
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.ones(1 << 22))
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "name a strategy, as in SCENARIO/STRATEGY, or mine.py:function"),
        (["mine.py"], "name a function, as in mine.py:function"),
        (["none.py:f"], "none.py: no such file"),
        (["mine.py:cast", "--size", "1MiB"], "are for scenarios"),
        (["a/b", "--warm"], "--warm is for a function"),
        (["mine.py:cast", "--also", "none.py"], "--also none.py: no such file"),
        (["mine.py:cast", "--timeout", "soon"], "--timeout"),
        (["mine.py:cast", "-o", "mine.py"], "mine.py is a file"),
        (["mine.py:nothing"], "has no nothing"),
        (["mine.py:cast", "--npy", "mine.py"], "cannot be loaded"),
    ],
)
def test_wrong_input_is_one_line(
    arguments: list[str], words: str, mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["profile", *arguments]) == EXIT_USAGE
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not list(mine.glob("reports/*"))


def opened_offline(page: Path) -> str:
    """What a browser without a network makes of a page; the page itself where there is none."""
    browser = shutil.which("chromium")
    if browser is None:
        return page.read_text()
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000"]
    command = [browser, *options, "--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom"]
    done = subprocess.run(
        [*command, page.as_uri()], capture_output=True, text=True, check=True, timeout=120
    )
    found = re.search(r'class="partition d3-flame-graph".*?</svg>', done.stdout, re.DOTALL)
    assert found, "no flame graph was drawn"
    return found[0]


@pytest.mark.slow
def test_a_function_with_an_array_becomes_a_page(
    mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (mine / "x.npy").read_bytes()
    assert run(["profile", "mine.py:cast", "--npy", "x.npy", "-o", "out"]) == EXIT_OK
    said = capsys.readouterr().out
    assert re.search(r"5 +1 .*48 MiB \(1.50×\) +16 MiB \(0.50×\).*made = \(array", said)
    assert "32 MiB of its peak of 48 MiB were gone when it ended" in said
    out = mine / "out"
    assert {file.name for file in out.iterdir()} == {
        "index.html",
        "lines.json",
        "allocations.html",
        "timeline.json",
    }
    page = (out / "index.html").read_text()
    assert 'href="allocations.html"' in page
    assert not re.search(r'(src|href)="(https?:)?//', page)
    flame = (out / "allocations.html").read_text()
    assert "flamegraph" in flame
    assert not re.search(r'<(script|link|img)[^>]*(src|href)="(https?:)?//', flame)
    assert "made = (array * 2)" in opened_offline(out / "allocations.html")
    data = json.loads((out / "lines.json").read_text())
    assert data["rows"][1]["line"] == 5
    assert (mine / "x.npy").read_bytes() == before
    assert not (mine / "results").exists()


@pytest.mark.slow
def test_a_strategy_with_its_parameters(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = "tensor_from_array/torch_tensor"
    assert run(["profile", target, "--size", "32MiB", "--set", "dtype=float64"]) == EXIT_OK
    said = capsys.readouterr().out
    assert "dtype=float64" in said
    assert re.search(r"32 MiB \(1.00×\) +32 MiB \(1.00×\).*return torch.tensor\(array\)", said)
    (page,) = mine.glob("reports/profile-tensor_from_array-torch_tensor-*/index.html")
    assert "Always copies, whatever the dtype." in page.read_text()


@pytest.mark.slow
def test_a_loader_is_gone_through_once(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = "loader_from_array/tensor_dataset"
    assert run(["profile", target, "--size", "1MiB", "-o", "out"]) == EXIT_OK
    assert "the call returned" in capsys.readouterr().out
