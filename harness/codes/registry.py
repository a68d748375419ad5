"""All codes, by family, and what is said of one."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Literal

from harness.codes.code import Code
from harness.codes.endings import ENDINGS
from harness.codes.findings import FINDINGS
from harness.codes.opportunities import OPPORTUNITIES
from harness.codes.states import STATES
from harness.errors import UsageError

Family = Literal["opportunity", "state", "finding", "ending"]
FAMILIES: Mapping[Family, tuple[Code, ...]] = {
    "opportunity": OPPORTUNITIES,
    "state": STATES,
    "finding": FINDINGS,
    "ending": ENDINGS,
}
TITLES: Mapping[Family, str] = {
    "opportunity": "What could be gained",
    "state": "Questions without an opportunity",
    "finding": "What calls for care",
    "ending": "Cases without numbers",
}
CODES: Mapping[str, Code] = {code.id: code for codes in FAMILIES.values() for code in codes}
_BY_NAME = {(family, code.name): code for family, codes in FAMILIES.items() for code in codes}


def code_for(family: Family, name: str) -> Code:
    """The code of what the harness calls so."""
    return _BY_NAME[family, name]


def looked_up(text: str) -> Code:
    """A code as a person writes it: ``FB012``, ``fb12``, ``12``.

    Raises:
        UsageError: there is none, with those that are close.
    """
    written = text.strip().upper()
    digits = written.removeprefix("FB")
    wanted = (
        f"FB{int(digits):03d}"
        if len(digits) < 6 and digits.isascii() and digits.isdigit()
        else written
    )
    if wanted in CODES:
        return CODES[wanted]
    close = difflib.get_close_matches(wanted, CODES, n=3)
    said = f"did you mean {' or '.join(close)}?" if close else f"such as {next(iter(CODES))};"
    raise UsageError(f"no code {text[:40]!r}; {said} `ferrybench explain` lists all")
