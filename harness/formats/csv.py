"""Comma-separated values, one row per case; bytes, seconds and plain ratios, never rounded.

A spreadsheet takes a text that begins with ``=``, ``+``, ``-`` or ``@`` for a formula, and so runs
what a name or a reason says. Such texts, if they are no numbers, begin with an apostrophe here:
https://owasp.org/www-community/attacks/CSV_Injection. Control characters are written as escapes.
"""

from __future__ import annotations

from typing import Any, TextIO

import pandas as pd

from harness.journal.lines import Run
from harness.schema.texts import visible

_FORMULA = ("=", "+", "-", "@", "\t", "\n")


def write(run: Run, cases: pd.DataFrame, stream: TextIO) -> int:
    """Write the frame with its header; missing values are empty."""
    write_frame(cases, stream)
    return len(cases)


def write_frame(frame: pd.DataFrame, stream: TextIO) -> None:
    """The same of any frame; nothing where it has no row."""
    if len(frame):
        plain = frame.copy()
        for name in plain.select_dtypes(exclude="number"):
            plain[name] = plain[name].map(_inert)
        plain.rename(columns=_inert).to_csv(stream, index=False)


def _inert(cell: Any) -> Any:
    """A cell that no spreadsheet takes for a formula, nor a terminal for a command."""
    if not isinstance(cell, str):
        return cell
    text = visible(cell)
    return f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
