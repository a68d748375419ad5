"""A function of a user's file, on a host of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.host.host import Host
from harness.profiling.collect import Wanted, collect
from harness.profiling.profile import Profile
from harness.schema.profile import FileProfileRequest
from harness.schema.records import HostSpec


def file_and_function(target: str) -> tuple[Path, str] | None:
    """``mine.py:function`` as a file and a name; None where it is neither.

    Raises:
        UsageError: there is no such file, or no function is named.
    """
    name, colon, function = target.rpartition(":")
    path = Path(name if colon else target)
    if path.suffix != ".py":
        return None
    if not (colon and function):
        raise UsageError(f"{target}: name a function, as in {target}:function")
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    return path.resolve(), function


def profile_file(path: Path, function: str, arrays: Sequence[Path], wanted: Wanted) -> Profile:
    """Profile a function that is given arrays from ``.npy`` files.

    Raises:
        UsageError: the file cannot be imported, or has no such function, or it has no lines.
    """
    given = tuple(str(array.resolve()) for array in arrays)
    with Host(HostSpec()) as host:
        collected = collect(
            lambda watching: host.call(
                FileProfileRequest(str(path), function, given, watching),
                wanted.timeout_s,
                observe=watching.observe,
            ),
            wanted,
        )
    return Profile(f"{path.name}:{function}", collected, ", ".join(one.name for one in arrays))
