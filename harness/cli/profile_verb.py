"""``ferrybench profile``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from cyclopts import Parameter

from harness.cli.options import parse_seconds, parse_sets
from harness.console import err, out
from harness.errors import EXIT_OK, UsageError
from harness.host.inputs import temporary_folder, temporary_folder_for_workers
from harness.report.words.place import REPORTS


def profile_command(
    target: str,
    *,
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative=())] = (),
    size: str | None = None,
    npy: Annotated[tuple[Path, ...], Parameter(negative=())] = (),
    also: Annotated[tuple[Path, ...], Parameter(negative=())] = (),
    warm: Annotated[bool, Parameter(negative=())] = False,
    timeout: str = "1m",
    seed: int | None = None,
    scenarios: Annotated[tuple[Path, ...], Parameter(negative=())] = (),
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    force: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Where did it go: memory and time of one call, line by line, and its allocations.

    Parameters
    ----------
    target
        SCENARIO/STRATEGY, or mine.py:function for a function of your own.
    set_
        NAME=VALUE: a parameter of the scenario instead of its default; may be repeated.
    size
        Size of the data, such as 64MiB.
    npy
        A .npy file: what the function is given, each file one argument; or, for a scenario that
        trains from files, what to train from.
    also
        Another Python file whose functions are watched too; may be repeated.
    warm
        Call a function of your own once before: what only a first call needs is then not seen.
    timeout
        How long each process may take, such as 5m. What was seen until then is shown.
    seed
        Seed of a scenario's data; random by default.
    scenarios
        A module or folder with your own scenarios; may be repeated.
    output
        A folder; reports/profile-TARGET-TIME by default.
    force
        Replace files of the same names in a folder that is not empty.
    """
    from harness.profiling.as_text import as_text
    from harness.profiling.case import CaseWanted, profile_case
    from harness.profiling.collect import Wanted
    from harness.profiling.own_file import file_and_function, profile_file
    from harness.profiling.page import check_folder, write_profile

    own = file_and_function(target)
    sets = parse_sets((*set_, *((f"size={size}",) if size else ())))
    _refuse(target, own=own is not None, sets=bool(sets or scenarios), warm=warm, files=len(npy))
    folder = output or REPORTS / _folder_name(target)
    check_folder(folder, force=force)
    timeout_s = parse_seconds(timeout, "--timeout")
    temporary_folder_for_workers()
    for file in also:
        if not file.is_file():
            raise UsageError(f"--also {file}: no such file")
    files = tuple(str(file.resolve()) for file in also)
    with TemporaryDirectory(prefix="ferrybench-profile-", dir=temporary_folder()) as scratch:
        wanted = Wanted(files, timeout_s, warm, Path(scratch))
        with err.status(f"watching {target}"):
            if own is not None:
                found = profile_file(*own, npy, wanted)
            else:
                one = npy[0] if npy else None
                found = profile_case(CaseWanted(target, sets, one, scenarios, seed), wanted)
            page, *others = write_profile(found, folder)
    out.print(as_text(found), soft_wrap=True)
    names = ", ".join(path.name for path in others)
    out.print(f"\n{page}, with {names}", soft_wrap=True)
    out.print(f"next: open {page} in a browser", soft_wrap=True)
    return EXIT_OK


def _refuse(target: str, *, own: bool, sets: bool, warm: bool, files: int) -> None:
    """Raise UsageError for options that do not go with what is profiled."""
    if own and sets:
        raise UsageError("--set, --size and --scenarios are for scenarios, not for a function")
    if own:
        return
    if "/" not in target:
        raise UsageError(f"{target}: name a strategy, as in SCENARIO/STRATEGY, or mine.py:function")
    if warm:
        raise UsageError("--warm is for a function: a strategy meets a tiny input first anyway")
    if files > 1:
        raise UsageError("--npy: a scenario trains from one file")


def _folder_name(target: str) -> str:
    plain = "".join(letter if letter.isalnum() or letter in "_-." else "-" for letter in target)
    return f"profile-{plain.strip('-.')}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
