"""``ferrybench advise``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from harness.advising.advice import Advice
from harness.advising.as_text import text
from harness.advising.code import code_of
from harness.advising.data import Data
from harness.advising.goal import Goal
from harness.advising.session import advise
from harness.advising.tasks import task_named
from harness.cli.measuring import until_stopped
from harness.console import err, out
from harness.errors import EXIT_INTERRUPTED, EXIT_NOT_JUDGED, EXIT_OK
from harness.files.writing import refuse_overwriting, write_whole


def advise_command(
    task: str,
    *,
    npy: Path | None = None,
    raw: Path | None = None,
    shape: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    dtype: str | None = None,
    offset: str | None = None,
    batch_size: Annotated[int | None, Parameter(allow_leading_hyphen=True)] = None,
    shuffle: Annotated[bool, Parameter(negative=())] = False,
    need: str | None = None,
    memory: str | None = None,
    budget: str = "30s",
    only: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    force: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Which way is best for your own data, what does it take, and is it worth a change?

    The few cases that decide are measured here, with your file or with values of its shape.

    Parameters
    ----------
    task
        to-tensor, to-loader, from-loader, train-from-file or to-device.
    npy
        Your array, in a file by numpy.save, which is only read.
    raw
        The same in a file without a header; say --shape and --dtype.
    shape
        Of the array, such as 50000,3,224,224: where there is no file, values are made.
    dtype
        Of its values, such as uint8.
    offset
        Bytes before the first value of a raw file, such as 1KiB.
    batch_size
        Samples of a batch; 64 by default.
    shuffle
        Any sample may come next, in an order drawn anew for each epoch.
    need
        What must come of it: share, copy or reuse of to-tensor; batches or dataloader of to-loader.
    memory
        What the process may take, such as 16GiB: what does not fit is not advised.
    budget
        How long it may take in all, such as 2m.
    only
        Try this strategy beside the usual one, and no other; may be repeated.
    output
        A file for the code, such as advice.py.
    force
        Overwrite it if it exists.
    """
    about = task_named(task)
    goal = Goal.of(
        batches=about.batches,
        need=need,
        batch_size=batch_size,
        shuffle=shuffle,
        memory=memory,
        budget=budget,
        only=only,
    )
    about.groups(goal)
    data = Data.of(npy=npy, raw=raw, shape=shape, dtype=dtype, offset=offset, rows=about.rows)
    own = [path for path in (npy, raw) if path is not None]
    if output is not None:
        refuse_overwriting(output, force=force, read=own)
    if data.file is not None and data.file.remark:
        err.print(data.file.remark, soft_wrap=True)
    found: list[Advice] = []

    def measure() -> str:
        found.append(advise(about, data, goal, status.update))
        return "complete"

    with err.status("starting") as status:
        ended = until_stopped(measure)
    if ended != "complete":
        err.print("ferrybench: interrupted before anything was decided")
        return EXIT_INTERRUPTED
    return _conclude(found[0], output)


def _conclude(advice: Advice, output: Path | None) -> int:
    out.print(text(advice, ["ferrybench", *_without_output(sys.argv[1:])]), soft_wrap=True)
    if advice.way is None:
        return EXIT_NOT_JUDGED
    if output is not None:
        write_whole({output: code_of(advice, advice.way).encode()})
        out.print(f"\nwrote {output}", soft_wrap=True)
    return EXIT_OK


def _without_output(arguments: Sequence[str]) -> list[str]:
    """What measures the same again, and writes nothing."""
    found: list[str] = []
    rest = iter(arguments)
    for one in rest:
        if one in ("-o", "--output"):
            next(rest, None)
        elif one != "--force" and not one.startswith(("-o", "--output=")):
            found.append(one)
    return found
