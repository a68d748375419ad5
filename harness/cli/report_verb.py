"""``ferrybench report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from harness.cli.options import latest_journal
from harness.cli.verdicts import show_verdicts, verdicts_of
from harness.console import err, out
from harness.errors import EXIT_OK
from harness.files.writing import refuse_overwriting_any
from harness.formats.open_results import read_any_run
from harness.journal.lines import Run
from harness.journal.machines import by_machine
from harness.journal.shown import shown
from harness.report.words.place import BESIDE, PAGE, REPORTS, folder_of
from harness.units import format_size


def report_command(
    *journals: Path,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    force: Annotated[bool, Parameter(negative=())] = False,
    svg: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Make a page, figures and a summary for pull requests from a journal.

    Parameters
    ----------
    journals
        Journals; the latest in results/ by default.
    output
        A folder; reports/RUN by default. With several journals, each gets a folder in it, beside a
        page that sets them side by side.
    force
        Replace files of the same names in a folder that is not empty.
    svg
        Write each figure as SVG too, beside its PNG.
    """
    runs = [shown(read_any_run(path)) for path in journals or (latest_journal(),)]
    for run in runs:
        for remark in run.remarks:
            err.print(remark, soft_wrap=True)
    # pandas, matplotlib and the charts' runtime take a second and more to import
    from harness.charts.png import Form
    from harness.report.content.content import content
    from harness.report.pages.write import check_folder, write_beside, write_report

    whole = output or REPORTS / BESIDE
    folders = [
        folder_of(run.header.run_id, output or REPORTS)
        if output is None or len(runs) > 1
        else output
        for run in runs
    ]
    forms: tuple[Form, ...] = ("png", "svg") if svg else ("png",)
    for folder in folders:
        check_folder(folder, force=force, read=[run.path for run in runs])
    if len(runs) > 1:
        refuse_overwriting_any([whole / PAGE], force=force, read=[run.path for run in runs])
    contents = []
    for run, folder in zip(runs, folders, strict=True):
        if run.header.machines:
            _report_machines(run, folder)
            continue
        with err.status(f"writing {folder}"):
            contents.append(content(run))
            page, *others = write_report(contents[-1], folder, forms)
        show_verdicts(verdicts_of(run))
        pictures = [path.name for path in others if path.suffix in (".png", ".svg")]
        out.print(f"{page}: {format_size(page.stat().st_size)}", soft_wrap=True)
        if pictures:
            out.print(f"{folder}/: {', '.join(pictures)}", soft_wrap=True)
        out.print(f"{others[-1]}: paste it into a pull request", soft_wrap=True)
    first = folders[-1] / PAGE
    if len(contents) > 1:
        pairs = zip(runs, folders, strict=True)
        first = write_beside(
            contents, [folder for run, folder in pairs if not run.header.machines], whole
        )
    out.print(f"next: open {first} in a browser", soft_wrap=True)
    return EXIT_OK


def _report_machines(run: Run, folder: Path) -> None:
    """Each machine of a merged run in a folder of its own, and all side by side above them."""
    from harness.report.content.content import content
    from harness.report.content.machines import machines
    from harness.report.pages.machines import write_machines
    from harness.report.pages.write import write_report

    found = machines(run)
    for view, (_, own) in zip(found.machines, by_machine(run), strict=True):
        with err.status(f"writing {folder / view.folder}"):
            write_report(content(own), folder / view.folder)
        out.print(f"machine {view.name}: {view.text}", soft_wrap=True)
        out.print(f"{folder / view.page}", soft_wrap=True)
    page, summary = write_machines(found, folder)
    out.print(f"{page}: all {len(found.machines)} side by side", soft_wrap=True)
    out.print(f"{summary}: paste it into a pull request", soft_wrap=True)
