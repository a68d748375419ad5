"""Texts in GitHub's Markdown that are nothing but texts."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SPECIAL = re.compile(r"([\\<>|*\[\]#~&]|\b_|_\b)")


def escape(text: str) -> str:
    """Text with nothing in it that GitHub would take for markup or HTML, but code in backticks.

    Backticks without a partner, and several in a row, are characters like others.
    """
    parts = text.split("`")
    if len(parts) % 2 == 0 or "``" in text:
        return _SPECIAL.sub(r"\\\1", text).replace("`", "\\`")
    return "`".join(
        part if index % 2 else _SPECIAL.sub(r"\\\1", part) for index, part in enumerate(parts)
    )


def cell(text: str) -> str:
    """The same for a cell of a table, which a bar would end even within code."""
    return re.sub(r"(?<!\\)\|", r"\\|", escape(text))


def code(text: str) -> str:
    """A name in code, which may stand in a cell of a table."""
    return f"`{text.replace('|', chr(92) + '|').replace('`', chr(39))}`"


def table_row(cells: Sequence[str]) -> str:
    """A row of a table, of cells that are Markdown already."""
    return f"| {' | '.join(cells)} |"
