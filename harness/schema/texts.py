"""Text that can be written anywhere, and names that are not mistaken for others."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

LONGEST_SHOWN = 200
"""Characters of a name that are shown; of a longer one, its beginning and what tells it apart."""
TAG_LENGTH = 11
"""Characters of what tells a text apart: ``~`` and a digest."""
_LONGEST_FILE_NAME = 200  # bytes: file systems take 255, of which an ending is one part
# Control characters, but tab and newline; and what turns the direction of the text around it.
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def valid(text: str) -> str:
    """Text as it is, with escapes for lone surrogates: half a character, as Python calls them.

    Names of files that are not valid text hold them, and any exception's message may.
    """
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def visible(text: str) -> str:
    """Text that no terminal takes for a command: control characters are written as escapes.

    What stands in it may be the message of any exception, or a name from a file of anybody's: to
    a terminal, it could change what was printed before.
    """
    return valid(_COMMANDS.sub(_escaped, text)) if _may_command(text) else text


def _may_command(text: str) -> bool:
    """Most texts are in ASCII and printable, or lines of such, which is faster to tell."""
    return not (text.isascii() and text.replace("\n", "").isprintable())


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def one_line(text: str) -> str:
    """The same in a single line, for where a line ends what it stands in."""
    return visible(" ".join(text.split()) if "\n" in text or "\r" in text else text)


def clipped(text: str, longest: int = LONGEST_SHOWN) -> str:
    """A name as it is shown: names that are too long and differ anywhere are shown differently."""
    return text if len(text) <= longest else tagged(f"{text[: longest - TAG_LENGTH - 1]}…", text)


def tagged(plain: str, text: str) -> str:
    """What is written in place of a text, with what tells it from all others."""
    return f"{plain}~{_digest(text)}".lstrip("~")


def as_file_name(name: str) -> str:
    """A name that comes from a file, as that of a file: in no other folder, and of usual length."""
    safe = re.sub(r"[^\w.-]", "_", name).lstrip(".-")
    plain = safe.encode()[:_LONGEST_FILE_NAME].decode(errors="ignore")
    return plain if plain and plain == name else tagged(plain, name)


def _digest(text: str) -> str:
    return hashlib.sha256(valid(text).encode()).hexdigest()[: TAG_LENGTH - 1]


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
