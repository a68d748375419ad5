"""Paths in journals, written so that a journal can be shared: no folder of a machine stands in it.

A journal is passed on, committed as a baseline and read elsewhere. Its paths are therefore relative
to the project (the folder that ``run`` was called in) or to the package, or begin with the name of
a place: ``<env>`` is the environment of the interpreter that ran the harness, ``<python>`` the one
that this was made from, ``<tmp>`` the folder of temporary files, ``~`` the user's home.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]
"""The folder that ``harness`` and ``scenarios`` lie in."""
ENVIRONMENT, PYTHON, TEMPORARY, HOME = "<env>", "<python>", "<tmp>", "~"
RELATIVE = ""

Places = Mapping[str, str]
"""Names of folders, by their absolute path; RELATIVE for those that paths are relative to."""


def places_here() -> Places:
    """Those of this process; of two names for one folder, the first counts."""
    named = (
        (Path.cwd(), RELATIVE),
        (PACKAGE, RELATIVE),
        (Path(sys.prefix), ENVIRONMENT),
        (Path(sys.base_prefix), PYTHON),
        (Path(tempfile.gettempdir()), TEMPORARY),
        (Path.home(), HOME),
    )
    found: dict[str, str] = {}
    for folder, name in named:
        for path in (folder.absolute(), folder.resolve()):
            if len(path.parts) > 1:  # a process may well run in /
                found.setdefault(str(path), name)
    return found


def portable(line: bytes, places: Places) -> bytes:
    """A line of a journal, with every path below a known folder written relative to it."""
    if not places:
        return line
    names = {folder.encode(): name.encode() for folder, name in places.items()}
    folders = b"|".join(re.escape(folder) for folder in sorted(names, key=len, reverse=True))

    def replaced(found: re.Match[bytes]) -> bytes:
        name, slash = names[found[1]], found[2]
        return name + slash if name else b"" if slash else b"."

    # A folder's name ends where another word does, and is not the end of a longer path.
    return re.sub(rb"(?<![\w./~>-])(" + folders + rb")(/|(?![\w.-]))", replaced, line)


def places_of_old(first: bytes) -> Places:
    """What the absolute paths of a journal of old were relative to, guessed from its first line.

    Journals were written with absolute paths up to ferrybench 0.1's schema 4.
    """
    header = first.decode(errors="replace")
    scenarios = re.findall(r'"path":"(/[^"]*?)/scenarios/\w+\.py"', header)
    interpreters = re.findall(r'"executable":"(/[^"]*?)/bin/python[\d.]*"', header)
    return {**dict.fromkeys(interpreters, ENVIRONMENT), **dict.fromkeys(scenarios, RELATIVE)}


def located(path: str) -> Path:
    """Where a path of a journal lies on this machine; it need not exist.

    What is relative is looked for in the project first, then beside the package.
    """
    for name, folder in (
        (ENVIRONMENT, sys.prefix),
        (PYTHON, sys.base_prefix),
        (TEMPORARY, tempfile.gettempdir()),
    ):
        if path == name or path.startswith(f"{name}/"):
            return Path(folder + path.removeprefix(name))
    found = Path(path).expanduser()
    if found.is_absolute() or found.exists():
        return found.absolute()
    return PACKAGE / found
