"""What a batch costs in the end: the time of an epoch, start-up included, by its batches."""

from __future__ import annotations

from harness.schema.loader import LoaderAnswer, LoaderSetting


def batch_s(answer: LoaderAnswer, length: int | None, setting: LoaderSetting | None) -> float:
    """Seconds of an epoch for each batch.

    Whole epochs count as they are, the first only if there was no other: what is done once a
    training is not done in every epoch. Of a part of an epoch it is the steady pace and, if the
    epoch's length is known, the start-up's share, unless workers stay.
    """
    whole = [one for one in answer.passes if one.ended and one.batches]
    if whole:
        counted = whole[1:] or whole
        return sum(one.total_s for one in counted) / sum(one.batches for one in counted)
    one = answer.passes[0]
    stays = setting is not None and setting.persistent_workers
    start = one.start_s / length if length and not stays else 0.0
    if not one.steady_batches:
        return one.total_s / one.batches
    return one.steady_s / one.steady_batches + start


def pace_s(answer: LoaderAnswer) -> float:
    """Seconds for each batch once batches come steadily, or of the whole where none do."""
    one = answer.passes[-1]
    if not one.steady_batches:
        return one.total_s / one.batches
    return one.steady_s / one.steady_batches
