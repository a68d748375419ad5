"""Which outcome an exception or a check stands for: its name, its kind, and the line it came from.

What becomes of a process that dies, :mod:`harness.host.host` tells.
"""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable

from harness.schema.records import Outcome, OutcomeName
from harness.trial.base.source_line import place_of
from harness.trial.base.unsupported import lacking

ARRAY_MEMORY, TENSOR_MEMORY = "array memory", "tensor memory"
PYTHON_MEMORY, SYSTEM_MEMORY = "Python memory", "system memory"
DEVICE_MEMORY = "device memory"
OPEN_FILES, DISK_FULL, READ_ONLY = "open files", "disk full", "read-only"
SHM_FULL = "shared memory full"
OWN_FAULT = "ferrybench's own fault"
WRONG_DATA, WRONG_EPOCH, NO_LEARNING = "wrong data", "wrong epoch", "no learning"

_BY_ERRNO = {
    errno.ENOMEM: SYSTEM_MEMORY,
    errno.EMFILE: OPEN_FILES,
    errno.ENFILE: OPEN_FILES,
    errno.ENOSPC: DISK_FULL,
    errno.EDQUOT: DISK_FULL,
    errno.EFBIG: DISK_FULL,
    errno.EROFS: READ_ONLY,
    errno.EACCES: READ_ONLY,
}
_SHM = "/dev/shm"  # noqa: S108 — its name is all that is needed
_DIED, _GONE = "is killed by signal:", "exited unexpectedly"
_BY_PHRASE = {
    "Unable to allocate": ARRAY_MEMORY,
    "can't allocate memory": TENSOR_MEMORY,
    "not enough memory": TENSOR_MEMORY,
    "std::bad_alloc": TENSOR_MEMORY,
    "MemoryError": PYTHON_MEMORY,
    "Cannot allocate memory": SYSTEM_MEMORY,
    "Too many open files": OPEN_FILES,
    "items of ancdata": OPEN_FILES,  # a descriptor that did not come through a socket
    "No space left on device": DISK_FULL,
    "Disk quota exceeded": DISK_FULL,
    "Read-only file system": READ_ONLY,
    "Permission denied": READ_ONLY,
    f"{_DIED} Bus error": "bus error",
    f"{_DIED} Segmentation fault": "segmentation fault",
    f"{_DIED} Aborted": "abort",
    f"{_DIED} Killed": "killed",
}
"""Messages that pass through a library, or come from a worker, have lost their type and number.
The first that is found counts: torch's allocator quotes the system, which is to blame less."""
_NAMES: dict[str, OutcomeName] = dict.fromkeys(
    (ARRAY_MEMORY, TENSOR_MEMORY, PYTHON_MEMORY, SYSTEM_MEMORY, DEVICE_MEMORY), "oom"
)
_FROM_A_WORKER = "Original Traceback"


class CannotObeyError(Exception):
    """A parameter asks for something that this machine does not permit."""


class OwnFaultError(Exception):
    """The harness failed at something of its own, which says nothing about what it measures."""


class WrongEpochError(AssertionError):
    """A loader does not give in every epoch what it gave in the first."""


def failure(error: BaseException, file: str = "") -> Outcome:
    """The outcome an exception stands for.

    Args:
        error: what was raised.
        file: of the scenario, to say which of its lines failed.
    """
    if isinstance(error, CannotObeyError):
        return Outcome("skipped", str(error))
    if isinstance(error, OwnFaultError):
        return Outcome("error", str(error), OWN_FAULT)
    missing = lacking(error)
    if missing:
        return Outcome("skipped", missing)
    where = place_of(error, file) if file else ""
    error = _first_told(error)
    if isinstance(error, WrongEpochError):
        return Outcome("wrong", one_line(str(error)), WRONG_EPOCH, where)
    kind = kind_of(error)
    text = one_line(f"{_in_words(kind)}{type(error).__name__}: {_said(error)}")
    return Outcome(_NAMES.get(kind, "error"), text.removesuffix(":"), kind, where)


def _first_told(error: BaseException) -> BaseException:
    """What torch knew of a worker's death before it said that one is gone."""
    cause = error.__cause__
    return cause if _GONE in str(error) and cause is not None and _DIED in str(cause) else error


def kind_of(error: BaseException) -> str:
    """What gave way; empty for an error like any other."""
    kind = _kind_of(error)
    quota = getattr(error, "errno", None) in (errno.EDQUOT, errno.EFBIG)
    return SHM_FULL if kind == DISK_FULL and not quota and _is_of_shared_memory(error) else kind


def _is_of_shared_memory(error: BaseException) -> bool:
    """Whether there was no room in /dev/shm: it is named or, where nothing is, has none now."""
    file = getattr(error, "filename", None)
    if file is not None:
        return str(file).startswith(f"{_SHM}/")
    text = str(error)
    if any(phrase in text for phrase in (_SHM, "</torch_", "(shm)", "shared memory")):
        return True
    try:
        room = os.statvfs(_SHM)
    except OSError:  # there is none here
        return False
    return room.f_blocks > 0 and room.f_bavail == 0


def _kind_of(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        # NumPy gives its own exception the name of its base.
        return ARRAY_MEMORY if type(error).__module__.startswith("numpy") else PYTHON_MEMORY
    if type(error).__name__ == "OutOfMemoryError":  # torch's, of an accelerator's own memory
        return DEVICE_MEMORY
    if isinstance(error, OSError) and error.errno in _BY_ERRNO:
        return _BY_ERRNO[error.errno]
    text = str(error)
    return next((kind for phrase, kind in _BY_PHRASE.items() if phrase in text), "")


def _in_words(kind: str) -> str:
    if kind == DISK_FULL:
        return "the disk is full: "
    if kind == SHM_FULL:
        return f"{_SHM} is full, where shared memory lies: "
    if kind == OPEN_FILES:
        return f"too many open files, {resource.getrlimit(resource.RLIMIT_NOFILE)[0]} allowed: "
    return ""


def _said(error: BaseException) -> str:
    """An exception's message; of one that torch brought from a worker, its first and last line."""
    text = str(error)
    if _FROM_A_WORKER not in text:
        return text
    lines = text.strip().splitlines()
    return f"{lines[0].rstrip('.')}: {lines[-1]}"


def judged(
    verify: Callable[[], None],
    raised_by_loader: Callable[[], BaseException | None] = lambda: None,
    file: str = "",
) -> Outcome:
    """The outcome of a check.

    Args:
        verify: raises when something is wrong. One that breaks has not confirmed anything.
        raised_by_loader: what the loader raised while the check went through its epoch; that is
            the strategy's failure and says nothing about values.
        file: of the scenario, to say which of its lines the loader failed in.
    """
    try:
        verify()
    except Exception as error:  # noqa: BLE001 — see above
        if raised_by_loader() is error:
            return failure(error, file)
        missing = lacking(error)
        if missing:
            return Outcome("skipped", f"its result cannot be checked: {missing}")
        kind = WRONG_EPOCH if isinstance(error, WrongEpochError) else WRONG_DATA
        broken = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
        reason = one_line(f"{broken}{error}") or "the check failed without a message"
        return Outcome("wrong", reason, kind)
    return Outcome("ok")


def one_line(text: str, limit: int = 300) -> str:
    """Text without line breaks, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
