"""docs/columns.md, written from the registry: ``python -m harness.cases.quantities.page``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from harness.cases.quantities.registry import SECTIONS

HEAD = """\
# Columns of an export

`ferrybench export` and `harness.load` give one row per case, with these columns in this order. The
other parameters of the scenario follow them, each in a column of its own name. What is not known
is missing: empty in CSV, `null` in JSON, `NaN` or `None` in pandas.

In CSV, a text that a spreadsheet would take for a formula, since it begins with `=`, `+`, `-` or
`@` and is no number, begins with an apostrophe, and control characters are written as escapes. JSON
has all texts as they are.

Made from the registry of quantities by `python -m harness.cases.quantities.page > docs/columns.md`.
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    for title, section in SECTIONS.items():
        yield from ("", f"## {title}", "", "| column | unit | meaning |", "|---|---|---|")
        for one in section:
            yield f"| `{one.name}` | {one.unit} | {one.doc} |"


if __name__ == "__main__":
    sys.stdout.write(page())
