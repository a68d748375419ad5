"""``ferrybench merge``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from harness.console import err, out
from harness.errors import EXIT_OK, UsageError
from harness.files.writing import refuse_overwriting
from harness.formats.open_results import collector_off
from harness.journal.read import read_journal
from harness.merging.merge import merge, take_out
from harness.merging.places import Allowed
from harness.units import plural


def merge_command(
    *journals: Path,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    machine: str = "",
    same_machine: Annotated[bool, Parameter(negative=())] = False,
    any_revision: Annotated[bool, Parameter(negative=())] = False,
    force: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Make one run of journals that were measured apart: in shards, on other days or machines.

    Every trial is in it once, and rounds stay apart. What was not measured on one machine, in one
    state, stands side by side in it, and no number is of two machines.

    Parameters
    ----------
    journals
        Journals, in any order; they are not changed.
    output
        The journal to write, whole or not at all.
    machine
        Instead take one machine out of a journal that was merged, such as B.
    same_machine
        Take machines of one make for one, though no journal says that they are.
    any_revision
        Take the revision of the working directory for one that changes no number.
    force
        Replace the output if it exists.
    """
    refuse_overwriting(output, force=force, read=journals)
    if machine:
        if len(journals) != 1:
            raise UsageError("--machine takes one machine out of one journal")
        run = take_out(read_journal(journals[0]), machine, output)
        cases = plural(len(run.header.plan.cases), "case")
        out.print(f"{output}: {plural(len(run.trials), 'trial')} of {cases}", soft_wrap=True)
        return EXIT_OK
    if len(journals) < 2:
        raise UsageError("name two journals or more; one is a run already")
    with collector_off():
        found = merge(journals, output, Allowed(same_machine, any_revision))
    for twice in {path for path in journals if journals.count(path) > 1}:
        err.print(f"{twice} is named more than once", soft_wrap=True)
    for remark in found.remarks:
        err.print(remark, soft_wrap=True)
    on = f" on {plural(found.machines, 'machine')}" if found.machines > 1 else ""
    out.print(
        f"{output}: {plural(found.trials, 'trial')} of {plural(found.cases, 'case')} from "
        f"{plural(found.runs, 'run')}{on}",
        soft_wrap=True,
    )
    if found.repeated:
        out.print(f"{plural(found.repeated, 'trial')} stood in several files and are in it once")
    out.print(f"next: ferrybench report {output}", soft_wrap=True)
    return EXIT_OK
