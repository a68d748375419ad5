"""A profile as text: one table a function, one line of text a line of source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.profiling.figures import LITTLE, kept_bytes, shown_columns, size_text
from harness.profiling.profile import Profile
from harness.profiling.tables import FunctionTable, LineView
from harness.trial.meters.allocated import ACCURATE_BYTES, ACCURATE_SHARE
from harness.units import format_seconds, format_share, format_size

_LONG = 60
"""A function of more lines than this is shown without those that were not reached."""


def as_text(profile: Profile) -> str:
    """All that is known, in one block."""
    blocks = [
        "\n".join(_head(profile)),
        *("\n".join(_table(table, profile.payload_bytes)) for table in profile.tables),
        "\n".join(_notes(profile)),
    ]
    return "\n\n".join(block for block in blocks if block)


def _head(profile: Profile) -> Iterator[str]:
    settings = f" ({profile.settings})" if profile.settings else ""
    yield f"{profile.label}{settings}: {profile.headline}"
    whole = profile.whole
    if whole is None:
        return
    payload = profile.payload_bytes
    said = [f"peak {profile.peak}"]
    if not whole.running:
        said.append(f"keeps {size_text(kept_bytes(whole), payload)}")
    if whole.peak.file_bytes >= ACCURATE_BYTES and not whole.split_missed:
        said.append(f"mapped files {size_text(whole.peak.file_bytes)}")
    said.append(f"{format_seconds(whole.time_s)}, watched")
    inputs = f"; × is of its inputs, {format_size(payload)}" if payload >= ACCURATE_BYTES else ""
    yield f"  the call: {', '.join(said)}{inputs}"


def _table(table: FunctionTable, payload_bytes: int) -> Iterator[str]:
    views = _shown(table.views)
    columns = shown_columns(table.views)
    cells = [[column.text(view, payload_bytes) for column in columns] for view in views]
    widths = [
        max(len(column.name), *(len(row[index]) for row in cells))
        for index, column in enumerate(columns)
    ]
    yield table.title
    yield _line("line", [column.name for column in columns], widths, "")
    for view, row in zip(views, cells, strict=True):
        yield _line(f"{view.number}", row, widths, view.source)


def _line(number: str, cells: Sequence[str], widths: Sequence[int], source: str) -> str:
    texts = "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
    return f"{number:>5}  {texts}  {source}".rstrip()


def _shown(views: Sequence[LineView]) -> list[LineView]:
    return [view for view in views if view.row is not None or len(views) <= _LONG]


def legend() -> str:
    """What a dot stands for."""
    size, share = format_size(ACCURATE_BYTES), format_share(ACCURATE_SHARE)
    return f"{LITTLE} is less than {size}. Memory is accurate to that, or {share} if that is more"


def _notes(profile: Profile) -> Iterator[str]:
    if profile.tables:
        yield legend()
    yield from profile.differences
    yield from profile.remarks
    yield from filter(None, (profile.counts, profile.cost))
