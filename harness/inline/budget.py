"""What a measured function may cost, and what to do if it costs more.

A budget is written in keywords, the same ones everywhere: ``measurement.within(copies=1)`` and, in
a suite of pytest, ``@pytest.mark.ferrybench(copies=1)``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from harness.cases.copies import copied_bytes
from harness.errors import UsageError
from harness.inline.as_text import as_text
from harness.inline.costs import STRAY_BYTES, Costs
from harness.schema.records import MISSED
from harness.trial.base.outcomes import OPEN_FILES
from harness.trial.base.pointers import NO_ARRAYS
from harness.units import format_multiple, format_size, parse_size

STRAY_SHARE = 0.02  # of the payload
TELLING_BYTES = 1024**2
"""A payload smaller than this cannot tell its copies from what is stray."""
STRAY_FAULTS = 1.0  # a call


class BudgetExceededError(AssertionError):
    """A function cost more than it may; the message says what it cost and what to do."""


@dataclass(frozen=True)
class Breach:
    """One thing that was exceeded."""

    text: str
    advice: str


@dataclass(frozen=True)
class Budget:
    """What a function may cost; None sets no limit.

    Sizes are bytes, or text such as ``"64MiB"``, or ``"1.5x"``: a multiple of the payload.

    Args:
        copies: of the payload that may be alive at the peak of a call, including the result.
        peak: memory at the peak of a call, including mapped files.
        retained: memory that may be kept while the result is alive.
        left: memory that may remain after the result was dropped.
        shares_memory: whether the result shares the memory of the payload.
        faults: page faults of a call in the steady state.
        leaks: False forbids descriptors and processes that accumulate from call to call.

    Raises:
        UsageError: a keyword or a size is invalid.
    """

    copies: float | None = None
    peak: int | str | None = None
    retained: int | str | None = None
    left: int | str | None = None
    shares_memory: bool | None = None
    faults: float | None = None
    leaks: bool | None = None

    @classmethod
    def of(cls, keywords: dict[str, Any]) -> Budget:
        """The budget that some keywords stand for.

        Raises:
            UsageError: a keyword or a limit is invalid.
        """
        known = [field.name for field in fields(cls)]
        for name in keywords:
            if name not in known:
                raise UsageError(f"a budget has no {name!r}; there are {', '.join(known)}")
        budget = cls(**keywords)
        for name in ("copies", "peak", "retained", "left", "faults"):
            limit = getattr(budget, name)
            number = _parse(limit)[0] if isinstance(limit, str) else limit
            if number is not None and not number >= 0:  # nor is NaN, which everything would pass
                raise UsageError(f"{name}={limit!r} is not a limit: it must be zero or more")
        return budget

    @property
    def needs_repeats(self) -> bool:
        """Whether one call does not tell."""
        return self.faults is not None or self.leaks is not None

    def enforce(self, measurement: Costs) -> None:
        """Raise where a measurement exceeds the budget.

        Raises:
            BudgetExceededError: it does, or there is no measurement to judge by.
            UsageError: it cannot be judged, such as multiples of a payload that does not exist.
        """
        __tracebackhide__ = True
        leaked = self.leaks is False and measurement.outcome.kind == OPEN_FILES
        if not measurement.ok and not leaked:
            raise BudgetExceededError(failed(measurement))
        breaches = [_ALL_LEAKED] if leaked else list(self.breaches(measurement))
        if breaches:
            raise BudgetExceededError(told(breaches, measurement))

    def breaches(self, measurement: Costs) -> Iterator[Breach]:
        """Everything that was exceeded."""
        memory = list(self._memory(measurement))
        if not memory:
            self._confirm_known(measurement)
        yield from memory
        yield from self._sharing(measurement)
        yield from self._repeats(measurement)

    def _memory(self, measurement: Costs) -> Iterator[Breach]:
        ledger = measurement.ledger
        if ledger is None:
            return
        if self.copies is not None:
            if ledger.split_source == MISSED:
                raise UsageError(f"copies of {measurement.name} are not known: {MISSED}")
            copied = copied_bytes(ledger.peak)
            payload = _telling_payload(measurement, "copies=")
            if copied > self.copies * payload + _stray(payload):
                yield Breach(
                    f"{format_multiple(copied / payload)[:-1]} copies of the payload at the peak, "
                    f"{self.copies:g} allowed",
                    _SHARE_INSTEAD if not self.copies else _FEWER_COPIES,
                )
        for name, allowed, bytes_used, advice in (
            (_AT_PEAK, self.peak, ledger.peak_extra_bytes, _peak_advice(measurement)),
            ("kept with the result", self.retained, copied_bytes(ledger.retained), _RETAINED),
            ("left after the result was dropped", self.left, copied_bytes(ledger.left), _LEFT),
        ):
            if allowed is None or (ledger.doubt and name != _AT_PEAK):
                continue  # an allocator may also keep what the function does not
            limit = size_of(allowed, measurement)
            if bytes_used > limit + _stray(measurement.payload_bytes):
                yield Breach(
                    f"{format_size(bytes_used)} {name}, {_said(allowed, limit)} allowed", advice
                )

    def _confirm_known(self, measurement: Costs) -> None:
        """What is below a limit may be too low a figure: no budget passes by that."""
        limits = {
            "copies": self.copies,
            "peak": self.peak,
            "retained": self.retained,
            "left": self.left,
        }
        given = next((name for name, limit in limits.items() if limit is not None), "")
        doubt = measurement.ledger.doubt if measurement.ledger else "its memory was not measured"
        if given and doubt:
            raise UsageError(f"{given}= of {measurement.name} cannot be judged: {doubt}")

    def _sharing(self, measurement: Costs) -> Iterator[Breach]:
        shares, wanted = measurement.shares_memory, self.shares_memory
        if wanted is None or shares is wanted:
            return
        if shares is None:
            raise UsageError(
                f"shares_memory={wanted} of {measurement.name} cannot be judged: "
                f"{measurement.sharing_unknown}"
            )
        if wanted:
            yield Breach("the result does not share the payload's memory", _SHARE_INSTEAD)
        else:
            yield Breach("the result shares the payload's memory", _COPY_INSTEAD)

    def _repeats(self, measurement: Costs) -> Iterator[Breach]:
        faults = measurement.minor_faults_steady
        if self.faults is not None:
            if math.isnan(faults):
                raise UsageError(f"page faults of {measurement.name} were not measured")
            if faults > self.faults + STRAY_FAULTS:
                yield Breach(
                    f"{faults:,.0f} page faults per call in the steady state, "
                    f"{self.faults:g} allowed",
                    _FAULTS,
                )
        repeats = measurement.repeats
        if self.leaks is False:
            if repeats is None:
                raise UsageError(f"{measurement.name} was not called repeatedly")
            counts = {
                "open descriptors": repeats.descriptors,
                "processes": repeats.processes,
            }
            for what, count in counts.items():
                if count:
                    yield Breach(f"{count} more {what} after {repeats.calls} more calls", _LEAKS)
            unknown = [what for what, count in counts.items() if count is None]
            if unknown and not any(counts.values()):
                raise UsageError(
                    f"leaks=False of {measurement.name} cannot be judged: this system does not say "
                    f"which {' and '.join(unknown)} there are"
                )


_AT_PEAK = "at the peak"
_SHARE_INSTEAD = (
    "share instead of copying: torch.from_numpy, torch.as_tensor, np.asarray and views share where "
    "dtype and layout stay the same; torch.tensor, clone, astype and fancy indexing always copy"
)
_COPY_INSTEAD = (
    "copy, so that a change to one does not affect the other: tensor.clone(), array.copy()"
)
_FEWER_COPIES = (
    "keep less alive at the same time: convert and copy in one step (dtype=, out=), drop "
    "intermediates before making the next, or process the data in chunks"
)
_FILE_PAGES = (
    "this includes pages of mapped files, which the system can reclaim: copies= leaves them out"
)
_RETAINED = (
    "a result that is a view keeps everything it was taken from alive: copy the part that is "
    "needed, or return less"
)
_LEFT = (
    "something outlives the result: a cache, a global, a growing list, or a cycle that only the "
    "garbage collector can free"
)
_FAULTS = (
    "newly allocated memory is mapped page by page: reuse a buffer (out=, copy_, "
    "np.copyto), or keep one between calls"
)
_LEAKS = (
    "close what the call opens, in a with block; shut down pools and loaders with workers "
    "(shutdown(), del iterator) before returning"
)
_ALL_LEAKED = Breach(
    "open descriptors accumulate from call to call until there are too many", _LEAKS
)


def _peak_advice(measurement: Costs) -> str:
    ledger = measurement.ledger
    mapped = ledger is not None and ledger.peak.file_bytes > ledger.peak_extra_bytes / 2
    return _FILE_PAGES if mapped else _FEWER_COPIES


def told(breaches: list[Breach], measurement: Costs) -> str:
    """What was exceeded, the whole ledger, and what to do."""
    lines = [f"{measurement.name}: {'; '.join(breach.text for breach in breaches)}"]
    lines += ["", as_text(measurement), ""]
    lines += [f"to do: {text}" for text in dict.fromkeys(breach.advice for breach in breaches)]
    return "\n".join(lines)


def failed(measurement: Costs) -> str:
    """Why there is nothing to judge."""
    outcome = measurement.outcome
    lines = [f"{measurement.name} could not be judged: {outcome.name}: {outcome.reason}"]
    if outcome.where:
        lines.append(f"in {outcome.where}")
    if measurement.traceback:
        lines += ["", measurement.traceback.rstrip()]
    return "\n".join(lines)


def size_of(size: int | str, measurement: Costs) -> float:
    """A size of a budget in bytes."""
    if not isinstance(size, str):
        return size
    number, multiple = _parse(size)
    if not multiple:
        return number
    return number * _telling_payload(measurement, f"{size!r}")


def _parse(text: str) -> tuple[float, bool]:
    """A number, and whether it is a multiple of the payload instead of bytes."""
    stripped = text.strip().lower()
    if stripped.endswith(("x", "×")):
        try:
            return float(stripped[:-1]), True
        except ValueError:
            pass
    if stripped in ("0", "0b"):
        return 0.0, False
    try:
        return float(parse_size(text)), False
    except ValueError as error:
        raise UsageError(
            f"{text!r} is neither a size such as '64MiB' nor a multiple such as '1.5x'"
        ) from error


def _telling_payload(measurement: Costs, what: str) -> int:
    payload = measurement.payload_bytes
    if payload >= TELLING_BYTES:
        return payload
    found = f"its payload is {format_size(payload)}" if payload else NO_ARRAYS
    found = measurement.payload_unknown or found
    raise UsageError(
        f"{what} of {measurement.name} cannot be judged: {found}; measure with "
        f"{format_size(TELLING_BYTES)} or more, or pass payload="
    )


def _stray(payload_bytes: int) -> float:
    return max(STRAY_BYTES, STRAY_SHARE * payload_bytes)


def _said(allowed: int | str, limit: float) -> str:
    multiple = isinstance(allowed, str) and _parse(allowed)[1]
    return f"{allowed} = {format_size(limit)}" if multiple else format_size(limit)
