"""``ferrybench export``."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from harness.cli.options import latest_journal
from harness.console import err
from harness.errors import EXIT_OK, UnableError, refuse_overwriting
from harness.formats import export_formats
from harness.formats.open_results import read_run

if TYPE_CHECKING:
    Format = str
else:
    Format = Literal[export_formats()]


def export_command(
    journal: Path | None = None,
    *,
    format: Format = "csv",  # noqa: A002 — the option's name
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    force: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Write a journal's cases, one row per case in bytes and seconds, or in another tool's format.

    Parameters
    ----------
    journal
        A journal; the latest in results/ by default.
    format
        csv or json, with every column; or the format that pytest-benchmark, github-action-benchmark
        (customSmallerIsBetter) or Bencher (adapter json) reads.
    output
        A file; standard output by default.
    force
        Overwrite the file if it exists.
    """
    run = read_run(journal or latest_journal())
    for remark in run.remarks:
        err.print(remark, soft_wrap=True)
    from harness.cases.frame import case_frame  # pandas takes half a second to import

    writer = import_module(f"harness.formats.{format.replace('-', '_')}")
    cases = case_frame(run)
    if output is None:
        writer.write(run, cases, sys.stdout)
        return EXIT_OK
    refuse_overwriting(output, force=force)
    try:
        with output.open("w", newline="") as stream:
            writer.write(run, cases, stream)
    except OSError as error:
        raise UnableError(f"{output} cannot be written: {error.strerror}") from error
    err.print(f"{output}: {len(cases)} cases", soft_wrap=True)
    return EXIT_OK
