"""The walls between the rooms: what may be imported where, and what works without torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journals import planned, trial, write_run

ROOT = Path(__file__).parents[1]
HARNESS = ROOT / "harness"
BOTH_SIDES = (
    *("__init__", "model", "scenario", "discover", "checks", "layouts", "batches", "units"),
    *("errors", "file_rows", "npy_file", "samples", "training"),
)
INSIDE = [*sorted(HARNESS.glob("trial/*.py")), *(HARNESS / f"{name}.py" for name in BOTH_SIDES)]
OUTSIDE = [path for path in sorted(HARNESS.rglob("*.py")) if path not in INSIDE]
SCENARIOS = sorted((ROOT / "scenarios").glob("*.py"))
OPTIONAL = {"h5py", "ml_dtypes", "pyarrow", "pynvml", "safetensors", "torchvision", "zarr"}


def imported(path: Path) -> Iterator[str]:
    """Every module a file imports when it runs, at its top or inside a function."""
    tree = ast.parse(path.read_text())
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def tops(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(path)}


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [*INSIDE, *SCENARIOS], ids=label)
def test_what_runs_in_a_trial_needs_nothing_but_numpy_and_torch(path: Path) -> None:
    assert tops(path) - set(sys.stdlib_module_names) <= {"numpy", "torch", "harness"} | OPTIONAL
    allowed = {"harness.trial", *(f"harness.{name}" for name in BOTH_SIDES)}
    modules = {name for name in imported(path) if name.startswith("harness.")}
    modules = {".".join(name.split(".")[:2]) for name in modules}
    known = {f"harness.{p.stem}" for p in HARNESS.glob("*.py")} | {
        f"harness.{p.name}" for p in HARNESS.iterdir() if p.is_dir()
    }
    assert modules & known <= allowed


@pytest.mark.parametrize("path", OUTSIDE, ids=label)
def test_nothing_that_plans_or_analyses_imports_torch_or_a_scenario(path: Path) -> None:
    assert not tops(path) & {"torch", "scenarios"}


def test_data_flows_one_way() -> None:
    order = ["description", "plan", "runner", "journal", "frame", "analysis", "report", "cli"]
    later = {name: order[order.index(name) + 1 :] for name in order}
    for path in OUTSIDE:
        room = path.relative_to(HARNESS).parts[0].removesuffix(".py")
        for name in imported(path):
            parts = name.split(".")
            if room in later and parts[0] == "harness" and len(parts) > 1:
                # The runner writes the journal and the plan stands in its header.
                written = (room, parts[1]) == ("runner", "journal")
                # The statistics of single columns stand below the frame.
                small = name.startswith("harness.analysis.stats") and room == "frame"
                assert parts[1] not in later[room] or written or small, f"{label(path)}: {name}"


def without_torch(code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run code in an interpreter in which torch cannot be imported."""
    blocked = f"import sys; sys.modules['torch'] = None; sys.path.insert(0, {str(ROOT)!r})\n{code}"
    return subprocess.run(
        [sys.executable, "-c", blocked], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("verb", ["export", "report", "matrix"])
def test_what_was_measured_is_read_without_torch(verb: str, tmp_path: Path) -> None:
    cases = [planned("base", baseline=True), planned("other")]
    trials = [trial(index, number) for index in (0, 1) for number in range(4)]
    write_run(tmp_path / "run.jsonl", cases, trials)
    code = f"from harness.cli import run\nsys.exit(run([{verb!r}, 'run.jsonl']))"
    done = without_torch(code, tmp_path)
    # There is no matrix in this journal, and to say so is all that is wanted.
    expected = (2, "has no matrix") if verb == "matrix" else (0, "")
    assert done.returncode == expected[0], done.stderr
    assert expected[1] in done.stderr
    assert "Traceback" not in done.stderr


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "from harness.cli import run\nrun(['--help'])\n"
        "heavy = {'torch', 'numpy', 'pandas', 'matplotlib', 'psutil', 'vl_convert'}\n"
        "print(sorted(heavy & {name for name in sys.modules if sys.modules[name]}))"
    )
    done = without_torch(code, tmp_path)
    assert done.stdout.splitlines()[-1] == "[]"


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


SOURCES = [
    path for room in ("harness", "scenarios", "tests") for path in (ROOT / room).rglob("*.py")
]


@pytest.mark.parametrize("path", sorted(SOURCES), ids=label)
def test_no_worker_depends_on_the_default_start_method(path: Path) -> None:
    """It is fork up to Python 3.13, and forkserver from 3.14 on."""
    assert list(left_to_the_default(ast.parse(path.read_text()))) == []


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
