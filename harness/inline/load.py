"""``harness.load``: a run as a pandas frame."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def load(path: str | os.PathLike[str]) -> pd.DataFrame:
    """The cases of a run, one row each, with the columns explained in docs/columns.md.

    If a journal was cut short, a warning and the frame's ``attrs["remarks"]`` say what is
    missing.

    Args:
        path: a journal, or a file written by pytest-benchmark.

    Raises:
        FerrybenchError: the file cannot be read.
    """
    from harness.cases.frame import case_frame
    from harness.formats.open_results import read_run

    run = read_run(Path(path))
    frame = case_frame(run)
    frame.attrs["remarks"] = list(run.remarks)
    for remark in run.remarks:
        warnings.warn(remark, stacklevel=2)
    return frame
