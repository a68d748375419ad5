"""A profile on disk: a page in the style of reports, the flame graph, and what was seen as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from markupsafe import Markup

from harness.charts.palette import STYLES
from harness.errors import UnableError
from harness.files.writing import write_whole
from harness.profiling.as_text import legend
from harness.profiling.collect import MEMORY_FILE, TIMELINE_FOLDER
from harness.profiling.figures import Column, kept_bytes, shown_columns, size_text
from harness.profiling.flame_graph import FLAME_GRAPH, write_flame_graph
from harness.profiling.mappings import mappings
from harness.profiling.profile import Profile
from harness.profiling.tables import FunctionTable
from harness.profiling.timeline import TIMELINE, Timeline, write_timeline
from harness.report.pages.highlighted_source import highlighted
from harness.report.pages.profiles import DATA
from harness.report.pages.rendering import asset, environment
from harness.report.pages.write import check_folder as check_folder
from harness.report.words.place import PAGE
from harness.units import format_seconds
from harness.version import __version__

PACKAGE = "harness.profiling"


def write_profile(profile: Profile, folder: Path) -> list[Path]:
    """Write a profile; files of the same names are replaced, others are left alone.

    Args:
        profile: with what memray recorded still lying where it was asked for.
        folder: is made if it is not there.

    Returns:
        What was written, the page first.

    Raises:
        UnableError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        missing = _flame_graph(profile, folder)
        timeline = _timeline(profile, folder)
        page, data = folder / PAGE, folder / DATA
        mapped = [] if missing else _mapped(profile)
        html = _html(profile, missing, mapped, timeline)
        lines = profile.collected.lines
        told = {
            "label": profile.label,
            "settings": profile.settings,
            "created": profile.created,
            **(asdict(lines) if lines else {}),
        }
        write_whole({page: html.encode(), data: json.dumps(told, indent=1).encode()})
    except OSError as error:
        raise UnableError(
            f"{error.filename or folder} cannot be written: {error.strerror}"
        ) from error
    others = [
        *([] if missing else [folder / FLAME_GRAPH]),
        *([] if timeline is None else [folder / TIMELINE]),
    ]
    return [page, *others, data]


def _flame_graph(profile: Profile, folder: Path) -> str:
    """Why there is none; empty where there is."""
    collected = profile.collected
    scratch = collected.wanted.scratch
    if "memray" in collected.found and scratch is not None:
        return write_flame_graph(scratch / MEMORY_FILE, folder)
    return collected.missing.get("memray", "memray was not run")


def _timeline(profile: Profile, folder: Path) -> Timeline | None:
    scratch = profile.collected.wanted.scratch
    if "viztracer" not in profile.collected.found or scratch is None:
        return None
    return write_timeline(scratch / TIMELINE_FOLDER, folder)


def _mapped(profile: Profile) -> list[str]:
    """What of the flame graph is no memory of the process's own."""
    scratch, lines = profile.collected.wanted.scratch, profile.collected.lines
    assert scratch is not None
    return mappings(scratch / MEMORY_FILE, lines.files if lines else ())


def _html(profile: Profile, missing: str, mapped: list[str], timeline: Timeline | None) -> str:
    return (
        environment(PACKAGE)
        .get_template("profile.html.j2")
        .render(
            profile=profile,
            facts=list(_facts(profile)),
            tables=[(table, *_cells(table, profile.payload_bytes)) for table in profile.tables],
            flame_graph="" if missing else FLAME_GRAPH,
            missing=missing,
            mapped=mapped,
            timeline=timeline,
            no_timeline=profile.collected.missing.get("viztracer", "viztracer was not run"),
            timeline_file=TIMELINE,
            legend=legend(),
            data=DATA,
            palette=STYLES,
            style=asset("page.css"),
            own_style=asset("profile.css", PACKAGE),
            version=__version__,
        )
    )


def _facts(profile: Profile) -> Iterator[tuple[str, str]]:
    whole = profile.whole
    if whole is None:
        return
    payload = profile.payload_bytes
    yield "peak of the call", profile.peak
    if not whole.running:
        yield "kept when it ended", size_text(kept_bytes(whole), payload)
    if not whole.split_missed:
        yield "mapped files, at most", size_text(whole.peak.file_bytes)
    yield "time, watched", format_seconds(whole.time_s)
    if payload:
        yield "its inputs", size_text(payload)


def _cells(
    table: FunctionTable, payload_bytes: int
) -> tuple[list[Column], list[tuple[int, list[str], Markup, bool]]]:
    """The columns, and each line: its number, its cells, its source, whether it was reached."""
    columns = shown_columns(table.views)
    code = highlighted("\n".join(view.source for view in table.views)).split("\n")
    rows = [
        (
            view.number,
            [column.text(view, payload_bytes) for column in columns],
            code[index] if index < len(code) else Markup(""),
            view.row is not None,
        )
        for index, view in enumerate(table.views)
    ]
    return columns, rows
