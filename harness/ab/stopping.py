"""Which cases are measured next: those that are undecided, and after them those that were flagged.

A lap is a few pairs of every such case on two hosts that serve no other lap: how an allocator
happened to lay out a host's memory is the luck of all its trials. Both sides of a pair share that
luck (:mod:`harness.trial.timing.heap_layout`). Where a system does not let them, pairs on the same
hosts are no
independent witnesses, and in the second stage, where it counts, every pair has hosts of its own.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from harness.comparison.paired import PAIRS_A_BATCH, FirstWord, Pair, first_word, last_word

MOST_PAIRS = 40
"""Of a case that stays undecided, unless asked for otherwise."""


@dataclass
class Contender:
    """A case in the course of being decided."""

    first: list[Pair] = field(default_factory=list)
    again: list[Pair] = field(default_factory=list)
    word: FirstWord = "open"
    failed: bool = False  # on either side: nothing is left to time


@dataclass(frozen=True)
class PairBatch:
    """Pairs to measure on one pair of hosts.

    Args:
        number: counts all laps.
        again: flagged cases are measured anew.
        rounds: of cases, each in an order of its own.
    """

    number: int
    again: bool
    rounds: tuple[tuple[int, ...], ...]

    def round_of(self, index: int) -> int:
        """The number by which a trial knows its pair: unique for every case."""
        return self.number * PAIRS_A_BATCH + index


class StoppingRule:
    """Decides from lap to lap.

    Args:
        cases: that can be timed.
        tolerance: the share of time that is no difference.
        most_pairs: of a case in the first stage.
        seed: of the orders.
        decide: False measures every case as often, whatever comes of it.
        layout_is_shared: by both sides of a pair; otherwise pairs that count share no hosts.
    """

    def __init__(
        self,
        cases: Sequence[int],
        tolerance: float,
        most_pairs: int,
        seed: int,
        *,
        decide: bool = True,
        layout_is_shared: bool = True,
    ) -> None:
        self.contenders = {case: Contender() for case in cases}
        self.tolerance = tolerance
        self.most_pairs = most_pairs
        self.seed = seed
        self.decide = decide
        self.pairs_again = PAIRS_A_BATCH if layout_is_shared else 1

    def batches(self) -> Iterator[PairBatch]:
        """The laps to run; results are to be noted before the next one is asked for."""
        number = 0
        while cases := self._undecided():
            yield self._batch(number, cases, again=False)
            number += 1
        while cases := self._unconfirmed():
            yield self._batch(number, cases, again=True)
            number += 1

    def _batch(self, number: int, cases: Sequence[int], *, again: bool) -> PairBatch:
        rounds = []
        for index in range(self.pairs_again if again else min(PAIRS_A_BATCH, self.most_pairs)):
            order = list(cases)
            random.Random(f"{self.seed}/{number}/{index}").shuffle(order)
            rounds.append(tuple(order))
        return PairBatch(number, again, tuple(rounds))

    def note(self, case: int, pair: Pair, *, again: bool) -> None:
        """A duet has ended like this."""
        contender = self.contenders[case]
        (contender.again if again else contender.first).append(pair)

    def fail(self, case: int) -> None:
        """Nothing more is to be learned of a case."""
        self.contenders[case].failed = True

    def open(self, case: int) -> bool:
        """Whether a case still takes part."""
        return not self.contenders[case].failed

    def _undecided(self) -> list[int]:
        found = []
        for case, contender in self.contenders.items():
            if self.decide and contender.word == "open":
                contender.word = first_word(contender.first, self.tolerance)
            enough = len(contender.first) >= self.most_pairs
            if contender.word == "open" and not contender.failed and not enough:
                found.append(case)
        return found

    @property
    def flagged(self) -> list[int]:
        return [c for c, one in self.contenders.items() if one.word in ("slower", "faster")]

    def _unconfirmed(self) -> list[int]:
        flagged = self.flagged
        return [
            case
            for case in flagged
            if not self.contenders[case].failed and self._asks(case, len(flagged))
        ]

    def _asks(self, case: int, flagged: int) -> bool:
        one = self.contenders[case]
        return last_word(one.again, one.word, self.tolerance, flagged)[0] == "open"
