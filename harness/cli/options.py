"""Options that several verbs read the same way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.journal.read import began
from harness.schema.description import Level
from harness.schema.records import HostSpec
from harness.units import parse_duration

RESULTS = Path("results")


def chosen_level(*, quick: bool, full: bool) -> Level:
    """The level of a sweep.

    Raises:
        UsageError: both were asked for.
    """
    if quick and full:
        raise UsageError("--quick and --full exclude each other")
    return "quick" if quick else "full" if full else "usual"


def parse_seconds(text: str, option: str) -> float:
    """A duration option in seconds.

    Raises:
        UsageError: not a duration.
    """
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error


def parse_sets(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """``--set NAME=VALUE,VALUE`` options; repeated ones of a name add up.

    Raises:
        UsageError: no name, or no value.
    """
    sets: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not (name and equals and all(values.split(","))):
            raise UsageError(f"--set {text}: write NAME=VALUE or NAME=VALUE,VALUE")
        sets[name] = (*sets.get(name, ()), *values.split(","))
    return sets


def parse_hosts(texts: Sequence[str]) -> tuple[HostSpec, ...]:
    """``--host NAME:VAR=VALUE,…`` options; ``python=PATH`` chooses the interpreter.

    Raises:
        UsageError: no name, or something that is no assignment.
    """
    hosts = []
    for text in texts:
        name, _, settings = text.partition(":")
        pairs = [setting.partition("=") for setting in settings.split(",")]
        if not name or not all(variable and equals for variable, equals, _ in pairs):
            raise UsageError(f"--host {text}: write NAME:VARIABLE=VALUE or NAME:python=PATH")
        env = {variable: value for variable, _, value in pairs}
        hosts.append(HostSpec(name, env.pop("python", ""), env))
    return tuple(hosts)


def latest_journal(folder: Path = RESULTS, *, to_resume: bool = False) -> Path:
    """The journal whose run began last, by its header: files are copied, touched and checked out.

    Args:
        folder: where to look.
        to_resume: only among runs that can be taken up again, which those of two sides cannot.

    Raises:
        UsageError: there is none.
    """
    begun = {
        path: when
        for path in folder.glob("*.jsonl")
        if (when := began(path, to_resume=to_resume)) is not None
    }
    if not begun:
        raise UsageError(f"no journal in {folder}/; make one with: ferrybench run --quick")
    return max(begun, key=lambda path: (begun[path], path.stat().st_mtime))
