"""One profile, put together: tables, differences and remarks, which text and pages show."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

from harness.profiling.collect import Collected
from harness.profiling.differences import differences
from harness.profiling.figures import accurate_to, peak_bytes, peak_text
from harness.profiling.remarks import cost, counts, headline, remarks
from harness.profiling.tables import FunctionTable, function_tables
from harness.schema.profile import LineRow
from harness.trial.meters.allocated import ACCURATE_BYTES


@dataclass(frozen=True)
class Profile:
    """Where memory and time of one call went.

    Args:
        label: of the function.
        collected: what tools said of it.
        settings: what it was called with, as people wrote it.
        created: when.
    """

    label: str
    collected: Collected
    settings: str = ""
    created: str = field(
        default_factory=lambda: datetime.now().astimezone().isoformat(timespec="seconds")
    )

    @property
    def ok(self) -> bool:
        """Whether the call returned."""
        return self.collected.call.outcome.ok

    @property
    def headline(self) -> str:
        return headline(self.collected)

    @property
    def payload_bytes(self) -> int:
        """Of the inputs; 0 where they are not known."""
        return self.collected.call.payload_bytes

    @cached_property
    def tables(self) -> list[FunctionTable]:
        """The lines of each function."""
        if self.collected.lines is None:
            return []
        sampled = self.collected.found.get("memory_profiler")
        return function_tables(self.collected.lines, sampled.sampled if sampled else ())

    @property
    def whole(self) -> LineRow | None:
        """The whole call; None where it did not begin."""
        lines = self.collected.lines
        return lines.rows[0] if lines is not None and lines.rows else None

    @property
    def rows(self) -> tuple[LineRow, ...]:
        """What was seen of each statement, in the order in which they were reached."""
        lines = self.collected.lines
        return lines.rows[1:] if lines is not None else ()

    @property
    def highest(self) -> LineRow | None:
        """The line in which the call reached its peak; of several, the one that took most for it.

        None where the call took nothing to speak of.
        """
        if self.whole is None or self.whole.peak_bytes < ACCURATE_BYTES or not self.rows:
            return None
        top: float = max(row.level_bytes for row in self.rows)
        top -= accurate_to(top)
        return max((row for row in self.rows if row.level_bytes >= top), key=peak_bytes)

    @property
    def peak(self) -> str:
        """``≥ 128 MiB (8.00×) in line 6``: of the whole call; empty where it did not begin."""
        if self.whole is None:
            return ""
        where = f" in line {self.highest.line}" if self.highest else ""
        return f"{peak_text(self.whole, self.payload_bytes)}{where}"

    @cached_property
    def differences(self) -> list[str]:
        """What memory_profiler says otherwise, and why."""
        return differences(self.tables)

    @cached_property
    def remarks(self) -> list[str]:
        """What is not known, and why."""
        return remarks(self.collected, self.tables)

    @property
    def cost(self) -> str:
        """What watching took; empty where nothing was seen."""
        return cost(self.collected.lines)

    @property
    def counts(self) -> str:
        """What perf counted; empty where it was not run."""
        return counts(self.collected)

    def row(self, line: int, file: str | Path = "") -> LineRow:
        """What was seen of one line.

        Raises:
            KeyError: it was not reached.
        """
        lines = self.collected.lines
        for one in self.rows:
            if one.line == line and lines and (not file or lines.files[one.file] == str(file)):
                return one
        raise KeyError(line)
