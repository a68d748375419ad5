"""The mutations: a patch each, whose first line names the tests that should catch it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FOLDER = Path(__file__).parent
_TESTS = "Tests: "


@dataclass(frozen=True)
class Mutation:
    """One fault.

    Args:
        patch: how it is planted.
        tests: that should catch it, as pytest is given them: folders, files, ``FILE::TEST``.
    """

    patch: Path
    tests: tuple[str, ...]

    @classmethod
    def of(cls, patch: Path) -> Mutation:
        """Read a patch.

        Raises:
            ValueError: its first line does not name tests, or one of them does not exist.
        """
        first, _, _ = patch.read_text().partition("\n")
        tests = tuple(first.removeprefix(_TESTS).split()) if first.startswith(_TESTS) else ()
        missing = [test for test in tests if not _exists(test)]
        if missing or not tests:
            what = f"there is no {missing[0]}" if missing else f"no line {_TESTS!r}"
            raise ValueError(f"{patch.name}: {what}")
        return cls(patch, tests)

    @property
    def name(self) -> str:
        return self.patch.stem

    def apply(self, folder: Path, *options: str) -> str:
        """Plant the fault in a copy of the project; returns why that was not possible, or ""."""
        command = ["git", "apply", *options, str(self.patch)]
        ceiling = {"GIT_CEILING_DIRECTORIES": str(folder.parent)}  # it need not be a repository
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | ceiling,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stderr.strip() if done.returncode else ""


def _exists(test: str) -> bool:
    file, *names = test.split("::")  # of a class, perhaps, and of a function
    place = ROOT / file
    if not names:
        return place.exists()
    return place.is_file() and f"def {names[-1]}(" in place.read_text()


def mutations() -> list[Mutation]:
    """All of them, by name."""
    return [Mutation.of(patch) for patch in sorted(_FOLDER.glob("*.patch"))]
