"""memray's flame graph of the peak, as one page that needs no network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FLAME_GRAPH = "allocations.html"
_PATIENCE_S = 120.0


def write_flame_graph(record: Path, folder: Path) -> str:
    """Make it of what memray recorded.

    Args:
        record: the file.
        folder: where the page goes.

    Returns:
        Why there is none; empty where there is.
    """
    command = [sys.executable, "-m", "memray", "flamegraph", "--no-web", "--force"]
    try:
        done = subprocess.run(
            [*command, "-o", str(folder / FLAME_GRAPH), str(record)],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"memray: no flame graph within {_PATIENCE_S:g} s"
    if done.returncode == 0:
        return ""
    said = [line for line in done.stderr.splitlines() if line.strip()]
    return f"memray: no flame graph: {said[-1].strip() if said else f'exit {done.returncode}'}"
