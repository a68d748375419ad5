"""What a side of an A/B run is, from how it is written on the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import UsageError
from harness.schema.records import Effort, HostSpec

DUET = Effort(trials=0, steady_s=0.08, min_samples=5, max_samples=40)
"""Both halves of a duet together; what counts is the number of pairs, not how long each takes."""
_FORMS = (
    "an interpreter, a virtual environment, NAME=VALUE of an environment variable, path=FOLDER or "
    "rev=REVISION, separated by commas"
)
_FOLDERS = ("", "src")
"""Of a project, put on the path of its side where they exist."""


@dataclass(frozen=True)
class SideSpec:
    """One side, as asked for.

    Args:
        label: what the user wrote.
        python: an interpreter; empty for the one that runs the harness.
        env: environment variables.
        path: a folder to import from before all others.
        revision: of the project in the current folder, to be checked out for this side.
    """

    label: str
    python: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    revision: str = ""

    def host(self, name: str, project: Path | None = None, commit: str = "") -> HostSpec:
        """The host that this side is.

        Args:
            name: of the host.
            project: a folder to import from: that of ``path``, or a checkout.
            commit: which one that is.
        """
        env = dict(self.env)
        if project is not None:
            own = [str(project / part) for part in _FOLDERS if (project / part).is_dir()]
            before = env.get("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
            env["PYTHONPATH"] = os.pathsep.join([*own, *filter(None, [before])])
        return HostSpec(name, self.python, env, commit)


def parse_side(text: str, option: str) -> SideSpec:
    """Read a side.

    Raises:
        UsageError: a part that is none of the forms, or does not exist.
    """
    python = path = revision = ""
    env: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        if not equals:
            python = _interpreter(part, option)
        elif name == "python":
            python = _interpreter(value, option)
        elif name == "rev":
            revision = value
        elif name == "path":
            path = _folder(value, option)
        elif name.isidentifier():
            env[name] = value
        else:
            raise UsageError(f"{option} {part}: write {_FORMS}")
    if path and revision:
        raise UsageError(f"{option} {text}: path= and rev= exclude each other")
    return SideSpec(text or "this interpreter", python, env, path, revision)


def _interpreter(text: str, option: str) -> str:
    """An interpreter by its path, or by that of its virtual environment."""
    path = Path(text).expanduser()
    if path.is_dir():
        for inside in (path / "bin" / "python", path / "Scripts" / "python.exe"):
            if inside.exists():
                return str(inside.absolute())  # not resolved: a link is what makes it one
        raise UsageError(f"{option} {text}: not a virtual environment: it has no bin/python")
    if not path.exists():
        raise UsageError(f"{option} {text}: does not exist; write {_FORMS}")
    if not os.access(path, os.X_OK):
        raise UsageError(f"{option} {text}: not an interpreter: it cannot be executed")
    return str(path.absolute())


def _folder(text: str, option: str) -> str:
    if not Path(text).is_dir():
        raise UsageError(f"{option} path={text}: no such folder")
    return str(Path(text).absolute())
