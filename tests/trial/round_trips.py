"""Inputs as trials get them: saved, and loaded again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.trial.base import inputs


def round_trip(value: Any, folder: Path) -> Any:
    """The same value, as it arrives."""
    inputs.save(value, folder / "inputs.bin")
    return inputs.load(folder / "inputs.bin")
