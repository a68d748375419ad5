"""Where a series may have changed: the optimal partition, by the library ruptures.

C. Truong, L. Oudre, N. Vayatis, Selective review of offline change point detection methods, Signal
Processing 167 (2020) 107299. Few runs are segmented at once and exactly: the partition that
minimises the squared deviations from each segment's mean, plus a penalty for each segment.

What is segmented are the ranks of the values, as in A. Lung-Yut-Fong, C. Lévy-Leduc, O. Cappé,
Homogeneity and change-point detection tests for multivariate data using rank statistics, Journal
de la Société Française de Statistique 156 (2015) 133: a single slow run then weighs no more than
the largest rank, and the noise need not be estimated, as the variance of ranks is known.

The penalty is a plain BIC's, variance × log(runs): small enough to propose too many change points
rather than too few. Which of them stand is decided by a test, in
:mod:`harness.history.significance`,
the weakest being taken back first, as does M. Fleming, P. Kolaczkowski et al., Hunter: Using Change
Point Detection to Hunt for Performance Regressions, ICPE 2023, arXiv 2301.03034. Ranks know nothing
of how far values lie apart; so a change that stands is moved to where the absolute deviations from
its two sides' medians are least.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from harness.errors import UnableError

Judge = Callable[[Sequence[int], Sequence[int]], float]
"""How doubtful a change is between two segments, given as indices: 0 certain, 1 none."""


def proposed(values: Sequence[float], least: int) -> list[int]:
    """The first index of each segment but the first.

    Args:
        values: one per run.
        least: runs that a segment must have.

    Raises:
        UnableError: ruptures is not installed.
    """
    if len(values) < 2 * least or min(values) == max(values):
        return []
    try:
        from ruptures import KernelCPD  # takes a second to import
        from scipy.stats import rankdata
    except ImportError as error:
        raise UnableError(
            f"change points need the package ruptures ({error}); its release 1.1.10 installs on "
            "Python 3.11 to 3.13: pip install ruptures"
        ) from error
    ranks = rankdata(values)
    penalty = ranks.var() * math.log(len(values))
    search = KernelCPD(kernel="linear", min_size=least).fit(ranks.reshape(-1, 1))
    return [int(end) for end in search.predict(pen=penalty)[:-1]]


def standing(cuts: Sequence[int], count: int, judge: Judge, level: float) -> list[int]:
    """The cuts that remain when those in doubt are taken back, the most doubtful first.

    Args:
        cuts: where segments begin.
        count: of runs.
        judge: how doubtful a change is.
        level: a change at most as doubtful stands.
    """
    left = list(cuts)
    while left:
        doubts = [judge(*around(left, count, index)) for index in range(len(left))]
        worst = max(range(len(left)), key=lambda index: doubts[index])
        if doubts[worst] <= level:
            break
        del left[worst]
    return left


def placed(values: Sequence[float], cuts: Sequence[int], least: int) -> list[int]:
    """Each cut moved to where its two sides, by their medians, fit best.

    Args:
        values: one per run.
        cuts: that stand; there is ruptures, then.
        least: runs that a segment must have.
    """
    if not cuts:
        return []
    from numpy import asarray
    from ruptures import Dynp

    moved = list(cuts)
    for index in range(len(moved)):
        before, after = around(moved, len(values), index)
        part = asarray(values[before.start : after.stop])
        best = Dynp(model="l1", min_size=least, jump=1).fit(part).predict(n_bkps=1)
        moved[index] = before.start + int(best[0])
    return moved


def around(cuts: Sequence[int], count: int, index: int) -> tuple[range, range]:
    """The segments before and after a cut."""
    edges = (0, *cuts, count)
    return range(edges[index], edges[index + 1]), range(edges[index + 1], edges[index + 2])
