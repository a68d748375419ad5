"""Profiles that lie beside a report: of which strategies they are, and where."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from harness.errors import UsageError
from harness.files.reading import opened, rest_of
from harness.report.words.place import PAGE
from harness.schema.texts import clipped, one_line

DATA = "lines.json"
"""The file of a profile that says what it is of."""
_MOST = 3


@dataclass(frozen=True)
class ProfileLink:
    """A profile, as a report refers to it."""

    href: str
    created: str
    settings: str


def profiles_beside(folder: Path) -> Mapping[str, list[ProfileLink]]:
    """The latest profiles of each ``SCENARIO/STRATEGY`` in the folders beside that of a report."""
    found: dict[str, list[ProfileLink]] = defaultdict(list)
    for data in folder.absolute().parent.glob(f"*/{DATA}"):
        try:
            with opened(data) as stream:
                told = json.loads(rest_of(stream, data))
            texts = (told[key] for key in ("label", "created", "settings"))
            label, created, settings = (clipped(one_line(str(text))) for text in texts)
        except (UsageError, ValueError, KeyError, TypeError, RecursionError):  # of something else
            continue
        href = f"../{quote(data.parent.name)}/{PAGE}"
        found[label].append(ProfileLink(href, created, settings))
    return {
        label: sorted(links, key=lambda one: one.created, reverse=True)[:_MOST]
        for label, links in found.items()
    }
