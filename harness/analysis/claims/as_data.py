"""Verdicts as plain data: for JSON, and as rows of a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from harness.analysis.claims.evidence import Evidence
from harness.analysis.claims.judge import Answer
from harness.analysis.claims.verdict import PartVerdict
from harness.analysis.claims.wording import evidence_text, place_text


def row_of(run_id: str, answer: Answer) -> Mapping[str, Any]:
    """One claim's verdict, as a row."""
    judged, deciding = answer.judged, answer.deciding
    return {
        "run": run_id,
        "claim": judged.claim.code,
        "verdict": judged.verdict,
        "statement": judged.claim.statement,
        "source": judged.claim.source,
        "scenario": judged.claim.scenario,
        "evidence": evidence_text(judged),
        "why": judged.why,
        "command": deciding.text if deciding else "",
        "takes_s": round(deciding.takes_s) if deciding else None,
    }


def as_data(run_id: str, answers: Sequence[Answer]) -> list[Mapping[str, Any]]:
    """The same with every place of every part, for programs."""
    return [
        {**row_of(run_id, answer), "parts": [_part(one) for one in answer.judged.parts]}
        for answer in answers
    ]


def _part(one: PartVerdict) -> Mapping[str, Any]:
    part = one.part
    return {
        "metric": part.metric,
        "verdict": one.verdict,
        "at_least": part.at_least,
        "at_most": part.at_most,
        "missing": list(one.missing),
        "places": [
            _place(place, holds) for place, holds in zip(one.evidence, one.answers, strict=True)
        ],
    }


def _place(one: Evidence, holds: bool | None) -> Mapping[str, Any]:
    return {
        "strategy": one.place.strategy,
        "place": place_text(one),
        "holds": holds,
        "value": _known(one.centre),
        "low": _known(one.low),
        "high": _known(one.high),
        "lacks": one.lacks,
    }


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
