"""``ferrybench compare``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from harness.cli.options import RESULTS
from harness.comparison import as_junit as junit_xml
from harness.comparison import as_markdown as summary
from harness.comparison.as_text import headline, left_out, lines, remarks
from harness.comparison.calibration.calibration import Calibration, latest_for
from harness.comparison.sides import Match, match, pooled, side, sides_within, tolerance_of
from harness.comparison.suite import Rules, compare
from harness.comparison.tolerance import parse_tolerance
from harness.comparison.verdicts import RunComparison
from harness.console import err, out
from harness.errors import UsageError
from harness.files.writing import refuse_overwriting_any, write_whole
from harness.formats.open_results import collector_off, read_run
from harness.journal.lines import Run
from harness.journal.shown import shown


def compare_command(
    base: Path,
    candidate: Path | None = None,
    *again: Path,
    base_again: Annotated[tuple[Path, ...], Parameter(negative=())] = (),
    tolerance: str = "",
    strict: Annotated[bool, Parameter(negative=())] = False,
    calibration: Path | None = None,
    markdown: Annotated[Path | None, Parameter(name="--markdown")] = None,
    junit: Annotated[Path | None, Parameter(name="--junit")] = None,
    suspects: Path | None = None,
    force: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Is the candidate worse than the base?

    Exit code 0: nothing is worse, 1: something is, 3: nothing was judged, or what looks worse is
    not decided by so few readings. Memory, copies, page faults and outcomes decide. Times decide
    only in the journal of an A/B run; those of separate runs are shown for information.

    Parameters
    ----------
    base
        The journal to compare with, or the journal of an A/B run, which holds both sides.
    candidate
        The journal that may be worse.
    again
        Further runs of the candidate. A case that failed in any of them is broken; memory must be
        more in every reading. They may contain only the cases that look worse.
    base_again
        A further run of the base; may be repeated.
    tolerance
        Differences to ignore; by default time=2%,memory=2%,faults=10%, or what ab was given.
    strict
        Fail, too, if a case that was not skipped could not be decided or measured, or if nothing
        was judged.
    calibration
        A calibration of this machine, which makes intervals of times wider by its drift; by default
        the latest next to the runs or in results/.
    suspects
        Write to this file the cases that look worse and that more readings of the candidate can
        decide, one per line, for ferrybench run --only.
    markdown
        Also write a summary for a pull request to this file.
    junit
        Also write JUnit XML to this file.
    force
        Overwrite these files if they exist.
    """
    rules = Rules(parse_tolerance(tolerance), strict)
    read = (base, *filter(None, (candidate, calibration)), *again, *base_again)
    refuse_overwriting_any((markdown, junit, suspects), force=force, read=read)
    with collector_off():
        if candidate is None:
            if base_again:
                raise UsageError("--base-again: name a candidate too")
            run = _read(base)
            found = within(run, rules if tolerance else replace(rules, tolerance=tolerance_of(run)))
        else:
            then, now = (
                pooled([side(_read(path)) for path in paths])
                for paths in ((base, *base_again), (candidate, *again))
            )
            found = apart(match(then, now), rules, calibration, [base, candidate])
    show(found)
    write(found, markdown, junit)
    if suspects is not None:
        keys = [case.key for case in found.to_measure_again]
        _write(suspects, "".join(f"{key}\n" for key in keys).encode())
    return found.exit_code


def apart(sides: Match, rules: Rules, chosen: Path | None, runs: Sequence[Path]) -> RunComparison:
    """Judge two runs. A calibration that applies to them makes the intervals of times wider.

    Raises:
        UsageError: the one that was chosen does not apply.
    """
    tolerance = rules.tolerance.time
    if chosen is not None:
        known = Calibration.of(_read(chosen), tolerance)
        if why := known.why_not(sides):
            raise UsageError(f"calibration {chosen} does not apply to these runs: {why}")
    else:
        folders = [*(path.parent for path in runs), RESULTS]
        found, why = latest_for(sides, folders, tolerance)
        if found is None:
            if why:
                err.print(f"no calibration applies to these runs; {why}", soft_wrap=True)
            return compare(sides, rules)
        known = found
    err.print(
        f"for information: intervals of times contain the drift in calibration {known.run.path}, "
        f"in which identical code would have been called slower in {known.said}",
        soft_wrap=True,
    )
    return compare(sides, replace(rules, drifts=known.drifts))


def within(run: Run, rules: Rules) -> RunComparison:
    """Judge the two sides of an A/B run."""
    return compare(match(*sides_within(run)), replace(rules, interleaved=True))


def _read(path: Path) -> Run:
    run = shown(read_run(path))
    for remark in run.remarks:
        err.print(remark, soft_wrap=True)
    return run


def show(comparison: RunComparison) -> None:
    """The verdict last, where it is seen."""
    for line, style in lines(comparison):
        out.print(line, style=style, soft_wrap=True)
    for line in filter(None, (left_out(comparison), *remarks(comparison))):
        out.print(line, soft_wrap=True)
    out.print(headline(comparison), style="bold", soft_wrap=True)


def write(comparison: RunComparison, to_markdown: Path | None, to_junit: Path | None) -> None:
    """Write what was asked for, and say so."""
    if to_markdown is not None:
        _write(to_markdown, summary.markdown(comparison).encode())
    if to_junit is not None:
        _write(to_junit, junit_xml.junit(comparison))


def _write(path: Path, data: bytes) -> None:
    write_whole({path: data})
    err.print(f"wrote {path}", soft_wrap=True)
