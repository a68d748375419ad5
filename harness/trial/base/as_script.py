"""A user's file is imported as it would be run."""

from __future__ import annotations

import sys
from pathlib import Path


def as_script(path: Path) -> None:
    """Have this process find what a file imports, and how it was called, as when it is run itself.

    Nothing is left beside it: no bytecode is written from now on.
    """
    folder = str(path.parent)
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)
    sys.argv[:] = [str(path)]
    sys.dont_write_bytecode = True
