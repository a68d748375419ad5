"""The walls between the packages, as pyproject.toml states them; what works without torch."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

from tests.journals import planned, trial, write_run

ROOT = Path(__file__).parents[1]
INSIDE = ("harness.trial", "harness.scenario", "harness.schema", "harness.batches", "scenarios")
"""What is imported by the interpreter that is measured."""
OPTIONAL = {"h5py", "ml_dtypes", "pyarrow", "pynvml", "safetensors", "torchvision", "zarr"}
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
PLANTED = {
    "An import goes to a package further down, and every package has its place": [
        ("harness/units.py", "def late() -> None:\n    import harness.cli.run_verb\n"),
        ("harness/homeless.py", ""),
    ],
    "In trial/ as well": [("harness/trial/base/pointers.py", "import harness.trial.server\n")],
    "In report/ as well": [("harness/report/words/order.py", "import harness.report.pages\n")],
    "Nothing goes in a circle": [
        (
            "harness/inline/costs.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
            "    from harness.inline.measurement import Measurement\n",
        )
    ],
    "What runs in a trial needs the standard library, NumPy and torch": [
        ("harness/trial/meters/sent_bytes.py", "import pandas\n")
    ],
    "A scenario sees what runs in a trial, and nothing else of the harness": [
        ("scenarios/preprocess.py", "from harness.stats import intervals\n")
    ],
    "What plans, analyses or reports imports neither torch nor a scenario": [
        ("harness/stats/intervals.py", "import torch\n")
    ],
    "What measures in a user's own process leaves torch to the trial": [
        ("harness/inline/pieces.py", "import torch\n")
    ],
}
"""What breaks each contract."""


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    code = "from importlinter.cli import lint_imports_command as lint\nlint()"
    command = [sys.executable, "-c", code, "--no-logo", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_every_import_keeps_the_contracts() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_contract_has_exceptions_and_every_import_counts() -> None:
    assert not CONTRACTS["exclude_type_checking_imports"]
    for contract in CONTRACTS["contracts"]:
        assert not [option for option in contract if "ignore" in option]


def test_what_breaks_a_contract_is_found(tmp_path: Path) -> None:
    assert list(PLANTED) == [contract["name"] for contract in CONTRACTS["contracts"]]
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in ("harness", "scenarios"):
        leave = shutil.ignore_patterns("__pycache__", "templates")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=leave)
    for lines in PLANTED.values():
        for file, text in lines:
            with (tmp_path / file).open("a") as stream:
                stream.write(text)
    done = lint_imports(tmp_path)
    assert done.returncode == 1
    said = done.stdout
    assert [name for name in PLANTED if f"{name} BROKEN" not in said] == []
    assert "homeless" in said


def test_what_runs_in_a_trial_imports_nothing_but_numpy_and_torch() -> None:
    graph = grimp.build_graph(
        "harness",
        "scenarios",
        include_external_packages=True,
        exclude_type_checking_imports=False,
        cache_dir=None,
    )
    inside = [name for name in graph.modules if name.startswith(INSIDE)]
    imported = {
        one.partition(".")[0]
        for name in inside
        for one in graph.find_modules_directly_imported_by(name)
    }
    assert {"numpy", "torch"} <= imported
    allowed = {"harness", "scenarios", "numpy", "torch"} | OPTIONAL | set(sys.stdlib_module_names)
    assert imported <= allowed


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
