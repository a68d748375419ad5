"""What could not be used, in sentences: strategies that failed, and those kept as published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.analysis.failure_wording import ends, place_of
from harness.analysis.sweep import Sweep, setting
from harness.analysis.wording import series, shortened
from harness.cases.summary import CaseSummary

MOST_LETTERS = 120
"""What a sentence quotes of a reason; the table of failures has the whole."""


def nothing_measured(sweep: Sweep) -> str:
    """Why there is no verdict, by the commonest reason."""
    rows = sweep.main or sweep.others
    if not rows:
        return "Nothing was planned."
    reasons = [f"{row.outcome}: {row.reason}" for row in rows]
    commonest = max(dict.fromkeys(reasons), key=reasons.count)
    share = reasons.count(commonest)
    count = f"all {len(rows)}" if share == len(rows) else f"{share} of {len(rows)}"
    return f"No case completed; {count} cases ended as {commonest.rstrip('. ')}."


def _failed(row: CaseSummary) -> bool:
    return row.outcome not in ("ok", "skipped")


def not_usable(sweep: Sweep, rows: Sequence[CaseSummary]) -> str:
    """Strategies that failed, but for those kept as published."""
    published = {strategy.name for strategy in sweep.info.strategies if strategy.published}
    bad = [row for row in rows if _failed(row) and row.strategy not in published]
    if not bad:
        return ""
    return f"not usable here: {shortened([f'`{row.strategy}` ({_how(row)})' for row in bad])}"


def _how(row: CaseSummary) -> str:
    return f"{row.outcome}: {row.kind}" if row.kind and row.outcome != "wrong" else row.outcome


def as_published(sweep: Sweep) -> Iterator[str]:
    """How strategies that are kept as published fail, and where; nothing of those that work."""
    main = sweep.at(sweep.reference)
    alike: dict[tuple[str, str, str, str, str], list[str]] = {}
    for strategy in sweep.info.strategies:
        rows = [row for row in (*main, *sweep.main, *sweep.others) if row.strategy == strategy.name]
        bad = next((row for row in rows if _failed(row)), None)
        if strategy.published and bad is not None:
            departs, reason = setting(bad, sweep.info), _quoted(bad.reason)
            how = (bad.outcome, bad.kind, departs, reason, place_of(bad.where))
            alike.setdefault(how, []).append(f"`{strategy.name}`")
    for (outcome, kind, departs, reason, place), names in alike.items():
        verb = ends(outcome, kind, several=len(names) > 1)
        where = f" with {departs}" if departs else ""
        yield f"as published, {series(names)} {verb}{where}: {reason}{_at(place)}"


def _at(place: str) -> str:
    return f", at `{place}`" if place else ""


def _quoted(reason: str) -> str:
    """The first sentence of a reason, cut off where it is long."""
    text = reason.replace("`", "'").partition(". ")[0].rstrip(". ")
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS].rstrip()}…"
