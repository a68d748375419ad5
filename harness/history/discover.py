"""Which files hold runs, in the order in which they were measured, each run once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import UsageError
from harness.formats.open_results import read_run
from harness.history.readings import PastRun, past_run
from harness.journal.shown import shown

PATTERNS = ("*.jsonl", "*.json")
FILES_NAMED = 5
"""Files left out that are named with their reason; of others only how many they are is said."""


@dataclass(frozen=True)
class Gathered:
    """Runs, the earliest first, and what was left out or should be known of them."""

    runs: tuple[PastRun, ...]
    remarks: tuple[str, ...]


def discover(places: Sequence[Path], keep: Callable[[str], bool] = lambda key: True) -> Gathered:
    """Read every journal and every file of pytest-benchmark in folders, and files that are named.

    Args:
        places: files, and folders whose files are looked at; folders in them are not.
        keep: whether the case of a key is wanted; the others are forgotten at once.

    Raises:
        UsageError: a place does not exist, a file that is named cannot be read, or nothing in any
            of the folders can.
    """
    files = files_in(places)
    where = ", ".join(f"{place}" for place in places)
    if not files:
        raise UsageError(f"no journal in {where}; make one with: ferrybench run --quick")
    runs: dict[tuple[str, str], PastRun] = {}
    foreign: list[str] = []
    copies: list[str] = []
    merged: dict[tuple[str, str], frozenset[str]] = {}
    for path in files:
        try:
            read = shown(read_run(path))
            run = past_run(read, keep)
        except UsageError as error:
            if path in places:
                raise
            foreign.append(_reason(path, error))
            continue
        if not run.created:
            foreign.append(f"{path} (it does not say when it was measured)")
            continue
        same = runs.get(run.identity)
        if same is not None:
            copies.append(f"{path} (the run of {same.path})")
        if same is None or run.trials > same.trials:  # of an interrupted run, what was resumed
            runs[run.identity] = run
            merged[run.identity] = frozenset(one.run_id for one in read.header.sources)
    doubles = (runs.pop(identity) for identity in _of_others(merged))
    foreign += [f"{run.path} (merged of runs that are here)" for run in doubles]
    if not runs:
        raise UsageError(f"no run in {where}: {_some(foreign)}")
    remarks = (f"ignored: {_some(foreign)}", f"counted once: {_some(copies)}")
    told = tuple(text for text, any_ in zip(remarks, (foreign, copies), strict=True) if any_)
    return Gathered(tuple(sorted(runs.values(), key=_when)), told)


def _of_others(merged: Mapping[tuple[str, str], frozenset[str]]) -> list[tuple[str, str]]:
    """Merged runs that hold trials of another run, which would count twice."""
    alone = {run_id for (run_id, _), sources in merged.items() if not sources}
    return [identity for identity, sources in merged.items() if sources & alone]


def files_in(places: Sequence[Path]) -> list[Path]:
    """The files that places stand for, each once.

    Raises:
        UsageError: a place does not exist.
    """
    return list(dict.fromkeys(path for place in places for path in _files(place)))


def _files(place: Path) -> Iterator[Path]:
    if place.is_dir():
        yield from sorted(path for pattern in PATTERNS for path in place.glob(pattern))
    elif place.exists():
        yield place
    else:
        raise UsageError(f"{place} does not exist; name journals, or folders with journals")


def _reason(path: Path, error: UsageError) -> str:
    """``x.json (not a ferrybench journal)``: the message without the path it begins with."""
    text = str(error)
    for start in (f"{path}, line 1: ", f"{path}, ", f"{path}: ", f"{path} "):
        if text.startswith(start):
            return f"{path} ({text.removeprefix(start)})"
    return f"{path} ({text})"


def _some(texts: Sequence[str]) -> str:
    more = f", and {len(texts) - FILES_NAMED} more" if len(texts) > FILES_NAMED else ""
    return ", ".join(texts[:FILES_NAMED]) + more


def _when(run: PastRun) -> tuple[datetime, str]:
    """When a run was measured; where the time has no offset from UTC, it is taken for that."""
    created = datetime.fromisoformat(run.created)
    return created if created.tzinfo else created.replace(tzinfo=UTC), run.run_id
