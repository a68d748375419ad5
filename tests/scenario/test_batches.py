"""The check of loaders accepts what is right and says what is wrong with every planted fault."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.scenario.batches import number_rows, row_numbers, verify_epoch, verify_file_epoch
from harness.scenario.file_numbers import digests

ROWS, BATCH_SIZE = 50, 8  # the last batch has 2
Batches = list[Any]


def make_data(rows: int = ROWS, columns: int = 4, dtype: str = "float32") -> Any:
    values = np.random.default_rng(1).random((rows, columns))
    return number_rows((values * 200).astype(dtype) if dtype == "uint8" else values.astype(dtype))


DATA = make_data()
LABELS = np.random.default_rng(2).integers(0, 2**40, ROWS)
MIXED = np.random.default_rng(3).permutation(ROWS)


def in_batches(values: Any, size: int = BATCH_SIZE) -> Batches:
    """Batches with memory of their own."""
    starts = range(0, len(values), size)
    return [torch.tensor(values[start : start + size]) for start in starts]


def accept(batches: Any, **options: Any) -> None:
    verify_epoch(batches, DATA, **{"batch_size": BATCH_SIZE, **options})


def refuse(batches: Any, match: str, **options: Any) -> None:
    with pytest.raises(AssertionError, match=match):
        accept(batches, **options)


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64", "int64"])
@pytest.mark.parametrize("columns", [4, 5, 300])
def test_rows_say_which_they_are_whatever_the_dtype(dtype: str, columns: int) -> None:
    data = make_data(1000, columns, dtype)
    order = np.random.default_rng(4).permutation(1000)
    assert row_numbers(data).tolist() == list(range(1000))
    assert row_numbers(data[order]).tolist() == order.tolist()
    assert row_numbers(data[:, ::-1][:, ::-1][order]).tolist() == order.tolist()
    verify_epoch(in_batches(data[order]), data, batch_size=BATCH_SIZE, shuffle=True)


def test_rows_of_many_dimensions_are_numbered_in_place() -> None:
    data = np.ones((3, 2, 5), np.float32)
    assert number_rows(data) is data
    assert row_numbers(data).tolist() == [0, 1, 2]
    assert (data.reshape(3, -1)[:, 1:] == 1).all()
    assert number_rows(np.empty((0, 4), np.float32)).shape == (0, 4)


@pytest.mark.parametrize("data", [np.ones((4, 1), np.int16), np.ones((4, 8), np.float32)[:, ::2]])
def test_rows_that_cannot_hold_a_number_are_refused(data: Any) -> None:
    with pytest.raises(ValueError, match="cannot hold a number"):
        number_rows(data)


def test_data_without_numbers_is_a_mistake_of_the_scenario() -> None:
    data = np.ones((4, 4), np.float32)
    with pytest.raises(ValueError, match="are not numbered"):
        verify_epoch([torch.from_numpy(data)], data, batch_size=4)


@pytest.mark.parametrize("shape", [tuple, list, lambda parts: parts[0]], ids=["tuple", "list", "x"])
@pytest.mark.parametrize("shuffle", [False, True])
def test_right_batches_are_accepted_in_any_wrapping(
    shape: Callable[[Any], Any], shuffle: bool
) -> None:
    batches = in_batches(DATA[MIXED] if shuffle else DATA)
    accept([shape([batch]) for batch in batches], shuffle=shuffle)
    accept((shape([batch]) for batch in batches), shuffle=shuffle)


@pytest.mark.parametrize("shuffle", [False, True])
def test_labels_are_accepted_with_their_rows(shuffle: bool) -> None:
    order = MIXED if shuffle else np.arange(ROWS)
    pairs = list(zip(in_batches(DATA[order]), in_batches(LABELS[order]), strict=True))
    accept(pairs, labels=LABELS, shuffle=shuffle)
    accept([list(pair) for pair in pairs], labels=LABELS, shuffle=shuffle)


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_ragged_batch_comes_or_is_dropped_as_asked(shuffle: bool) -> None:
    batches = in_batches(DATA[MIXED] if shuffle else DATA)
    accept(batches[:-1], drop_last=True, shuffle=shuffle)
    refuse(batches, "batch 6 is one too many: 48 samples came before", drop_last=True, shuffle=True)
    refuse(batches[:-1], r"48 samples came, expected 50: row \d+ never came", shuffle=True)


def test_an_epoch_may_be_one_batch() -> None:
    accept(in_batches(DATA, ROWS), batch_size=ROWS)
    accept(in_batches(DATA, ROWS), batch_size=10 * ROWS)
    accept([], batch_size=10 * ROWS, drop_last=True)
    refuse([], "0 samples came, expected 50: row 0 never came", batch_size=10 * ROWS)


def changed(place: int, change: Callable[[torch.Tensor], Any]) -> Callable[[Batches], Batches]:
    """A fault in one batch."""
    return lambda batches: [*batches[:place], change(batches[place]), *batches[place + 1 :]]


def one_value(batch: torch.Tensor) -> torch.Tensor:
    batch[5, 3] += 1
    return batch


def first_row_again(batch: torch.Tensor) -> torch.Tensor:
    batch[3] = batch[2]
    return batch


def through_float16(batch: torch.Tensor) -> torch.Tensor:
    return batch.half().float()


def uninitialised(batch: torch.Tensor) -> torch.Tensor:
    batch[6:] = torch.nan
    return batch


def zero_tail(batch: torch.Tensor) -> torch.Tensor:
    batch[6:] = 0
    return batch


ANYWHERE: dict[str, tuple[Callable[[Batches], Batches], str]] = {
    "one value": (changed(2, one_value), r"batch 2: value .* at \[5, 3\], expected"),
    "a wider dtype": (changed(1, torch.Tensor.double), "batch 1 has dtype float64, expected float"),
    "a narrower dtype": (changed(0, torch.Tensor.half), "batch 0 has dtype float16, expected fl"),
    "an array": (changed(4, torch.Tensor.numpy), "batch 4 is of type ndarray, not a tensor"),
    "fewer columns": (changed(3, lambda b: b[:, :3]), r"batch 3 has samples of shape \(3,\)"),
    "flat": (changed(3, torch.Tensor.flatten), r"batch 3 has samples of shape \(\), expected \(4,"),
    "an uninitialised tail": (changed(5, uninitialised), "sample 6 of batch 5 is not a row .*nan"),
    "a tail of zeros": (
        changed(5, zero_tail),
        "sample 6 of batch 5 is not a row .* begins with .*0",
    ),
    "a row dropped": (changed(0, lambda b: b[:-1]), "batch 0 has 7 samples, expected 8"),
    "the last row dropped": (changed(6, lambda b: b[:-1]), "batch 6 has 1 samples, expected 2"),
    "a batch dropped": (lambda batches: batches[:-2] + batches[-1:], "batch 5 has 2 samples, exp"),
    "a batch too many": (lambda batches: [*batches, batches[0]], "batch 7 is one too many: 50 sam"),
    "an empty batch": (lambda batches: [batches[0][:0], *batches], "batch 0 has 0 samples, exp"),
    "labels nobody asked for": (changed(2, lambda b: (b, b)), "batch 2 has 2 parts, expected 1"),
}
IN_ORDER: dict[str, tuple[Callable[[Batches], Batches], str]] = {
    "a row twice": (changed(0, first_row_again), "sample 3 of batch 0 is row 2, expected row 3"),
    "two rows swapped": (
        changed(1, lambda b: b[[0, 2, 1, *range(3, 8)]]),
        "sample 1 of batch 1 is row 10, expected row 9",
    ),
    "batches swapped": (
        lambda batches: [batches[1], batches[0], *batches[2:]],
        "sample 0 of batch 0 is row 8, expected row 0",
    ),
    "shuffled": (
        lambda batches: in_batches(torch.cat(batches).numpy()[MIXED]),
        f"sample 0 of batch 0 is row {MIXED[0]}, expected row 0",
    ),
}
SHUFFLED: dict[str, tuple[Callable[[Batches], Batches], str]] = {
    "a row twice": (
        changed(0, first_row_again),
        rf"row {MIXED[2]} came 2 times, and row {MIXED[3]} never came",
    ),
    "a batch twice": (
        lambda batches: [batches[0], batches[0], *batches[2:]],
        r"row \d+ came 2 times, and row \d+ never came",
    ),
    "not shuffled": (
        lambda batches: in_batches(DATA),
        "the samples came in the data's order instead of shuffled",
    ),
}


@pytest.mark.parametrize("fault", ANYWHERE)
@pytest.mark.parametrize("shuffle", [False, True], ids=["in order", "shuffled"])
def test_faults_in_a_batch(fault: str, shuffle: bool) -> None:
    plant, match = ANYWHERE[fault]
    batches = in_batches(DATA[MIXED] if shuffle else DATA)
    accept(batches, shuffle=shuffle)
    refuse(plant(batches), match, shuffle=shuffle)


@pytest.mark.parametrize("fault", IN_ORDER)
def test_faults_in_the_order(fault: str) -> None:
    plant, match = IN_ORDER[fault]
    refuse(plant(in_batches(DATA)), match)


@pytest.mark.parametrize("fault", SHUFFLED)
def test_faults_in_a_shuffled_epoch(fault: str) -> None:
    plant, match = SHUFFLED[fault]
    refuse(plant(in_batches(DATA[MIXED])), match, shuffle=True)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("columns", [4, 256])
def test_a_silent_downcast_is_seen_although_the_dtype_is_right(shuffle: bool, columns: int) -> None:
    data = make_data(columns=columns)
    batches = in_batches(data[MIXED] if shuffle else data)
    for place in range(len(batches)):
        with pytest.raises(AssertionError, match=rf"sample \d of batch {place}|batch {place}: val"):
            verify_epoch(
                changed(place, through_float16)(batches),
                data,
                batch_size=BATCH_SIZE,
                shuffle=shuffle,
            )


LABEL_FAULTS: dict[str, tuple[Callable[[Batches], Batches], str]] = {
    "of the next row": (changed(1, lambda y: y.roll(1)), r"labels of batch 1: value .* at \[0\]"),
    "one of them": (
        changed(3, lambda y: torch.where(torch.arange(8) == 6, y + 1, y)),
        r"labels of batch 3: value .* at \[6\], expected",
    ),
    "of another batch": (lambda parts: [parts[1], parts[0], *parts[2:]], "labels of batch 0: val"),
    "a narrower dtype": (changed(0, torch.Tensor.int), "labels of batch 0: dtype int32, expected"),
    "too few": (changed(2, lambda y: y[:-1]), r"labels of batch 2: shape \(7,\), expected \(8,"),
    "arrays": (changed(2, torch.Tensor.numpy), "batch 2 is of type ndarray, not a tensor"),
}


@pytest.mark.parametrize("fault", LABEL_FAULTS)
@pytest.mark.parametrize("shuffle", [False, True])
def test_labels_that_do_not_belong_to_their_rows(fault: str, shuffle: bool) -> None:
    plant, match = LABEL_FAULTS[fault]
    order = MIXED if shuffle else np.arange(ROWS)
    pairs = zip(in_batches(DATA[order]), plant(in_batches(LABELS[order])), strict=True)
    refuse(pairs, match, labels=LABELS, shuffle=shuffle)


def test_labels_that_are_missing() -> None:
    refuse(in_batches(DATA), "batch 0 has 1 parts, expected 2", labels=LABELS)


def test_labels_in_their_own_order_beside_shuffled_data() -> None:
    pairs = zip(in_batches(DATA[MIXED]), in_batches(LABELS), strict=True)
    refuse(pairs, "labels of batch 0: value", labels=LABELS, shuffle=True)


def in_buffers(buffers: int, order: Any) -> Iterator[torch.Tensor]:
    """Batches in so many buffers, taken in turn."""
    memory = [torch.empty(BATCH_SIZE, 4) for _ in range(buffers)]
    for index, batch in enumerate(in_batches(DATA[order])):
        yield memory[index % buffers][: len(batch)].copy_(batch)


@pytest.mark.parametrize("buffers", [1, 2, 3])
@pytest.mark.parametrize("shuffle", [False, True])
def test_a_batch_must_keep_its_values_while_others_come(buffers: int, shuffle: bool) -> None:
    order = MIXED if shuffle else np.arange(ROWS)
    match = r"batch 0: value .* at \[0, 0\].*: it changed after a later batch was fetched"
    refuse(in_buffers(buffers, order), match, shuffle=shuffle)
    # A strategy that promises no more may reuse its memory.
    accept(in_buffers(buffers, order), shuffle=shuffle, reused=True)


def test_a_reused_buffer_must_hold_the_batch_that_was_asked_for() -> None:
    # GIVEN a loader that hands out its buffer and then fills it with the batch after
    def ahead() -> Iterator[torch.Tensor]:
        batches = in_batches(DATA)
        buffer = torch.empty(BATCH_SIZE, 4)
        for index, batch in enumerate(batches):
            following = batches[min(index + 1, len(batches) - 1)]
            buffer[: len(following)] = following
            yield buffer[: len(batch)]

    # THEN it is wrong even where memory may be reused
    refuse(ahead(), "sample 0 of batch 0 is row 8, expected row 0", reused=True)


def test_what_a_loader_raises_is_not_taken_for_a_wrong_value() -> None:
    def broken() -> Iterator[torch.Tensor]:
        yield in_batches(DATA)[0]
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        accept(broken())


def test_a_loader_is_closed_where_it_was_refused() -> None:
    # GIVEN a loader that keeps a thread until it is closed
    ended = threading.Event()

    def loader() -> Iterator[torch.Tensor]:
        try:
            yield from in_batches(DATA[MIXED])
        finally:
            ended.set()

    # WHEN its first batch is refused, and the error is still being looked at
    made = loader()
    with pytest.raises(AssertionError, match="sample 0 of batch 0 is row") as error:
        accept(made)

    # THEN it has ended
    assert error.tb is not None
    assert ended.is_set()


def test_only_two_batches_are_held() -> None:
    # GIVEN batches that note when they are freed
    alive: set[int] = set()
    most = 0

    class Noting(torch.Tensor):
        def __del__(self) -> None:
            alive.discard(id(self))

    def loader() -> Iterator[torch.Tensor]:
        nonlocal most
        for batch in in_batches(DATA, 2):
            made = batch.clone().as_subclass(Noting)
            alive.add(id(made))
            most = max(most, len(alive))
            yield made

    accept(loader(), batch_size=2)
    assert most <= 4  # the first, the previous, the current, and the one being made


# Files: rows are told by their values, whatever these are.


IN_FILE = DATA.reshape(ROWS, 2, 2)
CLASSES = np.random.default_rng(5).integers(0, 10, ROWS)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "rows.npy"
    np.save(path, IN_FILE)
    return path


def accept_file(batches: Any, path: Path, **options: Any) -> str:
    return verify_file_epoch(batches, path, **{"batch_size": BATCH_SIZE, **options})


def refuse_file(batches: Any, path: Path, match: str, **options: Any) -> None:
    with pytest.raises(AssertionError, match=match):
        accept_file(batches, path, **options)


def file_batches(order: Any = slice(None)) -> Batches:
    return in_batches(IN_FILE[order])


@pytest.mark.parametrize("shuffle", [False, True])
def test_right_batches_of_a_file_are_accepted(shuffle: bool, file: Path) -> None:
    order = MIXED if shuffle else np.arange(ROWS)
    accept_file(file_batches(order), file, shuffle=shuffle)
    pairs = zip(file_batches(order), in_batches(CLASSES[order]), strict=True)
    accept_file(pairs, file, labels=CLASSES, shuffle=shuffle)
    accept_file(in_batches(IN_FILE[order], ROWS), file, shuffle=shuffle, batch_size=ROWS)


FILE_FAULTS: dict[str, tuple[Callable[[Batches], Batches], str, str]] = {
    "one value": (
        changed(
            2,
            lambda b: b.index_put((torch.tensor(5), torch.tensor(1), torch.tensor(0)), b[0, 0, 1]),
        ),
        r"sample 5 of batch 2 is not row 21: value .*, expected .*, at \[1, 0\]",
        "sample 5 of batch 2 is not a row of the file; it begins with",
    ),
    "the last value of the last row": (
        changed(6, lambda b: torch.where(torch.arange(8).view(2, 2, 2) == 7, b + 1, b)),
        r"sample 1 of batch 6 is not row 49: .* at \[1, 1\]",
        "sample 1 of batch 6 is not a row of the file",
    ),
    "not a number": (
        changed(1, lambda b: torch.where(torch.arange(32).view(8, 2, 2) == 9, torch.nan, b)),
        r"sample 2 of batch 1 is not row 10: value .*nan.*, at \[0, 1\]",
        "sample 2 of batch 1 is not a row",
    ),
    "the values of a row swapped": (
        changed(0, lambda b: torch.cat([b[:3], b[3:4].flip(2), b[4:]])),
        "sample 3 of batch 0 is not row 3: value",
        "sample 3 of batch 0 is not a row",
    ),
    "a downcast": (
        changed(3, through_float16),
        "sample 0 of batch 3 is not row 24",
        r"sample \d of batch 3 is not a row",
    ),
    "zeros": (
        changed(5, zero_tail),
        "sample 6 of batch 5 is not row 46",
        r"sample 6 of batch 5 is not a row of the file; it begins with np.float32\(0.0\)",
    ),
    "another dtype": (
        changed(1, torch.Tensor.double),
        "batch 1 has dtype float64",
        "batch 1 has d",
    ),
    "flat": (changed(3, lambda b: b.flatten(1)), r"samples of shape \(4,\)", "samples of shape"),
    "a row twice": (
        changed(0, first_row_again),
        "sample 3 of batch 0 is row 2, expected row 3",
        rf"row {MIXED[2]} came 2 times, and row {MIXED[3]} never came",
    ),
    "a batch twice": (
        lambda batches: [batches[0], batches[0], *batches[2:]],
        "sample 0 of batch 1 is row 0, expected row 8",
        r"row \d+ came 2 times, and row \d+ never came",
    ),
    "a missing tail": (
        lambda batches: batches[:-1],
        "48 samples came, expected 50: row 48 never came",
        r"48 samples came, expected 50: row \d+ never came",
    ),
    "too many": (
        lambda batches: [*batches, batches[0]],
        "batch 7 is one too many",
        "batch 7 is one",
    ),
}


@pytest.mark.parametrize("fault", FILE_FAULTS)
@pytest.mark.parametrize("shuffle", [False, True], ids=["in order", "shuffled"])
def test_faults_in_batches_of_a_file(fault: str, shuffle: bool, file: Path) -> None:
    plant, in_order, shuffled = FILE_FAULTS[fault]
    batches = file_batches(MIXED if shuffle else slice(None))
    refuse_file(plant(batches), file, shuffled if shuffle else in_order, shuffle=shuffle)


def test_two_rows_of_a_file_swapped(file: Path) -> None:
    order = np.arange(ROWS)
    order[[9, 10]] = 10, 9
    match = "sample 1 of batch 1 is row 10, expected row 9"
    refuse_file(file_batches(order), file, match)
    accept_file(file_batches(order), file, shuffle=True)
    refuse_file(file_batches(), file, "came in the data's order instead of", shuffle=True)


@pytest.mark.parametrize("shuffle", [False, True])
def test_labels_that_do_not_belong_to_their_rows_of_a_file(shuffle: bool, file: Path) -> None:
    order = MIXED if shuffle else np.arange(ROWS)
    wrong = CLASSES[order].copy()
    wrong[12] = (wrong[12] + 1) % 10
    pairs = zip(file_batches(order), in_batches(wrong), strict=True)
    match = r"labels of batch 1: value .* at \[4\]"
    refuse_file(pairs, file, match, labels=CLASSES, shuffle=shuffle)


def test_a_batch_of_a_file_must_keep_its_values(file: Path) -> None:
    def loader() -> Iterator[torch.Tensor]:
        memory = torch.empty(BATCH_SIZE, 2, 2)
        for batch in file_batches():
            yield memory[: len(batch)].copy_(batch)

    match = r"batch 0: value .*, expected .* of row 0, at \[0, 0, 0\].*: it changed after a later"
    refuse_file(loader(), file, match)
    accept_file(loader(), file, reused=True)


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64"])
def test_rows_of_any_dtype_come_as_float32(dtype: str, tmp_path: Path) -> None:
    # GIVEN every byte, or numbers of which some fit float32 only after rounding
    some = np.random.default_rng(6).permutation(512).reshape(64, 8) % 256
    data = some.astype(dtype) if dtype == "uint8" else (some / 7).astype(dtype)
    np.save(tmp_path / "rows.npy", data)
    tensor = torch.from_numpy(data)
    # THEN what torch makes of them is right, and bytes that were not scaled are wrong
    right = tensor.float().div(255) if dtype == "uint8" else tensor.float()
    accept_file(in_batches(right.numpy()), tmp_path / "rows.npy")
    if dtype == "uint8":
        refuse_file(
            in_batches(tensor.float().numpy()), tmp_path / "rows.npy", "is not row 0: value"
        )
        refuse_file(
            in_batches(tensor.float().div(256).numpy()),
            tmp_path / "rows.npy",
            "is not row 0: value",
        )


@pytest.mark.parametrize("shuffle", [False, True])
def test_rows_that_are_equal_must_come_as_often_as_they_are_there(
    shuffle: bool, tmp_path: Path
) -> None:
    # GIVEN a file in which row 3 is there four times, as blank images are
    data = make_data().copy()
    data[[10, 20, 30]] = data[3]
    path = tmp_path / "rows.npy"
    np.save(path, data)
    order = MIXED if shuffle else np.arange(ROWS)
    # THEN they are accepted, and one too few or too many is not
    accept_file(in_batches(data[order]), path, shuffle=shuffle)
    for place, instead, match in ((20, 21, "came 2 times"), (21, 20, "row 3 came 5 times")):
        planted = order.copy()
        planted[list(order).index(place)] = instead
        refuse_file(in_batches(data[planted]), path, match, shuffle=True)


def alike(kind: str) -> Any:
    """Files of samples that are alike: all of them, or but for a few."""
    data = np.zeros((ROWS, 2, 2), np.float32)
    if kind == "blank but for 3":
        data[[7, 20, 33]] = make_data().reshape(ROWS, 2, 2)[:3]
    elif kind == "two kinds, in turn":
        data[::25] = 1
    elif kind == "constant":
        data += 0.5
    return data


@pytest.mark.parametrize("kind", ["zeros", "constant", "blank but for 3", "two kinds, in turn"])
def test_the_order_of_samples_that_are_alike_is_not_judged(kind: str, tmp_path: Path) -> None:
    # GIVEN a file whose samples come in so few orders that chance may give any
    data, path = alike(kind), tmp_path / "rows.npy"
    np.save(path, data)
    # THEN neither order is wrong, and it is said that none was seen
    for order in (np.arange(ROWS), MIXED):
        said = accept_file(in_batches(data[order]), path, shuffle=True)
        assert said.startswith(f"the order of {ROWS} samples, of which ")
    # THEN all else is judged
    assert accept_file(in_batches(data), path) == ""
    refuse_file(in_batches(data + 2), path, "is not a row of the file", shuffle=True)
    refuse_file(in_batches(data)[:-1], path, "samples came, expected", shuffle=True)


@pytest.mark.parametrize("blank", [2, 20, 30])
def test_the_order_is_judged_by_those_that_differ(blank: int, tmp_path: Path) -> None:
    data, path = make_data().copy(), tmp_path / "rows.npy"
    data[:blank] = 0
    np.save(path, data)
    assert accept_file(in_batches(data[MIXED]), path, shuffle=True) == ""
    refuse_file(in_batches(data), path, "came in the data's order", shuffle=True)


def test_few_samples_have_no_order_that_could_be_judged(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", DATA[:10])
    batches = in_batches(DATA[:10])
    said = accept_file(batches, tmp_path / "rows.npy", shuffle=True)
    assert said == "the order of 10 samples, of which 10 are different"
    numbered = verify_epoch(in_batches(DATA[:10]), DATA[:10], batch_size=8, shuffle=True)
    assert numbered == said


def test_samples_that_are_alike_may_have_different_labels(tmp_path: Path) -> None:
    # GIVEN blank images of three classes
    data, path = make_data().copy(), tmp_path / "rows.npy"
    data[[10, 20, 30, 40]] = 0
    labels = np.arange(ROWS) % 3
    np.save(path, data)

    def pairs(theirs: Any) -> Any:
        return zip(in_batches(data[MIXED]), in_batches(theirs), strict=True)

    # THEN each comes with its own, and one with that of another is wrong
    own = {"labels": labels, "shuffle": True}
    assert accept_file(pairs(labels[MIXED]), path, **own) == ""
    wrong = labels[MIXED].copy()
    wrong[list(MIXED).index(20)] = wrong[list(MIXED).index(10)]
    refuse_file(pairs(wrong), path, r"row \d+ came \d times, and row \d+ never came", **own)
    strange = np.where(labels[MIXED] == 0, 7, labels[MIXED])
    refuse_file(pairs(strange), path, "labels of batch 0: value", **own)


@pytest.mark.parametrize("dtype", ["uint16", "int32", "int64"])
def test_ids_come_as_int64(dtype: str, tmp_path: Path) -> None:
    data = np.random.default_rng(6).integers(0, 30_000, (ROWS, 4)).astype(dtype)
    np.save(tmp_path / "rows.npy", data)
    ids = data.astype(np.int64)
    assert accept_file(in_batches(ids[MIXED]), tmp_path / "rows.npy", shuffle=True) == ""
    refuse_file(in_batches(ids.astype("f4")), tmp_path / "rows.npy", "has dtype float32, expected")
    ids[12, 1] += 1
    refuse_file(in_batches(ids), tmp_path / "rows.npy", r"4 of batch 1 is not row 12: .*, at \[1\]")


@pytest.mark.parametrize("values", [1, 2, 16_384, 16_385, 50_000])
def test_any_change_changes_a_digest(values: int) -> None:
    # GIVEN a row, longer or shorter than what is weighed at once
    row = np.random.default_rng(7).random((1, values), dtype=np.float32)
    # WHEN one bit of one value is changed, or two values are swapped
    seen = {int(digests(row)[0])}
    places = sorted({0, values // 2, values - 1})
    for place in places:
        for bit in (0, 13, 31):
            other = row.copy()
            other.view(np.uint32)[0, place] ^= np.uint32(1 << bit)
            seen.add(int(digests(other)[0]))
    swaps = [(0, values - 1)] if values > 1 else []
    for one, two in swaps:
        other = row.copy()
        other[0, [one, two]] = other[0, [two, one]]
        seen.add(int(digests(other)[0]))
    # THEN no two digests are equal
    assert len(seen) == 1 + 3 * len(places) + len(swaps)
    # THEN it makes no difference what stands beside a row
    several = np.concatenate([row + 1, row, row + 2])
    assert digests(several)[1] == digests(row)[0]


def test_checking_a_file_takes_little_memory(tmp_path: Path) -> None:
    # GIVEN a file of 64 MiB, in rows of 4 KiB
    rows, mib = 16_384, 2**20
    path = tmp_path / "rows.npy"
    data = np.lib.format.open_memmap(path, "w+", np.float32, (rows, 1024))
    for start in range(0, rows, 1024):
        data[start : start + 1024] = np.random.default_rng(start).random((1024, 1024))

    # WHEN it is checked, batch by batch
    tracemalloc.start()
    try:
        loader = (torch.from_numpy(np.array(data[i : i + 64])) for i in range(0, rows, 64))
        verify_file_epoch(loader, path, batch_size=64)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    # THEN a piece of it is in memory, and some numbers for each row
    assert mib < peak < 32 * mib
