"""``harness.load``: a run as a pandas frame."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def load(path: str | os.PathLike[str]) -> pd.DataFrame:
    """The cases of a run, one row each, with the columns that docs/columns.md explains.

    What is missing from a journal that was cut short is said in a warning, and in the frame's
    ``attrs["remarks"]``.

    Args:
        path: of a journal, or of a file that pytest-benchmark wrote.

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
