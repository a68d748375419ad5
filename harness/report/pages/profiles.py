"""Profiles that lie beside a report: of which strategies they are, and where."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from harness.report.words.place import PAGE

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
            told = json.loads(data.read_bytes())
            label, created, settings = (str(told[key]) for key in ("label", "created", "settings"))
        except (OSError, ValueError, KeyError, TypeError):  # it is of something else
            continue
        href = f"../{quote(data.parent.name)}/{PAGE}"
        found[label].append(ProfileLink(href, created, settings))
    return {
        label: sorted(links, key=lambda one: one.created, reverse=True)[:_MOST]
        for label, links in found.items()
    }
