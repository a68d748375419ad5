"""Measuring ceilings: all that is asked for, pass by pass. A ceiling is the best of them."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from harness.schema.records import Ceiling, Work
from harness.schema.request import TOO_LATE, CeilingsRequest
from harness.trial.base.outcomes import failure
from harness.trial.ceilings.kind import Place, Timed, kinds

KEPT_SAMPLES = 5


def measure_ceilings(request: CeilingsRequest) -> dict[str, Any]:
    """Measure a ceiling for each kind of work and size that is asked for.

    Returns:
        ``ceilings``: a list of the fields of :class:`harness.schema.records.Ceiling`, in the order
        of the request. One that cannot be measured has a note in place of its rate.
    """
    place, found = Place(Path(request.folder)), dict[Work, Timed]()
    problems: dict[Work, str] = {}
    ends = time.monotonic() + request.allowed_s
    # The largest come first: smaller work goes into the same memory.
    order = sorted(request.works, key=lambda work: -max(work.read_bytes, work.written_bytes))
    try:
        for number in range(request.passes):
            for work in order:
                if work in problems or (number and kinds()[work.kind].settled):
                    continue
                if time.monotonic() > ends:
                    problems.update({} if number else {work: TOO_LATE})
                    continue
                try:
                    timed = _measured(work, place)
                except Exception as error:  # noqa: BLE001 — the others are limits all the same
                    problems[work] = failure(error).reason
                else:
                    found[work] = min(timed, found.get(work, timed), key=lambda one: _best_s(one))
    finally:
        place.remove_files()
    return {"ceilings": [asdict(_ceiling(one, found, problems)) for one in request.works]}


def _measured(work: Work, place: Place) -> Timed:
    if torch.get_num_threads() != work.threads:
        torch.set_num_threads(work.threads)
    return kinds()[work.kind].measure(work, place)


def _best_s(timed: Timed) -> float:
    return min(timed.samples_s) / (timed.moved_bytes or 1)


def _ceiling(work: Work, found: dict[Work, Timed], problems: dict[Work, str]) -> Ceiling:
    size_bytes, timed = work.read_bytes, found.get(work)
    if timed is None or work in problems:
        note = f"not measured: {problems.get(work, TOO_LATE)}"
        return Ceiling(work.kind, work.threads, size_bytes, 0.0, note=note, work=work)
    return Ceiling(
        name=work.kind,
        threads=work.threads,
        size_bytes=size_bytes,
        bytes_per_s=(timed.moved_bytes or work.moved_bytes) / min(timed.samples_s),
        samples_s=tuple(sorted(timed.samples_s)[:KEPT_SAMPLES]),
        note=timed.note,
        text=timed.text,
        work=work,
    )
