"""``ferrybench export``."""

from __future__ import annotations

import sys
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from harness.cli.options import latest_journal
from harness.console import err
from harness.errors import EXIT_OK, UnableError
from harness.files.writing import refuse_overwriting, write_whole
from harness.formats import export_formats
from harness.formats.open_results import read_run
from harness.journal.lines import Run
from harness.units import plural

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
    path = journal or latest_journal()
    run = read_run(path)
    for remark in run.remarks:
        err.print(remark, soft_wrap=True)
    if output is not None:
        refuse_overwriting(output, force=force, read=(path,))
    from harness.cases.frame import case_frame  # pandas takes half a second to import

    writer = import_module(f"harness.formats.{format.replace('-', '_')}")
    cases, text = case_frame(run), StringIO()
    written = writer.write(run, cases, text)
    if not written:
        raise UnableError(f"{path} has nothing for the format {format}: {_why_nothing(run)}")
    if output is None:
        sys.stdout.write(text.getvalue())
        return EXIT_OK
    write_whole({output: text.getvalue().encode()})
    some = f"{written} of " if written < len(cases) else ""
    err.print(f"{output}: {some}{plural(len(cases), 'case')}", soft_wrap=True)
    return EXIT_OK


def _why_nothing(run: Run) -> str:
    """What a run has in place of that: no case, failures, or memory without times."""
    planned = len(run.header.plan.cases)
    if not planned:
        return "it has no cases"
    ended_well = {trial.case for trial in run.trials if trial.outcome.ok}
    if not ended_well:
        return f"none of {plural(planned, 'case')} ended well"
    return f"none of {plural(planned, 'case')} was timed; run --trials 1 or more times them"
