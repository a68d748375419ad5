"""A run as it is shown to people: no text in it ends a line, moves a cursor or fills a screen.

Names, reasons and versions come from the file, and a file may be anybody's. Reports, comparisons
and histories are made of what this returns; exports of the run as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any, TypeVar

from harness.journal.lines import Run
from harness.schema.description import ScenarioInfo, StrategyInfo
from harness.schema.records import Trial
from harness.schema.texts import LONGEST_SHOWN, TAG_LENGTH, clipped, one_line, tagged, visible

T = TypeVar("T")
_CODE = frozenset({"source", "doc"})
"""Fields of a strategy, of several lines."""
_PROSE = frozenset(
    {"question", "doc", "groups", "possible", "reason", "where", "skip", "note", "text"}
    | {"warnings", "unverified", "path"}
)
"""Fields of one line, which are no names: two of them may be shown alike."""
_LONGEST_PROSE = 1000


def shown(run: Run) -> Run:
    """The run with such texts only; what needs no change is the same object."""
    return replace(
        run,
        header=_inert(run.header),
        trials=[trial if _plain(trial) else _inert(trial) for trial in run.trials],
        ceilings=[_inert(line) for line in run.ceilings],
        remarks=[_prose(remark) for remark in run.remarks],
    )


def shown_scenario(info: ScenarioInfo) -> ScenarioInfo:
    """The same of a scenario that was not read from a file, but declared in one."""
    return _inert(info)


def shown_strategy(info: StrategyInfo) -> StrategyInfo:
    """The same of a strategy."""
    return _inert(info)


def _plain(trial: Trial) -> bool:
    """Whether a trial is like most: there may be tens of thousands."""
    if trial.limit or trial.page_cache or trial.device_timing or trial.device_memory or trial.tree:
        return False
    outcome, ledger = trial.outcome, trial.ledger
    return (
        _prose(outcome.reason) == outcome.reason
        and _prose(outcome.where) == outcome.where
        and _prose(trial.unverified) == trial.unverified
        and all(_prose(one) == one for one in trial.warnings)
        and _all_plain((outcome.kind, trial.result, *trial.dtypes))
        and (not ledger or _all_plain((ledger.source, ledger.split_source, ledger.at_least)))
    )


@cache
def _all_plain(texts: tuple[str, ...]) -> bool:
    return all(_name(one) == one for one in texts)


def _name(text: str) -> str:
    """A name on one line; of two that differ, no change makes one."""
    plain = one_line(text)
    return (
        clipped(text) if plain == text else tagged(clipped(plain, LONGEST_SHOWN - TAG_LENGTH), text)
    )


def _prose(text: str) -> str:
    return clipped(one_line(text), _LONGEST_PROSE)


def _inert(value: T, write: Callable[[str], str] = _name) -> T:
    """A value with all that it is made of; the same object where nothing changes.

    Args:
        value: any part of a run.
        write: how the texts of the field that it stands in are shown.
    """
    found: Any = value
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, str):
        found = write(value)
    elif isinstance(value, list | tuple):
        if value and not isinstance(value[0], int | float):
            items = [_inert(item, write) for item in value]
            found = value if _same(items, value) else type(value)(items)
    elif isinstance(value, Mapping):
        given = {_inert(name): _inert(item, write) for name, item in value.items()}
        found = value if given == value else given
    elif is_dataclass(value):
        pairs = [(one.name, getattr(value, one.name)) for one in fields(value)]
        writes = {name: _written(value, name) for name, _ in pairs}
        changed = {
            name: new for name, old in pairs if (new := _inert(old, writes[name])) is not old
        }
        found = replace(value, **changed) if changed else value  # type: ignore[type-var]
    return found  # type: ignore[no-any-return]


def _same(items: list[Any], before: Any) -> bool:
    return all(new is old for new, old in zip(items, before, strict=True))


def _written(whole: object, field: str) -> Callable[[str], str]:
    """How the texts of a field are shown."""
    if isinstance(whole, StrategyInfo) and field in _CODE:
        return visible
    return _prose if field in _PROSE else _name
