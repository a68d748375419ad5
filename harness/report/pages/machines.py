"""Several machines side by side, as a page without scripts and as a summary."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.charts.palette import STYLES
from harness.errors import UnableError
from harness.files.writing import write_whole
from harness.formats.markdown import cell, code, escape, table_row
from harness.report.content.machines import CAPTION, Machines
from harness.report.pages.rendering import asset, environment
from harness.report.pages.write import SUMMARY
from harness.report.words.place import PAGE
from harness.version import __version__


def write_machines(machines: Machines, folder: Path) -> tuple[Path, Path]:
    """Write both, or neither.

    Raises:
        UnableError: the folder cannot be written.
    """
    page, summary = folder / PAGE, folder / SUMMARY
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnableError(f"{folder} cannot be written: {error.strerror}") from error
    texts = {page: _page(machines), summary: "\n".join(_lines(machines)).rstrip() + "\n"}
    write_whole({path: text.encode() for path, text in texts.items()})
    return page, summary


def _page(machines: Machines) -> str:
    return (
        environment()
        .get_template("machines.html.j2")
        .render(
            content=machines,
            caption=CAPTION,
            palette=STYLES,
            style=asset("page.css"),
            version=__version__,
        )
    )


def _lines(machines: Machines) -> Iterator[str]:
    yield f"## ferrybench: {escape(machines.run_id)}"
    yield ""
    for remark in machines.remarks:
        yield f"> {escape(remark)}"
        yield ""
    for one in machines.machines:
        yield f"- machine {escape(one.name)}: {escape(one.text)}"
    yield ""
    yield CAPTION
    yield ""
    for name, question, rows in machines.scenarios:
        yield f"### {escape(name)}"
        yield ""
        yield escape(question)
        yield ""
        yield table_row(["case", *(escape(one.name) for one in machines.machines)])
        yield table_row(["---", *("--:" for _ in machines.machines)])
        for row in rows:
            texts = (f"{one.text} ({one.range})" if one.range else one.text for one in row.cells)
            yield table_row([code(row.case), *map(cell, texts)])
        yield ""
