"""Text that can be written anywhere, and names that are not mistaken for others."""

from __future__ import annotations

from collections.abc import Iterable


def valid(text: str) -> str:
    """Text as it is, with escapes for lone surrogates: half a character, as Python calls them.

    Names of files that are not valid text hold them, and any exception's message may.
    """
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def apart(names: Iterable[str]) -> list[str]:
    """Names with a number behind each that was there before: ``a``, ``b``, ``a~2``."""
    given = list(names)
    taken, seen, found = set(given), set[str](), list[str]()
    for name in given:
        number, one = 1, name
        while one in seen or (one != name and one in taken):
            number += 1
            one = f"{name}~{number}"
        seen.add(one)
        found.append(one)
    return found
