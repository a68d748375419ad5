"""What a machine with a device needs at least: tests are collected and runs begin without more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ABSENT = ("vl_convert", "ruptures", "xdist", "h5py", "pyarrow", "safetensors", "zarr")
WITHOUT = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""


def without(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT + code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_device_tests_are_collected() -> None:
    options = "['-q', '--collect-only', '-p', 'no:xdist', '-p', 'no:cacheprovider']"
    done = without(f"import pytest\nsys.exit(pytest.main([*{options}, 'tests/accelerator']))")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "test_on_device.py" in done.stdout


@pytest.mark.parametrize("verb", ["run", "export", "compare"])
def test_verbs_load(verb: str) -> None:
    done = without(f"from harness.cli import run\nsys.exit(run([{verb!r}, '--help']))")
    assert done.returncode == 0, done.stderr


def test_a_page_names_the_package_that_it_needs() -> None:
    done = without(
        "from harness.errors import UnableError\nfrom harness.report.pages.as_html import runtime\n"
        "try:\n    runtime()\nexcept UnableError as error:\n    print(error)"
    )
    assert "needs vl-convert-python" in done.stdout, done.stderr
