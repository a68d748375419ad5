"""What an exception of torch says that a backend does not have.

A backend need not have streams, events, pinned memory or every operator. torch says so in texts of
its own, some of them a page long; a case that needs what is missing is skipped with the name of it.
"""

from __future__ import annotations

import re
import sys

PINNED_MEMORY = "pinned memory"
_LACKS = (
    (r"Could not run '(?P<name>\w+::\w+)[\w.]*' with arguments from the '(?P<of>\w+)' backend", ""),
    (r"operator '(?P<name>\w+::\w+)[\w.]*' is not currently (?:implemented|supported)", ""),
    (r"(?P<name>\w+::\w+): attempted to run this operator with (?P<of>\w+) tensors", ""),
    (r"doesn't support elapsedTime", "events that report the time"),
    (r"doesn't support (?:synchronizing )?events|Backend doesn't support events", "events"),
    (
        r"doesn't support (?:create a new Stream|acquiring a (?:stream|default stream)"
        r"|(?:synchronizing|querying) streams)",
        "streams",
    ),
    (
        r"no pinned memory allocator|provide pin_memory allocator|Pinned memory requires"
        r"|getPinnedMemoryAllocator",
        PINNED_MEMORY,
    ),
)
_OF_THE_HOST = re.compile(r"CPU$|^Meta$")
"""Dispatch keys whose operators run without an accelerator: what they lack, the strategy needs."""


def lacking(error: BaseException) -> str:
    """What the accelerator's backend lacks, as a reason to skip; empty for any other error."""
    if not isinstance(error, RuntimeError):  # NotImplementedError is one
        return ""
    text = str(error)
    for pattern, what in _LACKS:
        found = re.search(pattern, text)
        if found is None:
            continue
        groups = found.groupdict()
        if _OF_THE_HOST.search(groups.get("of") or ""):
            return ""
        if what == PINNED_MEMORY and not _has_accelerator():
            return ""
        return f"this backend has no {what or groups['name']}"
    return ""


def _has_accelerator() -> bool:
    """Without one nothing can be pinned anywhere, and that is no backend's fault."""
    accelerator = getattr(sys.modules.get("torch"), "accelerator", None)
    return accelerator is not None and accelerator.current_accelerator() is not None
