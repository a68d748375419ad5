"""``ferrybench ab``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from harness.ab.runner import contenders, run_ab
from harness.ab.session import SidesToCompare, open_ab_session
from harness.ab.spec import DUET, parse_side
from harness.ab.stopping import MOST_PAIRS, StoppingRule
from harness.cli.compare_verb import show, within, write
from harness.cli.measuring import until_stopped
from harness.cli.options import RESULTS
from harness.cli.run_verb import RunOptions
from harness.comparison.suite import Rules
from harness.comparison.tolerance import Tolerance, parse_tolerance
from harness.console import Progress, err, out
from harness.errors import EXIT_INTERRUPTED, UsageError
from harness.files.writing import refuse_overwriting_any
from harness.host.inputs import temporary_folder_for_workers
from harness.journal.lines import Header
from harness.journal.lock import refuse_second_writer
from harness.journal.read import read_journal
from harness.journal.shown import shown
from harness.journal.write import Journal
from harness.planning.plan import Request
from harness.run.session import Settings, scenario_files
from harness.trial.timing.heap_layout import layout_can_be_shared


@dataclass(frozen=True)
class MeasuringOptions:
    """What is measured, and how long.

    Parameters
    ----------
    full
        Every value of every parameter, not only those of a quick sweep.
    size
        Sizes of the data, such as 1MiB,64MiB, instead of the sweep's own.
    set_
        NAME=VALUE,…: values of a parameter instead of its default; may be repeated.
    budget
        Time budget, such as 5m. Cases undecided by then are listed.
    pairs
        Maximum number of pairs for a case that remains undecided.
    timeout
        How long one trial may take, such as 5m; one minute by default.
    seed
        Seed of the data and the order; random by default, and recorded.
    scenarios
        A module or folder with your own scenarios; may be repeated.
    """

    full: Annotated[bool, Parameter(negative=())] = False
    size: str | None = None
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative=())] = ()
    budget: str | None = None
    pairs: int = MOST_PAIRS
    timeout: str | None = None
    seed: int | None = None
    scenarios: Annotated[tuple[Path, ...], Parameter(negative=())] = ()

    def run_options(self) -> RunOptions:
        """The same, as options of ``run``."""
        return RunOptions(
            quick=not self.full,
            full=self.full,
            size=self.size,
            set_=self.set_,
            budget=self.budget,
            timeout=self.timeout,
            seed=self.seed,
        )


@dataclass(frozen=True)
class JudgingOptions:
    """What comes of it.

    Parameters
    ----------
    tolerance
        Differences to ignore; by default time=2%,memory=2%,faults=10%.
    strict
        Fail, too, if a case that was not skipped could not be decided or measured, or if nothing
        was judged.
    output
        The journal to write; results/ab-RUN.jsonl by default.
    markdown
        Also write a summary for a pull request to this file.
    junit
        Also write JUnit XML to this file.
    force
        Overwrite these files if they exist.
    """

    tolerance: str = ""
    strict: Annotated[bool, Parameter(negative=())] = False
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None
    markdown: Annotated[Path | None, Parameter(name="--markdown")] = None
    junit: Annotated[Path | None, Parameter(name="--junit")] = None
    force: Annotated[bool, Parameter(negative=())] = False


def ab_command(
    *targets: str,
    base: str = "",
    candidate: str = "",
    build: str = "",
    measured: Annotated[MeasuringOptions, Parameter(name="*")] = MeasuringOptions(),
    judged: Annotated[JudgingOptions, Parameter(name="*")] = JudgingOptions(),
) -> int:
    """Is the candidate worse than the base? Both are measured in one run, in turn.

    A side is an interpreter, a virtual environment, NAME=VALUE for an environment variable,
    path=FOLDER or rev=REVISION of the project in the current folder, or several of these separated
    by commas; whatever is left out is taken from this interpreter. Exit code 0: nothing is worse,
    1: something is, 3: nothing was judged, or what looks worse could not be measured again in
    time. Time counts here: what looks slower or heavier is measured again before it is reported.

    Parameters
    ----------
    targets
        SCENARIO or SCENARIO/STRATEGY; everything by default.
    base
        The side to compare with.
    candidate
        The side that may be worse.
    build
        A shell command to run in each revision that is checked out, such as "make".
    """
    rules = Rules(parse_tolerance(judged.tolerance), judged.strict)
    sides = SidesToCompare(
        parse_side(base, "--base"),
        parse_side(candidate, "--candidate"),
        build,
        judged.tolerance,
    )
    if not (base or candidate):
        raise UsageError("--base and --candidate are the same; name at least one of them")
    if measured.pairs < 1:
        raise UsageError(f"--pairs {measured.pairs}: at least 1 is needed")
    refuse_overwriting_any(
        (judged.output, judged.markdown, judged.junit),
        force=judged.force,
        read=scenario_files(measured.scenarios),
    )
    options = measured.run_options()
    request = options.request(targets)
    settings = options.settings(request.level)
    ended, path = _measure_into(
        sides,
        request,
        replace(settings, effort=replace(DUET, timeout_s=settings.effort.timeout_s)),
        lambda header: StoppingRule(
            contenders(header),
            rules.tolerance.time,
            measured.pairs,
            settings.seed,
            layout_is_shared=layout_can_be_shared(),
        ),
        rules.tolerance,
        measured.scenarios,
        judged.output,
        force=judged.force,
    )
    found = within(shown(read_journal(path)), rules)
    show(found)
    write(found, judged.markdown, judged.junit)
    out.print(f"judge again with: ferrybench compare {path}", soft_wrap=True)
    return EXIT_INTERRUPTED if ended == "interrupted" else found.exit_code


def _measure_into(
    sides: SidesToCompare,
    request: Request,
    settings: Settings,
    rule: Callable[[Header], StoppingRule],
    tolerance: Tolerance,
    user_paths: Sequence[Path],
    output: Path | None,
    *,
    force: bool,
) -> tuple[str, Path]:
    """Measure two sides against each other.

    Args:
        sides: the sides.
        request: what is measured.
        settings: how.
        rule: given the header, says which cases are measured how often.
        tolerance: what is no difference.
        user_paths: scenarios of the user's own.
        output: the journal; one in ``results`` if not given.
        force: overwrite it.

    Returns:
        The reason to stop, and the journal that was written.
    """
    if output is not None:
        refuse_second_writer(output)
    temporary_folder_for_workers()
    with ExitStack() as stack:
        with err.status("starting both sides"):
            session = stack.enter_context(open_ab_session(sides, request, settings, user_paths))
        path = output or RESULTS / f"ab-{session.header.run_id}.jsonl"
        journal = stack.enter_context(Journal.create(path, session.header, force=force))
        progress = stack.enter_context(Progress(err))
        header, pool = session.header, session.pool
        return until_stopped(
            lambda: run_ab(header, journal, pool, progress, rule(header), tolerance)
        ), path
