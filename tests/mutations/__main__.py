"""Plant faults in the instrument, one at a time, and see whether tests catch them.

``python -m tests.mutations [NAME …]`` applies each patch beside this file, or those named, to a
scratch copy, and runs the tests that the patch's first line names there. It prints which were
caught and which survived, and fails if one did or if a patch does not apply.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATCHES = Path(__file__).parent
COPIED = ("harness", "scenarios", "tests", "docs", "README.md", "conftest.py", "pyproject.toml")
TESTS = "Tests: "
FAILED = 1  # pytest: some tests did


def copy_to(folder: Path) -> None:
    for name in COPIED:
        if (ROOT / name).is_dir():
            leave = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=leave)
        else:
            shutil.copy(ROOT / name, folder / name)


def git_apply(patch: Path, folder: Path, *options: str) -> bool:
    command = ["git", "apply", *options, str(patch)]
    ceiling = {"GIT_CEILING_DIRECTORIES": str(folder.parent)}  # it is no repository
    done = subprocess.run(command, cwd=folder, env=os.environ | ceiling, check=False)
    return done.returncode == 0


def caught(tests: list[str], folder: Path) -> bool:
    """Whether the tests, as they are in the copy, fail there."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(folder)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, FAILED):
        raise SystemExit(f"{' '.join(tests)} cannot be run:\n{done.stdout}{done.stderr}")
    return done.returncode == FAILED


def tests_of(patch: Path) -> list[str]:
    first, _, _ = patch.read_text().partition("\n")
    if not first.startswith(TESTS):
        raise SystemExit(f"{patch.name} does not begin with {TESTS!r}")
    return first.removeprefix(TESTS).split()


def tried(names: list[str]) -> Iterator[tuple[str, str]]:
    patches = sorted(PATCHES.glob("*.patch"))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "copy"
        copy_to(folder)
        for patch in patches:
            if names and patch.stem not in names:
                continue
            if not git_apply(patch, folder):
                yield patch.stem, "does not apply"
                continue
            yield patch.stem, "caught" if caught(tests_of(patch), folder) else "survived"
            git_apply(patch, folder, "--reverse")


def main(names: list[str]) -> int:
    found = []
    for name, what in tried(names):
        print(f"{what:15} {name}", flush=True)  # noqa: T201 — a command
        found.append(what)
    count = found.count("caught")
    print(f"{count} of {len(found)} caught")  # noqa: T201 — a command
    return int(count < len(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
