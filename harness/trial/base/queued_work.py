"""Work that a call has queued on an accelerator: it goes on when the call has returned.

A clock of the host that stops then has measured how long queueing takes. So what is timed in a
process that has begun to use an accelerator ends when nothing is left to do there.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

ACCELERATORS = ("cuda", "xpu")
"""Asked one by one: an older torch does not say which it is built for."""


def accelerator_in_use() -> str:
    """The accelerator that torch has started in this process; empty where it has none."""
    torch = sys.modules.get("torch")
    if torch is None:
        return ""
    for name in (*ACCELERATORS, _built_for(torch)):
        has_begun = getattr(getattr(torch, name, None), "is_initialized", None)
        if has_begun is not None and has_begun():
            return name.upper()
    return ""


def _built_for(torch: Any) -> str:
    """The accelerator that torch is built for, or that has been registered with it; "" for none."""
    current = getattr(getattr(torch, "accelerator", None), "current_accelerator", None)
    try:
        found = current() if current is not None else None
    except (ImportError, RuntimeError):  # registered, without what is needed to use it
        return ""
    return "" if found is None else str(found.type)


def wait_for_accelerator() -> None:
    """Return when no stream of the accelerator in use has anything left to do."""
    sys.modules["torch"].accelerator.synchronize()


def waited_for(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which returns when the accelerator has done what it queued."""

    @functools.wraps(function)
    def waits(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        wait_for_accelerator()
        return result

    return waits


class Waiting:
    """Waits for the accelerator as soon as one is in use, and until then costs a look."""

    def __init__(self) -> None:
        self._in_use = False

    def __call__(self) -> None:
        self._in_use = self._in_use or bool(accelerator_in_use())
        if self._in_use:
            wait_for_accelerator()
