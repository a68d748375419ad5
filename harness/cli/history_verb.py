"""``ferrybench history``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from harness.cli.options import RESULTS
from harness.comparison.tolerance import parse_tolerance
from harness.console import err, out
from harness.errors import EXIT_NOT_JUDGED, EXIT_OK, UsageError
from harness.files.writing import refuse_overwriting, write_whole
from harness.history.as_text import SHOWN, case_lines, headline, machine_lines, remarks, run_lines
from harness.history.detect import history
from harness.history.discover import discover, files_in
from harness.history.machines import by_machine
from harness.history.metrics import METRIC_NAMES, MetricName
from harness.history.series import History
from harness.history.significance import HISTORY_TOLERANCE
from harness.units import format_share, format_size


def history_command(
    *places: Path,
    case: Annotated[tuple[str, ...], Parameter(name="--case", negative=())] = (),
    metric: Annotated[tuple[MetricName, ...], Parameter(name="--metric", negative=())] = (),
    everything: Annotated[bool, Parameter(name="--all", negative=())] = False,
    tolerance: str = "",
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    force: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Show each case over many runs, and where its time, memory, page faults or outcome changed.

    Runs on different machines are followed separately. Times of separate runs are advisory; the
    ratio to the baseline, which is measured within each run, is more reliable. Exit code 3: nothing
    was judged, since there are too few runs, or nothing but times.

    Parameters
    ----------
    places
        Journals, pytest-benchmark files, or folders of them; results/ by default.
    case
        Only cases whose name contains this text, such as tensor_from_array/; may be repeated.
    metric
        Only this metric; may be repeated.
    everything
        Also show cases and metrics that did not change.
    tolerance
        Differences to ignore; by default time=5%,memory=2%,faults=10%.
    output
        Also write a page to this file, such as history.html.
    force
        Overwrite that file if it exists.
    """
    usual = f"time={format_share(HISTORY_TOLERANCE.time)}"
    allowed = parse_tolerance(",".join((usual, tolerance)))
    if output is not None:
        read = files_in(places or (RESULTS,))
        refuse_overwriting(output, force=force, read=read)
    gathered = discover(places or (RESULTS,), _wanted(case))
    runs = [run for run in gathered.runs if run.cases]
    if not runs:
        named = f" whose name contains {' or '.join(case)}" if case else ""
        raise UsageError(f"no run has a case{named}; ferrybench list shows scenarios")
    with err.status("looking for changes"):
        found = history(
            by_machine(runs),
            metrics=metric or METRIC_NAMES,
            tolerance=allowed,
            remarks=gathered.remarks,
        )
    show(found, everything=everything)
    if output is not None:
        write(found, output, everything=everything)
    return EXIT_OK if found.judged else EXIT_NOT_JUDGED


def _wanted(texts: tuple[str, ...]) -> Callable[[str], bool]:
    return lambda key: not texts or any(text in key for text in texts)


def show(found: History, *, everything: bool) -> None:
    """The cases, then in which runs they changed; the count last, where it is seen."""
    told = list(found.cases) if everything else found.shown
    shown = told if everything else told[:SHOWN]
    for case in shown:
        for line, style in case_lines(case, everything=everything):
            out.print(line, style=style or None, soft_wrap=True)
    if len(told) > len(shown):
        _say(f"and {len(told) - len(shown)} more; --case TEXT selects some, --all shows all")
    for line in (*machine_lines(found), *run_lines(found), *remarks(found)):
        _say(line)
    out.print(headline(found), style="bold", soft_wrap=True)


def _say(line: str) -> None:
    out.print(line, soft_wrap=True)


def write(found: History, path: Path, *, everything: bool) -> None:
    """Write the page, and say so.

    Raises:
        UnableError: it cannot be written.
    """
    from harness.report.history.page import history_page  # the charts' runtime takes a second

    write_whole({path: history_page(found, everything=everything).encode()})
    _say(f"{path}: {format_size(path.stat().st_size)}; open it in a browser")
