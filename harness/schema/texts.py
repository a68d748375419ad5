"""Text that can be written anywhere."""

from __future__ import annotations


def valid(text: str) -> str:
    """Text as it is, with escapes for lone surrogates: half a character, as Python calls them.

    Names of files that are not valid text hold them, and any exception's message may.
    """
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()
