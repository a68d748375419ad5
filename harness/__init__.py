"""Measure how data moves between NumPy and PyTorch, accurately and in isolation.

This file is also what a trial process and every session of pytest see, so it imports nothing but
the standard library, and of that little: all else is imported when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from harness.version import __version__

if TYPE_CHECKING:
    from harness.inline.advise import Advised, advise
    from harness.inline.compare import compare
    from harness.inline.comparison import Comparison
    from harness.inline.load import load
    from harness.inline.measure import measure
    from harness.inline.measurement import Measurement
    from harness.inline.profile import profile
    from harness.inline.tune import Tuned, tune
    from harness.scenario import Parameter, Scenario

__all__ = [
    "Advised",
    "Comparison",
    "Measurement",
    "Parameter",
    "Scenario",
    "Tuned",
    "__version__",
    "advise",
    "compare",
    "load",
    "measure",
    "profile",
    "tune",
]

_WHEN_ASKED_FOR = {
    "Advised": "inline.advise",
    "Comparison": "inline.comparison",
    "Measurement": "inline.measurement",
    "Parameter": "scenario",
    "Scenario": "scenario",
    "Tuned": "inline.tune",
    "advise": "inline.advise",
    "compare": "inline.compare",
    "load": "inline.load",
    "measure": "inline.measure",
    "profile": "inline.profile",
    "tune": "inline.tune",
}


def __getattr__(name: str) -> Any:
    if name not in _WHEN_ASKED_FOR:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"harness.{_WHEN_ASKED_FOR[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
