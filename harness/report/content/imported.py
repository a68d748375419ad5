"""What is said of a run that ferrybench has not measured itself: one of pytest-benchmark."""

from __future__ import annotations

from harness.journal.lines import FORMAT, Run


def is_imported(run: Run) -> bool:
    """Whether another program made the file."""
    return run.header.format != FORMAT


def imported_pairs(run: Run) -> tuple[tuple[str, str], ...]:
    """What is known of the session beside its date and revision."""
    collector = "on" if run.header.plan.effort.collect_garbage else "off while timing"
    return (("Measured by", run.header.format), ("Cyclic collector", collector))
