"""Several ways to do one thing, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from harness.inline.as_text import size_text
from harness.inline.costs import UNVERIFIED
from harness.inline.measurement import Measurement
from harness.stats.intervals import Interval
from harness.units import MISSING, format_multiple, format_seconds, format_size

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

HEADS = ("", "steady state", "ratio", "first call", "peak", "copies", "left", "faults", "result")
ONE_PROCESS = "each time is of one process, and processes differ by chance: trials= asks for more"
FRAME_COLUMNS = (
    "outcome", "reason", "ratio", "ratio_low", "ratio_high", "steady_median_s", "steady_low_s",
    "steady_high_s", "first_call_s", "peak_extra_bytes", "copied_bytes", "copies",
    "retained_bytes", "left_bytes", "minor_faults_first", "minor_faults_steady", "shares_memory",
    "payload_bytes", "result", "verified",
)  # fmt: skip
"""Columns of the frame: as in an export, where that has them."""


@dataclass(frozen=True)
class Comparison:
    """What each way costs, and its time relative to the baseline's.

    Args:
        baseline: the name of one of the ways.
        measurements: by name, in the order they were given.
        ratios: of steady-state times, round by round; NaN where a way failed.
    """

    baseline: str
    measurements: Mapping[str, Measurement]
    ratios: Mapping[str, Interval]

    def __getitem__(self, name: str) -> Measurement:
        return self.measurements[name]

    @property
    def ok(self) -> bool:
        """Whether every way succeeded."""
        return all(found.ok for found in self.measurements.values())

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each way, by name, with ``FRAME_COLUMNS``."""
        import pandas as pd

        return pd.DataFrame.from_dict(
            {name: self._row(name) for name in self.measurements},
            orient="index",
            columns=FRAME_COLUMNS,
        )

    def _row(self, name: str) -> list[Any]:
        found, ratio = self.measurements[name], self.ratios[name]
        known = {
            "outcome": found.outcome.name,
            "reason": found.outcome.reason,
            "ratio": ratio.median,
            "ratio_low": ratio.low,
            "ratio_high": ratio.high,
            "steady_low_s": found.steady.low,
            "steady_high_s": found.steady.high,
        }
        return [
            known[column] if column in known else getattr(found, column) for column in FRAME_COLUMNS
        ]

    def figure(self) -> Figure:
        """A matplotlib figure of time and memory of the ways that did not fail."""
        from harness.inline.as_png import draw

        return draw(self.measurements, self.baseline)

    def __repr__(self) -> str:
        rows = [HEADS, *(self._cells(name) for name in self.measurements)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
        lines = [
            "  ".join(
                cell.rjust(width) if column else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        return "\n".join([*lines, *self._below()])

    def _repr_html_(self) -> str:
        heads = "".join(f"<th>{escape(head)}</th>" for head in HEADS)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in self._cells(name)) + "</tr>"
            for name in self.measurements
        )
        below = "".join(f"<p>{escape(line)}</p>" for line in self._below())
        return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{below}"

    def _cells(self, name: str) -> tuple[str, ...]:
        found = self.measurements[name]
        if not found.ok:
            return (name, found.outcome.name, *[""] * (len(HEADS) - 2))
        faults = found.faults_steady
        return (
            name,
            format_seconds(found.steady_median_s),
            "1" if name == self.baseline else ratio_text(self.ratios[name]),
            format_seconds(found.first_call_s),
            format_size(found.copied_bytes),
            format_multiple(found.copies),
            size_text(found.left_bytes),
            f"{faults.minor:.3g}" if faults else MISSING,
            checked_text(found),
        )

    def _below(self) -> list[str]:
        """What does not fit into the table."""
        lines = []
        if max((len(one.samples_s) for one in self.measurements.values()), default=0) == 1:
            lines.append(ONE_PROCESS)
        for name, found in self.measurements.items():
            if not found.ok:
                where = f" ({found.outcome.where})" if found.outcome.where else ""
                lines.append(f"{name}: {found.outcome.reason}{where}")
            elif found.is_verified is False:
                lines.append(f"{name}: {found.verified}")
            lines += [f"{name}: {text}" for text in found.remarks]
        return lines


def checked_text(found: Measurement) -> str:
    """How a result was checked, in two words."""
    if found.is_verified is None:
        return MISSING
    return "verified" if found.is_verified else UNVERIFIED


def ratio_text(ratio: Interval) -> str:
    """``0.52× (0.48 to 0.55)``."""
    if ratio.count == 0:
        return MISSING
    around = f" ({ratio.low:.3g} to {ratio.high:.3g})" if ratio.count > 1 else ""
    return f"{ratio.median:.3g}×{around}"
