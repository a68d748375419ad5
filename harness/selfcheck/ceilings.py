"""Cases that were faster than their ceiling: ``python -m harness.selfcheck.ceilings JOURNAL``.

A ceiling is the best that the machine can do of the same work, so that each of them casts doubt on
a ceiling, and wants a cause. Exits with 1 where there are more than a few.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from harness.cases.summaries import summaries
from harness.cases.summary import ABOVE_CEILING, CaseSummary
from harness.console import out
from harness.errors import EXIT_OK, EXIT_WORSE
from harness.journal.lines import Run
from harness.journal.read import read_journal
from harness.planning.case_text import case_text
from harness.units import format_rate

TOLERATED = 5
"""So many cases of a sweep may be above their ceiling, each with a cause that is known."""


def above(rows: Sequence[CaseSummary]) -> list[CaseSummary]:
    """The cases above their ceiling, the highest first."""
    found = [row for row in rows if row.above_ceiling]
    return sorted(found, key=lambda row: -row.ceiling_fraction)


def lines(run: Run) -> list[str]:
    """What there is to say of a run: a line for each such case, then how many of how many."""
    rows = summaries(run)
    infos = {info.name: info for info in run.header.scenarios}
    said = []
    for row in above(rows):
        assert row.ceiling is not None
        case = row.planned.case
        said.append(
            f"{row.ceiling_fraction:.0%} of {row.ceiling.text or row.ceiling.name} "
            f"({format_rate(row.rate_bytes_per_s)} of {format_rate(row.ceiling.bytes_per_s)}): "
            f"{case_text(case, infos[case.scenario])}"
        )
    held = [row for row in rows if row.ceiling]
    kinds = Counter(row.ceiling.name for row in held if row.ceiling)
    by_kind = ", ".join(f"{name} {count}" for name, count in sorted(kinds.items()))
    count = f"{len(above(rows))} of {len(held)} cases with a ceiling are above {ABOVE_CEILING:.0%}"
    return [*said, f"{count} ({by_kind})" if held else count]


def main(arguments: Sequence[str]) -> int:
    """Print the cases of each journal; 1 where one has more than may be."""
    worst = 0
    for path in arguments:
        run = read_journal(Path(path))
        for line in lines(run):
            out.print(line, soft_wrap=True)
        worst = max(worst, len(above(summaries(run))))
    return EXIT_WORSE if worst > TOLERATED else EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
