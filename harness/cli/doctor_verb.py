"""``ferrybench doctor``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from rich.table import Table
from rich.text import Text

from harness.cli.calibrate import NOT_ASKED_FOR, CalibrationOptions, calibrate
from harness.console import err, out
from harness.errors import EXIT_OK, EXIT_WORSE, UsageError
from harness.host.environment import read_environment
from harness.host.host import Host
from harness.host.machine_checks import MachineCheck, examine
from harness.schema.records import DEFAULT_HOST, HostSpec
from harness.selfcheck.hole_accuracy import hole_checks
from harness.selfcheck.memory_accuracy import (
    QUICK_SIZES,
    AccuracyCheck,
    fault_checks,
    memory_checks,
    time_checks,
)
from harness.selfcheck.tree_accuracy import QUICK_WORKERS, tree_checks

_MARKS = {
    word: Text(word, colour)
    for word, colour in (("good", "green"), ("note", "yellow"), ("bad", "red"))
}


def doctor_command(
    *targets: str,
    options: Annotated[CalibrationOptions, Parameter(name="*")] = NOT_ASKED_FOR,
) -> int:
    """Is this machine fit to measure on, and how far can its numbers be trusted?

    Checks for what would distort measurements here, then measures quantities known another way
    and prints each error. Exits with 1 when the machine is unfit or a measurement is off.
    With --calibrate it measures identical code instead.

    Parameters
    ----------
    targets
        SCENARIO or SCENARIO/STRATEGY to calibrate for; tensor_from_array by default.
    """
    if options.calibrate:
        return calibrate(targets, options)
    if targets or options != NOT_ASKED_FOR:
        raise UsageError("doctor takes scenarios and options only with --calibrate")
    with Host(HostSpec()) as host:
        with err.status("checking the machine"):
            findings = examine(read_environment({DEFAULT_HOST: host.versions()}))
        _print_findings(findings)
        with err.status("measuring known quantities"):
            checks = _checks(host)
    _print_checks(checks)
    bad = [finding.name for finding in findings if finding.state == "bad"]
    off = [check.name for check in checks if not check.ok]
    if off:
        out.print(f"measurements off: {', '.join(off)}", soft_wrap=True)
    if bad:
        out.print(f"would distort measurements: {', '.join(bad)}", soft_wrap=True)
    if not (bad or off):
        out.print("fit to measure on; next: ferrybench run --quick")
    return EXIT_WORSE if bad or off else EXIT_OK


def _checks(host: Host) -> list[AccuracyCheck]:
    checks = [
        *memory_checks(host, sizes=QUICK_SIZES),
        *hole_checks(host),
        *fault_checks(host),
        *time_checks(host),
    ]
    return checks + list(tree_checks(host, workers=QUICK_WORKERS)) if host.watches_trees else checks


def _print_findings(findings: list[MachineCheck]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for finding in findings:
        advice = f" — {finding.advice}" if finding.advice else ""
        table.add_row(_MARKS[finding.state], finding.name, finding.text + advice)
    out.print(table)


def _print_checks(checks: list[AccuracyCheck]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("")
    table.add_column("measured against a known truth")
    for column in ("truth", "measured", "error", "tolerated"):
        table.add_column(column, justify="right")
    for check in checks:
        mark = _MARKS["good" if check.ok else "bad"]
        table.add_row(mark, check.name, *check.texts())
    out.print(table)
