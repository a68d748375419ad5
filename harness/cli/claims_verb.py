"""``ferrybench claims``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from rich.table import Table
from rich.text import Text

from harness.cli.options import latest_journal
from harness.console import err, out
from harness.errors import EXIT_NOT_JUDGED, EXIT_OK, UsageError
from harness.files.writing import refuse_overwriting, write_whole
from harness.formats.open_results import read_run
from harness.journal.shown import shown
from harness.schema.texts import visible
from harness.units import MISSING, plural

if TYPE_CHECKING:
    from harness.analysis.claims.declared import Claim
    from harness.analysis.claims.judge import Answer
    from harness.analysis.claims.of_run import Verdicts

Format = Literal["text", "csv", "json"]
STYLES = {"confirmed": "green", "refuted": "red", "depends": "yellow", "undecided": "dim"}


def claims_command(
    *journals: Path,
    claim: Annotated[tuple[str, ...], Parameter(name="--claim", negative=())] = (),
    everything: Annotated[bool, Parameter(name="--all", negative=())] = False,
    format: Format = "text",  # noqa: A002 — the option's name
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    force: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Put what people say about moving data to the test: each statement's verdict, from a run.

    Verdicts are confirmed, refuted, depends (with where it flips) and undecided (with the command
    that would decide it). Several runs stand side by side and are never pooled. Exit code 3: no
    claim was decided.

    Parameters
    ----------
    journals
        Journals; the latest in results/ by default.
    claim
        Only the claim of this number, with every place that was judged; may be repeated.
    everything
        Also claims about scenarios that a run does not have.
    format
        text; or csv or json, with a row or an entry for every claim of every run.
    output
        Write that to a file; standard output by default.
    force
        Overwrite the file if it exists.
    """
    from harness.analysis.claims.of_run import verdicts  # NumPy takes a while to import

    paths = journals or (latest_journal(),)
    if output is not None:
        if format == "text":
            raise UsageError("--output needs --format csv or --format json")
        refuse_overwriting(output, force=force, read=paths)
    found: list[Verdicts] = []
    for path in paths:
        run = shown(read_run(path))
        for remark in run.remarks:
            err.print(remark, soft_wrap=True)
        found.append(verdicts(run).only(claim))
    known = {one.judged.claim.code for each in found for one in each.answers}
    for code in (code for code in claim if code not in known):
        raise UsageError(f"there is no claim {code!r}; ferrybench claims lists all of them")
    if format == "text":
        _show(found, places=bool(claim), everything=everything or bool(claim))
    elif output is None:
        sys.stdout.write(_written(found, format))
    else:
        write_whole({output: _written(found, format).encode()})
        err.print(f"{output}: {plural(len(known), 'claim')}", soft_wrap=True)
    decided = any(one.judged.decided for each in found for one in each.answers)
    return EXIT_OK if decided else EXIT_NOT_JUDGED


def _written(found: Sequence[Verdicts], form: Format) -> str:
    from harness.analysis.claims.as_data import as_data, row_of

    if form == "json":
        data = [
            {"run": one.run_id, "machine": one.machine, "claims": as_data(one.run_id, one.answers)}
            for one in found
        ]
        return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    import pandas as pd

    from harness.formats.csv import write_frame

    stream = StringIO()
    rows = [row_of(each.run_id, one) for each in found for one in each.answers]
    write_frame(pd.DataFrame(rows), stream)
    return stream.getvalue()


def _show(found: Sequence[Verdicts], *, places: bool, everything: bool) -> None:
    if len(found) == 1:
        (one,) = found
        shown_ones = one if everything else one.about_it
        _show_one(shown_ones, places=places, more=len(one.answers) - len(shown_ones.answers))
    else:
        _show_beside(found, everything=everything)


def _show_one(one: Verdicts, *, places: bool, more: int) -> None:
    """A run: each verdict with what it rests on, then what is undecided; the counts last."""
    from harness.analysis.claims.wording import (
        by_verdict,
        counts_text,
        evidence_text,
        place_lines,
        undecided_text,
    )

    for answer in by_verdict(one.answers):
        judged = answer.judged
        said = Text(f"{judged.claim.code:>9}  ")
        said.append(f"{judged.verdict:<10}", style=STYLES[judged.verdict])
        said.append(f" {visible(judged.claim.statement)}", style="bold")
        out.print(said, soft_wrap=True)
        for text in filter(None, (evidence_text(judged), undecided_text(answer))):
            out.print(f"{'':22}{text}", soft_wrap=True)
        for line in place_lines(judged) if places else ():
            out.print(f"{'':24}{line}", style="dim", soft_wrap=True)
        if places:
            out.print(f"{'':22}source: {judged.claim.source}", style="dim", soft_wrap=True)
    if more:
        out.print(f"{plural(more, 'claim')} about other scenarios: --all", soft_wrap=True)
    out.print(f"{one.run_id}: {counts_text(one.answers)}", style="bold", soft_wrap=True)


def _by_claim(found: Sequence[Verdicts]) -> list[tuple[Claim, list[Answer | None]]]:
    """Each claim with the answer of every run; None of a run that does not know it."""
    by_run = [{_key(one.judged.claim): one for one in each.answers} for each in found]
    claims = {_key(one.judged.claim): one.judged.claim for each in found for one in each.answers}
    return [(claim, [own.get(key) for own in by_run]) for key, claim in claims.items()]


def _key(claim: Claim) -> tuple[str, str, str]:
    """Runs may have claims of their own with equal codes."""
    return claim.scenario, claim.code, claim.statement


def _show_beside(found: Sequence[Verdicts], *, everything: bool) -> None:
    """Several runs: a column of verdicts for each, and what differs."""
    from harness.analysis.claims.of_run import scenarios_of
    from harness.analysis.claims.wording import counts_text, evidence_text

    table = Table(box=None, pad_edge=False)
    for head in ("", *(f"{number}" for number, _ in enumerate(found, start=1)), "statement"):
        table.add_column(head)
    known = frozenset().union(*(each.scenarios for each in found))
    beside = _by_claim(found)
    for claim, answers in beside:
        if not (everything or known & scenarios_of(claim)):
            continue
        cells = [
            Text(one.judged.verdict, style=STYLES[one.judged.verdict]) if one else Text(MISSING)
            for one in answers
        ]
        table.add_row(visible(claim.code), *cells, visible(claim.statement))
    out.print(table)
    for claim, answers in beside:
        decided = [
            (number, one)
            for number, one in enumerate(answers, start=1)
            if one is not None and one.judged.decided
        ]
        if len({one.judged.verdict for _, one in decided}) > 1:
            out.print(f"{visible(claim.code)}  differs:", style="bold", soft_wrap=True)
            for number, one in decided:
                told = f"{one.judged.verdict}: {evidence_text(one.judged)}"
                out.print(f"  {number}  {told}", soft_wrap=True)
    for number, each in enumerate(found, start=1):
        about = f"{each.run_id} ({each.machine}): {counts_text(each.answers)}"
        out.print(f"{number}  {about}", style="bold", soft_wrap=True)
