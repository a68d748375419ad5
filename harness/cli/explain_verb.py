"""``ferrybench explain``."""

from __future__ import annotations

import textwrap

from harness.codes.registry import FAMILIES, TITLES, looked_up
from harness.console import out
from harness.errors import EXIT_OK

WIDTH = 88
"""Columns of the text."""


def explain_command(*codes: str) -> int:
    """Say what a code of a report means, why it matters, how it is found and what to do.

    Parameters
    ----------
    codes
        Codes, such as FB002; without one, all are listed.
    """
    if not codes:
        _list()
        return EXIT_OK
    for index, code in enumerate([looked_up(text) for text in codes]):
        if index:
            out.print()
        out.print(f"{code.id}  {code.title}", soft_wrap=True)
        told = (
            ("what", code.what),
            ("why it matters", code.why),
            ("how it is found", code.how),
            ("what to do", code.do),
            ("what you take on", code.takes_on),
        )
        for heading, text in told:
            if text:
                out.print()
                out.print(f"{heading}:", soft_wrap=True)
                out.print(
                    textwrap.indent(textwrap.fill(text.replace("`", ""), WIDTH - 2), "  "),
                    soft_wrap=True,
                )
    return EXIT_OK


def _list() -> None:
    for family, codes in FAMILIES.items():
        out.print(f"{TITLES[family]}:", soft_wrap=True)
        for code in codes:
            out.print(f"  {code.id}  {code.title}", soft_wrap=True)
    out.print("explain one: ferrybench explain FB001", soft_wrap=True)
