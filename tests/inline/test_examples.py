"""Every example of the page about Python runs as it stands, one after the other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "in-python.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_examples_run() -> None:
    """In an interpreter of their own: they are given to it as a user's script."""
    examples = BLOCK.findall(PAGE.read_text())
    assert len(examples) >= 8
    done = subprocess.run(
        [sys.executable, "-"],
        input="\n".join(examples),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "normalised: ok, compared with the first result" in done.stdout
    assert "8.00× the 3 MiB of its arguments" in done.stdout
    assert "unscaled: differs from the result of float, div: " in done.stdout
    assert "ValueError: At least one stride in the given numpy array is negative" in done.stdout
