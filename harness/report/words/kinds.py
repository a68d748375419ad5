"""What kind of question a scenario asks, by which tables and figures are chosen."""

from __future__ import annotations

from typing import Literal

from harness.analysis.sweep import Sweep

Kind = Literal["time", "training", "transfers", "memory", "size"]


def kind_of(sweep: Sweep) -> Kind:
    """By what decides between strategies, and by what a case is."""
    if sweep.weighs != "time":
        return sweep.weighs
    if sweep.info.transfers:
        return "transfers"
    return "training" if sweep.info.trains else "time"
