"""Where a report is written unless told otherwise, and what its page is called."""

from __future__ import annotations

from pathlib import Path

from harness.schema.texts import as_file_name

REPORTS = Path("reports")
PAGE = "index.html"
BESIDE = "side-by-side"
"""The folder of the page of several runs, unless another is named."""


def folder_of(run_id: str, folder: Path = REPORTS) -> Path:
    """The folder of a run, always in the one that is given: its name comes from the journal."""
    return folder / as_file_name(run_id)


def page_of(run_id: str) -> Path:
    """The page of a run."""
    return folder_of(run_id) / PAGE
