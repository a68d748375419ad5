"""Have one call watched by several tools, each in a fresh process of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.host.answers import answer_as
from harness.host.host import Report
from harness.schema.profile import Lines, Profiled, Tool, Watching

Ask = Callable[[Watching], Report]
"""Has a call watched; must not be asked twice at once."""
MEMORY_FILE, TIMELINE_FOLDER = "memray.bin", "timeline"
NOT_RUN = "not run, because the call did not end when it was watched line by line"


@dataclass(frozen=True)
class Wanted:
    """What a user asked for.

    Args:
        files: whose functions are watched too.
        timeout_s: how long each process may take.
        warm: call it once, unwatched, in each process before.
        scratch: a folder for what tools record; without one, only memory_profiler is run besides.
    """

    files: tuple[str, ...] = ()
    timeout_s: float = 60.0
    warm: bool = False
    scratch: Path | None = None


@dataclass(frozen=True)
class Collected:
    """What the tools said.

    Args:
        lines: what was seen line by line; None where watching did not begin.
        found: by the tools that watched a call which ended as the one watched line by line.
        missing: of the others: why they have nothing to say.
        wanted: what was asked for.
    """

    lines: Lines | None
    found: Mapping[Tool, Profiled]
    missing: Mapping[Tool, str]
    wanted: Wanted

    @property
    def call(self) -> Profiled:
        """The call that was watched line by line."""
        return self.found["lines"]


def collect(ask: Ask, wanted: Wanted) -> Collected:
    """Have a call watched.

    Raises:
        UsageError: it has no lines, or is nothing that can be called.
    """
    report = ask(Watching("lines", "", wanted.files, wanted.warm))
    call = _profiled(report, wanted.timeout_s)
    if call.refused:
        raise UsageError(call.refused)
    lines = call.lines or (answer_as(Lines, report.noted) if report.noted else None)
    found: dict[Tool, Profiled] = {"lines": call}
    missing: dict[Tool, str] = {}
    others: list[tuple[Tool, str]] = [("memory_profiler", "")]
    if wanted.scratch is not None:
        others.append(("memray", str(wanted.scratch / MEMORY_FILE)))
        others.append(("viztracer", str(wanted.scratch / TIMELINE_FOLDER)))
        others.append(("perf", str(wanted.scratch / "perf.csv")))
    for tool, output in others:
        if report.answer is None:
            missing[tool] = f"{tool}: {NOT_RUN}"
            continue
        further = ask(Watching(tool, output, wanted.files, wanted.warm))
        said = _profiled(further, wanted.timeout_s)
        if said.refused:
            missing[tool] = said.refused
        elif further.answer is None:
            missing[tool] = f"{tool}: {_ending(said)}"
        elif said.outcome.name != call.outcome.name:  # it would tell of something else
            missing[tool] = f"{tool}: the call ended otherwise when it was watched: {_ending(said)}"
        else:
            found[tool] = said
    return Collected(lines, found, missing, wanted)


def _ending(said: Profiled) -> str:
    return ": ".join(filter(None, (said.outcome.name, said.outcome.reason)))


def _profiled(report: Report, timeout_s: float) -> Profiled:
    if report.answer is None:
        return Profiled(outcome=report.failure(timeout_s))
    return answer_as(Profiled, report.answer)
