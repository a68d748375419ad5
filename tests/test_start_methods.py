"""Workers begin as the code says, not as the running Python prefers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("harness", "scenarios", "tests")
WORKERS = {"Process", "Pool", "Queue", "SimpleQueue", "JoinableQueue", "Manager", "Pipe"}


def left_to_the_default(tree: ast.AST) -> Iterator[str]:
    """Calls that start workers by whichever method the running Python prefers."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        named = {keyword.arg for keyword in node.keywords}  # None: **options
        function = ast.unparse(node.func)
        loads = function.endswith("DataLoader") and "num_workers" in named
        pools = function.endswith("ProcessPoolExecutor")
        if (
            (loads and not named & {"multiprocessing_context", None})
            or (pools and "mp_context" not in named)
            or function in {f"multiprocessing.{name}" for name in WORKERS}
            or (function == "multiprocessing.get_context" and not node.args)
        ):
            yield ast.unparse(node)


def test_no_worker_depends_on_the_default_start_method() -> None:
    """It is fork up to Python 3.13, and forkserver from 3.14 on."""
    sources = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    assert len(sources) > len(ROOMS)
    found = {path: list(left_to_the_default(ast.parse(path.read_text()))) for path in sources}
    assert {str(path.relative_to(ROOT)): calls for path, calls in found.items() if calls} == {}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("DataLoader(rows, num_workers=2)", True),
        ("torch.utils.data.DataLoader(rows, num_workers=2)", True),
        ("DataLoader(rows, num_workers=2, multiprocessing_context='fork')", False),
        ("DataLoader(rows, num_workers=2, **options)", False),
        ("DataLoader(rows)", False),
        ("multiprocessing.Process(target=int)", True),
        ("multiprocessing.get_context().Process(target=int)", True),
        ("multiprocessing.get_context('fork').Process(target=int)", False),
        ("ProcessPoolExecutor(2)", True),
        ("ProcessPoolExecutor(2, mp_context=context)", False),
    ],
)
def test_what_depends_on_the_default_is_seen(code: str, found: bool) -> None:
    assert bool(list(left_to_the_default(ast.parse(code)))) == found
