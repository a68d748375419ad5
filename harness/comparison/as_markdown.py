"""A comparison as Markdown, for a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from harness.comparison.as_text import headline, remarks, row, told
from harness.comparison.verdicts import RunComparison
from harness.formats.markdown import cell, code, escape, table_row


def markdown(comparison: RunComparison) -> str:
    """The verdict, what it rests on, and a row for every case that is not the same."""
    return "\n".join(_lines(comparison)) + "\n"


def _lines(comparison: RunComparison) -> Iterator[str]:
    match = comparison.match
    yield f"## ferrybench: {headline(comparison)}"
    yield ""
    yield f"base {code(match.base.name)}, candidate {code(match.candidate.name)}"
    yield ""
    yield from (f"- {escape(remark)}" for remark in remarks(comparison))
    cases = told(comparison)
    if cases:
        yield ""
        yield "| case | verdict | change | ratio | why |"
        yield "|---|---|---|---|---|"
        for case in cases:
            key, *rest = row(case)
            yield table_row([code(key), *map(cell, rest)])
