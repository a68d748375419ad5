"""A revision of the user's project, checked out beside it for as long as it is measured."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import UnableError, UsageError


@contextmanager
def checked_out(revision: str, build: str = "", folder: Path | None = None) -> Iterator[Path]:
    """A revision of the repository that ``folder`` lies in, in a work tree of its own.

    Args:
        revision: anything that git understands.
        build: a shell command to run in it, such as one that compiles an extension.
        folder: the current one, if not given.

    Yields:
        The folder in the work tree that corresponds to ``folder``.

    Raises:
        UsageError: not a repository, or no such revision.
        UnableError: it cannot be checked out, or the command fails.
    """
    here = (folder or Path.cwd()).resolve()
    root = Path(
        _git(here, "rev-parse", "--show-toplevel", wrong=f"{here} is not in a git repository")
    )
    commit = commit_of(revision, here)
    with tempfile.TemporaryDirectory(prefix="ferrybench-revision-") as temporary:
        tree = Path(temporary) / "tree"
        try:
            _git(root, "worktree", "add", "--quiet", "--detach", str(tree), commit)
            inside = tree / here.relative_to(root)
            if not inside.is_dir():
                raise UsageError(f"revision {revision} has no folder {here.relative_to(root)}")
            if build:
                _build(build, inside, revision)
            yield inside
        finally:
            subprocess.run(
                ["git", "worktree", "remove", "--force", str(tree)],  # noqa: S607
                cwd=root,
                capture_output=True,
                check=False,
            )


def commit_of(revision: str, folder: Path | None = None) -> str:
    """The full name of a revision's commit.

    Raises:
        UsageError: there is no such revision.
    """
    here = folder or Path.cwd()
    wrong = f"no revision {revision!r} in the repository of {here}"
    return _git(here, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", wrong=wrong)


def _git(folder: Path, *arguments: str, wrong: str = "") -> str:
    try:
        done = subprocess.run(
            ["git", *arguments],  # noqa: S607 — whichever git the user has
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise UnableError(f"git cannot be run: {error.strerror}") from error
    if done.returncode:
        if wrong:
            raise UsageError(wrong)
        raise UnableError(f"git {arguments[0]}: {_last(done.stderr)}")
    return done.stdout.strip()


def _build(command: str, folder: Path, revision: str) -> None:
    done = subprocess.run(  # noqa: S602 — the user's own command line
        command, shell=True, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = _last(done.stderr) or _last(done.stdout)
        raise UnableError(
            f"--build failed with status {done.returncode} for revision {revision}: {said}"
        )


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it printed nothing"
