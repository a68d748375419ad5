"""A report on disk: one page, its figures, and a summary."""

from __future__ import annotations

from pathlib import Path

from harness.charts.chart import file_stem
from harness.charts.png import drawing
from harness.errors import UnableError, UsageError
from harness.report.content.content import Content
from harness.report.pages import as_html, as_markdown
from harness.report.pages.profiles import profiles_beside
from harness.report.words.place import PAGE

SUMMARY = "summary.md"


def check_folder(folder: Path, *, force: bool, option: str = "--force") -> None:
    """Refuse a folder that has something in it, before any work is done.

    Args:
        folder: where something is to be written.
        force: whether files in it may be replaced.
        option: that says so.

    Raises:
        UsageError: the folder is not empty, or no folder, and neither was asked to be replaced.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; name a folder with -o")
    if not force and folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; will not overwrite it without {option}")


def write_report(content: Content, folder: Path) -> list[Path]:
    """Write a report; files of the same names are replaced, others are left alone.

    Returns:
        What was written, the page first.

    Raises:
        UnableError: the folder cannot be written.
    """
    page, summary = folder / PAGE, folder / SUMMARY
    pictures = [folder / f"{file_stem(figure)}.png" for figure in content.figures]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with drawing(
            [
                (figure, content.styles[figure.scenario], path)
                for figure, path in zip(content.figures, pictures, strict=True)
            ]
        ):
            page.write_text(as_html.page(content, profiles_beside(folder)), encoding="utf-8")
            summary.write_text(as_markdown.summary(content), encoding="utf-8")
    except OSError as error:
        raise UnableError(
            f"{error.filename or folder} cannot be written: {error.strerror}"
        ) from error
    return [page, *pictures, summary]
