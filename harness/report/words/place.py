"""Where a report is written unless told otherwise, and what its page is called."""

from __future__ import annotations

from pathlib import Path

REPORTS = Path("reports")
PAGE = "index.html"


def page_of(run_id: str) -> Path:
    """The page of a run."""
    return REPORTS / run_id / PAGE
