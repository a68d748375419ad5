"""What a code is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """One kind of thing that a report can say. Its id is never given to anything else.

    Texts are sentences, in which `code` may stand.
    """

    id: str  # ``FB012``
    name: str  # what the harness calls it, unique within its family
    title: str
    what: str
    why: str  # it matters
    how: str  # it is found
    do: str  # what to do about it
    takes_on: str = ""  # of an opportunity: what may go wrong for those who take it
