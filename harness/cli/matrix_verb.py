"""``ferrybench matrix``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.table import Table
from rich.text import Text

from harness.analysis.matrix import CELL_KINDS, SYMBOLS, Grid, MatrixCell, Panel, grid
from harness.cases.summaries import summaries
from harness.cli.measuring import measure_into
from harness.cli.options import parse_sets
from harness.console import Plain, err, out, titled
from harness.errors import EXIT_INTERRUPTED, EXIT_OK, UsageError
from harness.journal.lines import Run
from harness.journal.machines import of_one_machine
from harness.journal.read import read_journal
from harness.journal.shown import shown
from harness.planning.plan import Request
from harness.run.runner import default_effort
from harness.run.session import Settings
from harness.scenario.discover import built_in_files
from harness.schema.texts import visible

WIDE = 1000  # columns: a table measured on the terminal itself would never be too wide
MATRICES = ("matrix_array_to_tensor", "matrix_tensor_to_array")
_STYLES = {
    "shares": "green",
    "copies": "",
    "casts": "cyan",
    "warns": "yellow",
    "raises": "dim",
    "aborts": "bold white on red",
    "wrong": "bold red",
    "none": "dim",
}


def matrix_command(
    journal: Path | None = None,
    *,
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative=())] = (),
    reasons: Annotated[bool, Parameter(negative=())] = False,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    force: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Show which conversions share, copy, cast, warn, raise or abort: every API, cell by cell.

    Parameters
    ----------
    journal
        A journal that already holds the matrix; by default it is measured.
    set_
        NAME=VALUE,…: only some dtypes or layouts; may be repeated.
    reasons
        Also print each exception and warning.
    output
        The journal to write; results/RUN.jsonl by default.
    force
        Overwrite that journal if it exists.
    """
    if journal is not None and (set_ or output):
        raise UsageError("--set and --output are for measuring a matrix, not for one in a journal")
    if journal is not None:
        _refuse_scenarios(journal)
    ended = "complete"
    if journal is None:
        request = Request(MATRICES, "usual", parse_sets(set_))
        settings = Settings(default_effort("quick"), seed=0)
        ended, journal = measure_into(request, settings, (), output, force=force)
    run = shown(of_one_machine(read_journal(journal)))
    for remark in run.remarks:
        err.print(remark, soft_wrap=True)
    _show(run, reasons=reasons)
    out.print(f"next: ferrybench report {journal}", soft_wrap=True)
    return EXIT_INTERRUPTED if ended == "interrupted" else EXIT_OK


def _refuse_scenarios(journal: Path) -> None:
    """Raise UsageError where the name of a scenario was given and no journal has it."""
    name = str(journal).partition("/")[0]
    scenarios = {file.stem for file in built_in_files()}
    if journal.exists() or name not in scenarios:
        return
    how = f"ferrybench run {journal}"
    raise UsageError(f"{journal} is no journal but a scenario; measure it with: {how}")


def _show(run: Run, *, reasons: bool) -> None:
    cases = summaries(run)
    probes = [info for info in run.header.scenarios if info.probe]
    if not probes:
        raise UsageError(f"{run.path} has no matrix; measure one with: ferrybench matrix")
    for info in probes:
        out.print(titled(info.name, info.question))
        _show_grid(grid(cases, info.name), reasons=reasons)
    legend = "  ".join(f"{SYMBOLS[kind]} {kind}: {text}." for kind, text in CELL_KINDS.items())
    out.print(legend)


def _show_grid(grid: Grid, *, reasons: bool) -> None:
    for panel in grid.panels:
        table = _table(grid, panel, words=True)
        if Plain(width=WIDE).measure(table).maximum > out.width:
            table = _table(grid, panel, words=False)
        out.print(table)
        if reasons:
            said = dict.fromkeys(
                f"{api}: {cell.detail}"
                for api, cells in zip(grid.apis, panel.cells, strict=True)
                for cell in cells
                if cell.kind in ("warns", "raises", "aborts", "wrong")
            )
            for line in said:
                out.print(f"  {line}", soft_wrap=True)
        out.print()
    counts = ", ".join(f"{count} {kind}" for kind, count in grid.counts.items())
    out.print(f"{sum(grid.counts.values())} cells: {counts}\n")


def _table(grid: Grid, panel: Panel, *, words: bool) -> Table:
    """APIs by layouts; where the terminal is too narrow for words, symbols."""
    title = ", ".join(panel.dtypes)
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    for layout in grid.layouts:
        table.add_column(layout, no_wrap=words, overflow="fold")
    for api, cells in zip(grid.apis, panel.cells, strict=True):
        table.add_row(api, *(_cell(cell, words=words) for cell in cells))
    return table


def _cell(cell: MatrixCell, *, words: bool) -> Text:
    return Text(visible(cell.text if words else cell.symbol), _STYLES[cell.kind])
