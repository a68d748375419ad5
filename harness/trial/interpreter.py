"""What an interpreter is, as far as it can make a number differ."""

from __future__ import annotations

import multiprocessing
import platform
import sys
import sysconfig
from collections.abc import Callable


def describe_interpreter() -> dict[str, str]:
    """Version, build, and how workers begin whose start method nobody chooses."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "executable": sys.executable,
        "gil": gil(),
        # The first one is the default; to ask for the default itself would settle it.
        "start_method": multiprocessing.get_start_method(allow_none=True)
        or multiprocessing.get_all_start_methods()[0],
    }


def gil() -> str:
    """``always``; or of a free-threaded build, whether there is one now: ``on`` or ``off``.

    Such a build allocates and counts references in another way, with the GIL or without. An
    extension that cannot do without may bring it back when it is imported.
    """
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "always"
    enabled: Callable[[], bool] = getattr(sys, "_is_gil_enabled")  # noqa: B009 — not before 3.13
    return "on" if enabled() else "off"
