"""``ferrybench tune``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from harness.cli.measuring import until_stopped
from harness.console import err, out
from harness.errors import EXIT_INTERRUPTED, EXIT_OK
from harness.files.writing import refuse_overwriting_any
from harness.host.environment import usable_processors
from harness.host.host import Host
from harness.host.inputs import temporary_folder_for_workers
from harness.schema.loader import LoaderRequest
from harness.schema.records import HostSpec
from harness.tuning import as_json
from harness.tuning.as_text import text
from harness.tuning.bench import MODULES, Bench
from harness.tuning.goal import Goal, Named
from harness.tuning.result import Tuning
from harness.tuning.session import Session
from harness.tuning.timeline import Event, events, write


def tune_command(
    loader: str,
    *,
    step: str | None = None,
    step_ms: float | None = None,
    budget: str = "60s",
    memory: str | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    timeline: Path | None = None,
    force: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """What does your own loader wait for, what could be won, and by which setting?

    Every measurement runs your file in a fresh process; nothing of yours is changed.

    Parameters
    ----------
    loader
        FILE.py:NAME: a function without arguments that returns a DataLoader, or any other iterable
        of batches.
    step
        FILE.py:NAME: a function of a batch, or one without arguments that returns it.
    step_ms
        Instead: the length of a step that sleeps, as one does whose work an accelerator has.
    budget
        How long it may take in all, such as 60s or 5m.
    memory
        What the process tree may take, such as 6GiB: no setting above that is run or recommended.
    output
        A file for the setting, such as loader.json, that your script can load.
    timeline
        A file for what every process did when, as trace events: for vizviewer, or Perfetto.
    force
        Overwrite these files if they exist.
    """
    users = Named.of(loader, "make_loader")
    steps = Named.of(step, "step") if step is not None else None
    goal = Goal.of(budget, memory, step_ms, users_step=steps is not None)
    own = [Path(named.file) for named in (users, steps) if named is not None]
    refuse_overwriting_any((output, timeline), force=force, read=own)
    temporary_folder_for_workers()
    deadline = time.monotonic() + goal.budget_s
    about = LoaderRequest(
        file=users.file,
        name=users.name,
        step_file=steps.file if steps else "",
        step_name=steps.name if steps else "",
        step_ms=goal.step_ms,
    )
    with err.status("starting a host") as status, Host(HostSpec(), modules=MODULES) as host:
        bench = Bench(host, about, loader, deadline)
        stamps: list[Event] = []
        read = None if timeline is None else lambda folder: stamps.extend(events(folder))
        session = Session(bench, goal, usable_processors(), status.update, read)
        tuning = _until_stopped(session)
    if tuning is None:
        err.print("ferrybench: interrupted before anything was decided")
        return EXIT_INTERRUPTED
    out.print(text(tuning), soft_wrap=True)
    if timeline is not None:
        write(stamps, timeline)
        how = f"open it with vizviewer {timeline} (pip install viztracer)"
        out.print(f"wrote {timeline}; {how}", soft_wrap=True)
    if output is not None:
        as_json.write(tuning, output)
        line = as_json.LINE.format(path=output)
        out.print(f"wrote {output}; load it with {line}", soft_wrap=True)
    return EXIT_OK


def _until_stopped(session: Session) -> Tuning | None:
    """Its answer; None where it was stopped, by the user or the system: both clean up alike."""
    found: list[Tuning] = []

    def tune() -> str:
        found.append(session.tune())
        return "complete"

    return found[0] if until_stopped(tune) == "complete" else None
