"""A report on disk: one page, its figures, and a summary."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from harness.charts.chart import file_stem
from harness.charts.png import Form, drawing
from harness.errors import UnableError, UsageError
from harness.files.writing import refuse_overwriting_any, write_whole
from harness.report.content.beside import beside
from harness.report.content.content import Content
from harness.report.pages import as_html, as_markdown
from harness.report.pages.beside_page import beside_page
from harness.report.pages.profiles import profiles_beside
from harness.report.words.place import PAGE
from harness.schema.texts import apart, as_file_name

SUMMARY = "summary.md"


def check_folder(
    folder: Path, *, force: bool, option: str = "--force", read: Sequence[Path] = ()
) -> None:
    """Refuse a folder that has something in it, before any work is done.

    Args:
        folder: where something is to be written.
        force: whether files in it may be replaced.
        option: that says so.
        read: journals, which never are.

    Raises:
        UsageError: the folder is not empty, or no folder, and neither was asked to be replaced.
    """
    refuse_overwriting_any((folder / PAGE, folder / SUMMARY), force=True, read=read)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; name a folder with -o")
    if not force and folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; will not overwrite it without {option}")


def write_report(content: Content, folder: Path, forms: Sequence[Form] = ("png",)) -> list[Path]:
    """Write a report; files of the same names are replaced, all or none; others are left alone.

    Args:
        content: of it.
        folder: which is made where there is none.
        forms: in which each figure is written.

    Returns:
        What was written, the page first.

    Raises:
        UnableError: the folder cannot be written.
    """
    page, summary = folder / PAGE, folder / SUMMARY
    names = apart(as_file_name(file_stem(figure)) for figure in content.figures)
    pictures = [folder / f"{name}.{form}" for name in names for form in forms]
    _make(folder)
    figures = [(one, content.styles[one.scenario]) for one in content.figures]
    with drawing(figures, forms) as drawn:
        texts = {
            page: as_html.page(content, profiles_beside(folder)),
            summary: as_markdown.summary(content),
        }
    contents = {path: text.encode() for path, text in texts.items()}
    write_whole(contents | dict(zip(pictures, drawn, strict=True)))
    return [page, *pictures, summary]


def write_beside(contents: Sequence[Content], folders: Sequence[Path], folder: Path) -> Path:
    """Write the page that sets several runs side by side.

    Args:
        contents: of their reports.
        folders: where those were written.
        folder: where this page goes.

    Raises:
        UnableError: it cannot be written.
    """
    hrefs = [quote(os.path.relpath(one / PAGE, folder)) for one in folders]
    page = folder / PAGE
    _make(folder)
    write_whole({page: beside_page(beside(contents, hrefs)).encode()})
    return page


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnableError(
            f"{error.filename or folder} cannot be written: {error.strerror}"
        ) from error
