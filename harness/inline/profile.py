"""``harness.profile``: one call of a function of this process, watched in forks of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.errors import UsageError
from harness.inline import fork_safety
from harness.inline.call import Job
from harness.inline.forked_host import ForkedHost
from harness.inline.trial import leave_parent_behind
from harness.profiling.as_text import as_text
from harness.profiling.collect import Wanted, collect
from harness.profiling.page import check_folder, write_profile
from harness.profiling.profile import Profile
from harness.schema.profile import CallProfileRequest
from harness.trial.base.callables import python_function
from harness.trial.profiling.lines_page import LinesPage
from harness.trial.profiling.target import Target
from harness.trial.profiling.watch_call import watch_call
from harness.trial.tasks import Answer, Provided, Task


@dataclass(frozen=True, repr=False)
class LineProfile(Profile):
    """Where memory and time of a call went, line by line."""

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(as_text(self))}</pre>"


def profile(
    function: Callable[..., Any],
    *args: Any,
    also: tuple[Callable[..., Any], ...] = (),
    folder: str | Path | None = None,
    timeout_s: float = 60.0,
    warm: bool = False,
    allow_shared: bool = False,
    force: bool = False,
    **kwargs: Any,
) -> LineProfile:
    """Watch one call of ``function(*args, **kwargs)`` line by line, in a fork of this process.

    Memory is read from the kernel between any two lines, and its high-water mark is reset there: so
    what is shown is the peak within each line, and what the line keeps. Lines of the function are
    watched, and of those of its module or notebook that it calls. Another fork has memory_profiler
    make its own table of the same function; where that is not installed, a remark says so.

    Args:
        function: any callable whose code is Python: a method, a lambda, a function of a notebook.
        *args: passed to it.
        also: functions of other files, of which all lines of these files are watched too.
        folder: for a page that has all of it, with memray's flame graph of the peak, beside.
        timeout_s: how long each process may take. What was seen until then is shown.
        warm: call it once, unwatched, before: what only a first call needs is then not seen.
        allow_shared: see :func:`harness.measure`.
        force: replace files of the same names in ``folder``.
        **kwargs: passed to it; if one has the name of an option here, pass a lambda instead.

    Returns:
        The profile, which prints as a table. If the function fails, its headline says so; nothing
        is raised.

    Raises:
        UsageError: it is not callable, or it or one of ``also`` is written in C, or the folder is
            not empty.
        UnableError: this process cannot be forked, or the folder cannot be written.
    """
    if timeout_s <= 0:
        raise UsageError("timeout_s= must be positive")
    job = Job(function, args, kwargs, allow_shared=allow_shared)
    files = tuple(_file_of(one) for one in also)
    place = Path(folder) if folder is not None else None
    if place is not None:
        check_folder(place, force=force, option="force=True")
    fork_safety.refuse_unless_forkable()
    job.refuse_shared()
    fork_safety.pause_openmp()
    tasks = {CallProfileRequest.task: Task(CallProfileRequest, _watching(job))}
    with ExitStack() as stack:
        scratch = None
        if place is not None:
            scratch = Path(stack.enter_context(TemporaryDirectory(prefix="ferrybench-profile-")))
        wanted = Wanted(files, timeout_s, warm, scratch)
        host = stack.enter_context(ForkedHost(tasks))
        collected = collect(
            lambda watching: host.call(
                CallProfileRequest(watching),
                timeout_s,
                observe=watching.observe,
                file=job.file,
            ),
            wanted,
        )
        found = LineProfile(job.label, collected)
        if place is not None:
            host.close()
            write_profile(found, place)
    return found


def _file_of(function: Callable[..., Any]) -> str:
    """Where a function stands whose file's lines are watched, too."""
    python = python_function(function)
    if python is None:
        raise UsageError(f"also=: {Target(function, function).label} is written in C, in no file")
    return python.__code__.co_filename


def _watching(job: Job) -> Callable[[CallProfileRequest, Provided], Answer]:
    def watch(request: CallProfileRequest, provided: Provided) -> Answer:
        leave_parent_behind()
        page = provided.page
        assert page is None or isinstance(page, LinesPage)
        function, kwargs = job.call
        target = Target(
            lambda: function(*job.args, **kwargs), job.function, job.payload.nbytes, name=job.label
        )
        return watch_call(target, request.watching, page)

    return watch
