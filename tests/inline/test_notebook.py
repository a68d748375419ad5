"""Functions that stand in cells of a notebook, measured by its own kernel."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NEEDED = ("nbclient", "nbformat", "ipykernel")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in NEEDED),
        reason=f"needs {' '.join(NEEDED)}",
    ),
]
CELLS = (
    "import harness, numpy as np, torch\nvalues = np.ones(1 << 20)\none = 1",
    """
def plus(array):
    print('said inside')
    return array + one

harness.measure(plus, values, trials=1, steady_s=0.02)
""",
    """
def enclosing():
    own = values.copy()
    return lambda: torch.from_numpy(own).clone()

closure = harness.measure(enclosing(), trials=0)
print(closure.outcome.name, round(closure.copies, 2), 'IOPub' in closure.other_threads)
""",
    "harness.measure(lambda: values + None, trials=0)",
    """
compared = harness.compare({'copy': values.copy, 'plus': lambda: values + 0}, trials=2,
                           steady_s=0.02, payload=values.nbytes)
compared
""",
    "compared.figure()",
    "harness.measure(lambda: input('waits?'), trials=0, timeout_s=5).outcome.name",
)
RUN = """
import json, sys, nbclient, nbformat
cells = [nbformat.v4.new_code_cell(cell) for cell in json.load(sys.stdin)]
book = nbformat.v4.new_notebook(cells=cells)
nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
print(json.dumps([cell.outputs for cell in book.cells]))
"""


@pytest.fixture(scope="module")
def outputs() -> list[list[dict[str, Any]]]:
    """What each cell has shown, as notebooks keep it."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUN],
        input=json.dumps(CELLS),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[list[dict[str, Any]]] = json.loads(done.stdout)
    return found


def data(cell: list[dict[str, Any]]) -> dict[str, str]:
    """The representations of a cell's one result."""
    (result,) = cell
    assert result["output_type"] == "execute_result"
    shown: dict[str, str] = result["data"]
    return shown


def test_a_function_of_a_cell(outputs: list[list[dict[str, Any]]]) -> None:
    """What it prints in its own process does not get into the notebook."""
    shown = data(outputs[1])
    assert shown["text/plain"].startswith("plus: ok, compared with the first result\n")
    assert "8 MiB at the peak, 1.00× the 8 MiB of its arguments" in shown["text/plain"]
    assert shown["text/html"].startswith("<table>")


def test_a_closure(outputs: list[list[dict[str, Any]]]) -> None:
    assert outputs[2][0]["text"] == "ok 1.0 True\n"


def test_a_failure_names_its_line(outputs: list[list[dict[str, Any]]]) -> None:
    shown = data(outputs[3])["text/plain"]
    assert shown.startswith("<lambda>: error: TypeError: unsupported operand type(s) for +")
    assert "harness.measure(lambda: values + None, trials=0)" in shown


def test_a_comparison(outputs: list[list[dict[str, Any]]]) -> None:
    shown = data(outputs[4])
    assert shown["text/html"].count("<tr>") == 3
    assert "1.00×" in shown["text/plain"]
    assert "image/png" in data(outputs[5])


def test_a_function_that_asks_gets_no_answer(outputs: list[list[dict[str, Any]]]) -> None:
    assert data(outputs[6])["text/plain"] == "'error'"
