"""Plant faults in the harness, one at a time, and see whether tests catch them.

``python -m tests.mutations [NAME …]`` applies each patch beside this file, or those named, to a
scratch copy, and runs the tests that the patch's first line names there. These must pass in the
copy before: otherwise their failing says nothing. The command fails unless every fault was caught.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from tests.mutations.patches import ROOT, Mutation, mutations

CAUGHT, SURVIVED = "caught", "survived"
PASSED, FAILED = 0, 1  # pytest's exit codes; others mean that tests could not be run


def copy_to(folder: Path) -> None:
    """What git has of the project, and what it may have next."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, found.stdout.split("\0")):
        if (ROOT / name).is_file():  # not deleted since
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)


class Laboratory:
    """A copy of the project, and what its tests say.

    Args:
        folder: where the copy is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        copy_to(folder)
        self.passes_unmutated = cache(lambda tests: self._run(tests, "--maxfail=3")[0] == PASSED)

    def _run(self, tests: Sequence[str], *options: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, *tests]
        # Without files of bytecode, which would outlive a change that is undone within a second.
        own = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(self.folder)}
        done = subprocess.run(
            command, cwd=self.folder, env=os.environ | own, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def try_out(self, mutation: Mutation) -> str:
        """What becomes of a fault; its tests have to pass without it."""
        if not self.passes_unmutated(mutation.tests):
            return "its tests fail unmutated"
        refused = mutation.apply(self.folder)
        if refused:
            return f"does not apply: {refused.splitlines()[0]}"
        try:
            code, said = self._run(mutation.tests, "--exitfirst")
        finally:
            mutation.apply(self.folder, "--reverse")
        if code == PASSED:
            return SURVIVED
        if code == FAILED:
            return CAUGHT
        return f"its tests could not be run: {said.strip().splitlines()[-1]}"


def tried(chosen: Sequence[Mutation]) -> Iterator[tuple[str, str]]:
    """Each fault's name, and what became of it."""
    with tempfile.TemporaryDirectory() as scratch:
        laboratory = Laboratory(Path(scratch) / "copy")
        for mutation in chosen:
            yield mutation.name, laboratory.try_out(mutation)


def main(arguments: Sequence[str]) -> int:
    known = {mutation.name: mutation for mutation in mutations()}
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="of a patch; all, if none is given"
    )
    asked = parser.parse_args(arguments)
    unknown = sorted(set(asked.names) - known.keys())
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}")
    chosen = [known[name] for name in asked.names or known]
    words = []
    for name, found in tried(chosen):
        print(f"{name}: {found}", flush=True)  # noqa: T201 — a command
        words.append(found)
    count = words.count(CAUGHT)
    print(f"{count} of {len(words)} caught")  # noqa: T201 — a command
    return int(count < len(words))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
