"""Which outcome an exception or a check stands for."""

from __future__ import annotations

import errno
from collections.abc import Callable

from harness.model import Outcome
from harness.trial.work import CannotObeyError

_NO_MEMORY = ("can't allocate memory", "not enough memory", "Cannot allocate memory")
_FROM_A_WORKER = "Original Traceback"


class WrongEpochError(AssertionError):
    """A loader does not give in every epoch what it gave in the first."""


def failure(error: BaseException) -> Outcome:
    """The outcome an exception stands for."""
    if isinstance(error, CannotObeyError):
        return Outcome("skipped", str(error))
    if isinstance(error, WrongEpochError):
        return Outcome("wrong", one_line(str(error)))
    text = one_line(f"{type(error).__name__}: {_said(error)}")
    if isinstance(error, MemoryError) or any(phrase in str(error) for phrase in _NO_MEMORY):
        return Outcome("oom", text)
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return Outcome("oom", text)
    return Outcome("error", text)


def _said(error: BaseException) -> str:
    """An exception's message; of one that torch brought from a worker, its first and last line."""
    text = str(error)
    if _FROM_A_WORKER not in text:
        return text
    lines = text.strip().splitlines()
    return f"{lines[0].rstrip('.')}: {lines[-1]}"


def judged(
    verify: Callable[[], None], raised_by_loader: Callable[[], BaseException | None] = lambda: None
) -> Outcome:
    """The outcome of a check.

    Args:
        verify: raises when something is wrong. One that breaks has not confirmed anything.
        raised_by_loader: what the loader raised while the check went through its epoch; that is
            the strategy's failure and says nothing about values.
    """
    try:
        verify()
    except Exception as error:  # noqa: BLE001 — see above
        if raised_by_loader() is error:
            return failure(error)
        kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
        return Outcome("wrong", one_line(f"{kind}{error}") or "the check failed without a message")
    return Outcome("ok")


def one_line(text: str, limit: int = 300) -> str:
    """Text without line breaks, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
