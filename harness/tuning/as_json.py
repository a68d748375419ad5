"""The file that a training script loads its setting from, with what it rests on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.files.writing import write_whole
from harness.tuning.as_text import verdict_line
from harness.tuning.result import Tuning
from harness.version import __version__

LINE = 'DataLoader(…, **json.load(open("{path}"))["settings"])'


def write(tuning: Tuning, path: Path) -> None:
    """Write the setting, the user's own where no other is better.

    Raises:
        UnableError: the file cannot be written.
    """
    text = json.dumps(_content(tuning), indent=2) + "\n"
    write_whole({path: text.encode()})


def _content(tuning: Tuning) -> dict[str, Any]:
    confirmed = tuning.confirmed
    ratio = None
    if confirmed is not None and tuning.reference == tuning.look.own:
        one = confirmed.ratio
        ratio = {"time": one.ratio, "low": one.low, "high": one.high, "pairs": one.pairs}
    return {
        "settings": tuning.chosen.arguments() if tuning.chosen is not None else {},
        "verdict": tuning.word,
        "said": verdict_line(tuning),
        "ratio_to_yours": ratio,
        "data": tuning.data.text if tuning.data is not None else None,
        "peak_bytes": {
            setting.text(): memory.peak_bytes for setting, memory in tuning.memory.items()
        },
        "made_by": f"ferrybench {__version__}",
    }
