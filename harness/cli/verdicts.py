"""The verdicts of a run on the terminal: one line a scenario."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from harness.console import Plain, out
from harness.journal.lines import Run

INDENT = "    "
LEAST_WIDTH = 40  # columns: text in a narrower column is broken at every other word


def verdicts_of(run: Run) -> list[str]:
    """One line for each scenario of a run, in the order of its report.

    Of a run that compares two sides what is asked there: which of them is worse.
    """
    sides = run.header.plan.sides
    if sides is not None:
        from harness.comparison.as_text import headline
        from harness.report.content.sides import judged

        return [f"{sides.base_label} against {sides.candidate_label}: {headline(judged(run))}"]
    from harness.analysis.contests import in_contests
    from harness.analysis.matrix import grid  # other verbs, and --help, do without
    from harness.analysis.sweep import sweep
    from harness.analysis.verdict import verdict
    from harness.analysis.verdict_line import matrix_line, verdict_line
    from harness.cases.summaries import summaries

    run = in_contests(run)
    rows = summaries(run)
    lines = []
    for info in run.header.scenarios:
        if info.probe:
            lines.append(matrix_line(info.name, grid(rows, info.name)))
        else:
            own = sweep(info, rows)
            lines.append(verdict_line(own, verdict(own)))
    return lines


def show_verdicts(lines: Iterable[str], console: Plain = out) -> None:
    """Print them: folded on a terminal, and elsewhere, such as in a log, each as one line."""
    for line in lines:
        text = line
        if console.is_terminal:
            width = max(LEAST_WIDTH, console.width)
            text = textwrap.fill(line, width, subsequent_indent=INDENT, break_long_words=False)
        console.print(text, soft_wrap=True)
