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
from harness.comparison.sides import Match, match, pooled, side, sides_within
from harness.comparison.suite import Rules, compare
from harness.comparison.tolerance import parse_tolerance
from harness.comparison.verdicts import RunComparison
from harness.console import err, out
from harness.errors import UnableError, UsageError, refuse_overwriting
from harness.formats.open_results import collector_off, read_run
from harness.journal.lines import Run


def compare_command(
    base: Path,
    candidate: Path | None = None,
    *again: Path,
    tolerance: str = "",
    strict: Annotated[bool, Parameter(negative=())] = False,
    calibration: Path | None = None,
    markdown: Annotated[Path | None, Parameter(name="--markdown")] = None,
    junit: Annotated[Path | None, Parameter(name="--junit")] = None,
    force: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Is the candidate worse than the base?

    Exit code 0: nothing is worse, 1: something is, 3: not comparable. Memory, copies, page faults
    and outcomes decide. Times from separate runs are shown for information; they decide only if
    ferrybench doctor --calibrate has recently measured how much runs differ on this machine.

    Parameters
    ----------
    base
        The journal to compare with, or the journal of an A/B run, which holds both sides.
    candidate
        The journal that may be worse.
    again
        Further runs of the candidate. What differs among them varies by chance and is not worse.
    tolerance
        Differences to ignore; by default time=2%,memory=2%,faults=10%.
    strict
        Count cases that could not be decided or were not measured as worse.
    calibration
        A calibration of this machine; by default the latest next to the runs or in results/.
    markdown
        Also write a summary for a pull request to this file.
    junit
        Also write JUnit XML to this file.
    force
        Overwrite these files if they exist.
    """
    rules = Rules(parse_tolerance(tolerance), strict)
    for path in filter(None, (markdown, junit)):
        refuse_overwriting(path, force=force)
    with collector_off():
        if candidate is None:
            found = within(_read(base), rules)
        else:
            one, *others = [side(_read(path)) for path in (base, candidate, *again)]
            found = apart(match(one, pooled(others)), rules, calibration, [base, candidate])
    show(found)
    write(found, markdown, junit)
    return found.exit_code


def apart(sides: Match, rules: Rules, chosen: Path | None, runs: Sequence[Path]) -> RunComparison:
    """Judge two runs, by a calibration where one applies to them.

    Raises:
        UsageError: the one that was chosen does not.
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
        f"time decides for the cases in calibration {known.run.path}: identical code was reported "
        f"as slower in {known.said}",
        soft_wrap=True,
        markup=False,
    )
    return compare(sides, replace(rules, drifts=known.drifts))


def within(run: Run, rules: Rules) -> RunComparison:
    """Judge the two sides of an A/B run."""
    return compare(match(*sides_within(run)), replace(rules, interleaved=True))


def _read(path: Path) -> Run:
    run = read_run(path)
    for remark in run.remarks:
        err.print(remark, soft_wrap=True)
    return run


def show(comparison: RunComparison) -> None:
    """The verdict last, where it is seen."""
    for line, style in lines(comparison):
        out.print(line, style=style, soft_wrap=True, markup=False)
    for line in filter(None, (left_out(comparison), *remarks(comparison))):
        out.print(line, soft_wrap=True, markup=False)
    out.print(headline(comparison), style="bold", soft_wrap=True, markup=False)


def write(comparison: RunComparison, to_markdown: Path | None, to_junit: Path | None) -> None:
    """Write what was asked for, and say so."""
    if to_markdown is not None:
        _write(to_markdown, summary.markdown(comparison).encode())
    if to_junit is not None:
        _write(to_junit, junit_xml.junit(comparison))


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise UnableError(f"{path} cannot be written: {error.strerror}") from error
    err.print(f"wrote {path}", soft_wrap=True)
