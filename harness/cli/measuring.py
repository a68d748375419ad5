"""What every verb that measures does: start hosts, write a journal, show progress, end well."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from harness.cli.options import RESULTS
from harness.console import Progress, err
from harness.files.writing import refuse_overwriting
from harness.host.inputs import temporary_folder_for_workers
from harness.journal.lock import refuse_second_writer
from harness.journal.write import Journal
from harness.planning.plan import Request
from harness.run import session as sessions
from harness.run.session import scenario_files


def measure_into(
    request: Request,
    settings: sessions.Settings,
    user_paths: Sequence[Path],
    output: Path | None,
    *,
    force: bool,
    read: Sequence[Path] = (),
) -> tuple[str, Path]:
    """Carry out a request; returns the reason to stop and the journal that was written.

    Args:
        request: what is measured.
        settings: how.
        user_paths: scenarios of the user's own.
        output: the journal; one in ``results`` if not given.
        force: overwrite it.
        read: further files of the user's that are read.

    Raises:
        FerrybenchError: what was asked for cannot be done; no journal has been touched.
    """
    if output is not None:
        refuse_overwriting(output, force=force, read=(*scenario_files(user_paths), *read))
        refuse_second_writer(output)
    temporary_folder_for_workers()  # rather than when everything has been started
    with ExitStack() as stack:
        with err.status("starting hosts"):
            session = stack.enter_context(sessions.open_session(request, settings, user_paths))
        path = output or RESULTS / f"{session.header.run_id}.jsonl"
        journal = stack.enter_context(Journal.create(path, session.header, force=force))
        progress = stack.enter_context(Progress(err))
        return until_stopped(lambda: sessions.measure(session, journal, progress)), path


def until_stopped(measure: Callable[[], str]) -> str:
    """Measure until done, or until the user or the system asks to stop."""
    try:
        return measure()
    except KeyboardInterrupt:
        return "interrupted"
