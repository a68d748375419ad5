"""What a call is given, as it is found: where, how much, and whether the result shares it."""

from __future__ import annotations

import functools
import mmap
import threading
from collections.abc import Callable
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import harness
from harness import Measurement
from harness.errors import UsageError
from harness.inline.call import Job
from harness.inline.measure import effort_of, measure_job
from harness.inline.references import references
from harness.inline.restoring import Saved
from harness.trial.base.contents import contents_of

X = np.arange(2.0**17)  # 1 MiB
DATA, copy = np.arange(2.0**17), np.arange(2.0**17) + 1
SETTINGS = SimpleNamespace(table=DATA, spare=copy)
MIB = 1024**2


def memory_of(function: Callable[..., Any], *args: Any, **options: Any) -> Measurement:
    return harness.measure(function, *args, trials=0, **options)


class Kept:
    table = copy


class Rows:
    def __init__(self) -> None:
        self.data = X

    def view(self) -> Any:
        return torch.from_numpy(self.data)

    def made(self) -> Any:
        return self.data + 1

    def __call__(self) -> Any:
        return self.view()


def helper() -> Any:
    return DATA.copy()


def decorated(function: Any) -> Any:
    @functools.wraps(function)
    def inner() -> Any:
        return function()

    return inner


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda: DATA.copy(), [DATA]),
        (lambda: [DATA.copy() for _ in range(2)], [DATA]),
        (lambda: (lambda: DATA.copy())(), [DATA]),
        (lambda: helper(), [DATA]),
        (helper, [DATA]),
        (decorated(helper), [DATA]),
        (functools.lru_cache(helper), [DATA]),
        (lambda: SETTINGS.table.copy(), [DATA]),
        (lambda: vars(SETTINGS), [DATA, copy]),
        (lambda: Kept.table.copy(), [copy]),
        (lambda: Kept().table.copy(), [copy]),
        (lambda: np.copy(X), [X]),
        (Rows().view, [X]),
        (Rows(), [X]),
        (functools.partial(Rows.view, Rows()), [X]),
        (X.copy, [X]),
        (lambda given=X: given.copy(), [X]),
        (lambda: harness.measure, []),
    ],
)
def test_a_function_refers_to_what_its_code_loads(
    function: Callable[..., Any], expected: list[Any]
) -> None:
    found = contents_of(value for _, value in references(function)).memory
    assert {id(one.value) for one in found} == {id(one) for one in expected}


@pytest.mark.parametrize(
    ("job", "source", "expected"),
    [
        (Job(np.copy, ((1, X),)), "arguments", MIB),
        (Job(lambda: DATA.copy()), "globals", MIB),
        (Job(Rows().view), "object", MIB),
        (Job(lambda name: DATA.copy(), (b"name",)), "globals", MIB),
        (Job(len, (bytes(10**6),)), "arguments", 10**6),
        (Job(np.copy, ([],)), "", 0),
        (Job(sum, ((n for n in range(3)),)), "", 0),
        (Job(np.copy, (X,), payload_bytes=5), "given", 5),
    ],
)
def test_the_source_of_a_payload_is_named(job: Job, source: str, expected: int) -> None:
    assert (job.payload.said_source, job.payload.nbytes) == (source, expected)


def test_closure_and_globals_are_told_apart() -> None:
    inner = np.ones(3)
    assert Job(lambda: (inner, DATA)).payload.said_source == "closure and globals"
    assert Job(lambda: inner).payload.said_source == "closure"


def test_attributes_are_no_globals() -> None:
    found = memory_of(lambda: DATA.copy())
    assert found.copies == pytest.approx(1, abs=0.04)  # 256 KiB of its 8 MiB
    assert "of its globals" in repr(found)


def test_sharing_is_found_in_objects_and_unknown_where_nothing_is_found() -> None:
    assert memory_of(Rows().view).shares_memory is True
    assert memory_of(Rows().made).shares_memory is False
    found = memory_of(lambda: np.ones(3))
    assert found.shares_memory is None
    assert "shared or not: it was given no arrays" in repr(found)
    assert "memory of its own" not in repr(found)
    for wanted in (True, False):
        with pytest.raises(UsageError, match=r"cannot be judged: it was given no arrays$"):
            found.within(shares_memory=wanted)


def test_a_payload_that_cannot_be_seen_judges_no_copies() -> None:
    found = memory_of(lambda values: [value + 1 for value in values], map(abs, [X]), warm=False)
    assert found.ok, found
    assert np.isnan(found.copies)
    assert any("its payload is not known: what a map" in text for text in found.remarks)
    with pytest.raises(UsageError, match="what a map has yet to give cannot be seen"):
        found.within(copies=1)


@pytest.mark.parametrize(
    ("argument", "function"),
    [
        (np.arange(2**17).astype("M8[s]"), lambda dates: torch.from_numpy(dates.view("i8"))),
        (np.arange(2**17).astype("m8[ns]"), lambda times: times[::2]),
        (np.zeros(2**17, "M8[s],i4"), lambda records: records["f0"]),
        (torch.ones(2**17).to_sparse(), lambda tensor: tensor.values()),
    ],
)
def test_types_without_a_buffer_are_no_failure_of_the_function(
    argument: Any, function: Callable[[Any], Any]
) -> None:
    found = memory_of(function, argument)
    assert found.ok, found
    assert found.verified == "compared with the first result"
    assert found.shares_memory is True
    assert found.copies == pytest.approx(0, abs=0.1)


def test_a_failure_of_ours_is_not_the_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*given: Any) -> Any:
        raise TypeError("no such type")

    monkeypatch.setattr("harness.inline.snapshot.leaves_of", breaks)
    found = memory_of(np.copy, X)
    assert found.ok
    assert found.verified == "not verified: comparing failed: TypeError: no such type"
    monkeypatch.setattr("harness.trial.base.pointers.sharing", breaks)
    failed = memory_of(np.copy, X)
    assert failed.outcome.reason == (
        "ferrybench failed while looking at its result: TypeError: no such type"
    )
    assert failed.outcome.kind == "ferrybench's own fault"


def test_a_fast_wrong_answer_in_a_tuple_is_no_time() -> None:
    found = harness.compare(
        {"a": lambda v: (1, torch.from_numpy(v)), "b": lambda v: (1, -torch.from_numpy(v))},
        X,
        trials=0,
    )
    assert found["a"].ok
    assert found["b"].outcome.name == "wrong"


def test_what_is_not_verified_is_shown_in_every_table() -> None:
    ways = {"list": lambda: [1], "lazy": lambda: (n for n in [1]), "set": lambda: [1]}
    found = harness.compare({"lazy": ways["lazy"]}, trials=0)
    assert found["lazy"].is_verified is False
    assert "not verified" in repr(found).splitlines()[1]
    assert "lazy: not verified: it is a generator" in repr(found)
    assert "<td>not verified</td>" in found._repr_html_()
    labels = [label.get_text() for label in found.figure().axes[0].get_yticklabels()]
    assert labels == ["lazy (baseline, not verified)"]
    assert found.frame.loc["lazy", "verified"] == "not verified: it is a generator"
    assert "ok, not verified: it is a generator" in found["lazy"]._repr_html_()
    same = harness.compare({"list": ways["list"], "set": ways["set"]}, trials=0)
    assert [line.split()[-1] for line in repr(same).splitlines()[1:3]] == ["verified"] * 2


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda path: (n for n in range(3)), "a generator"),
        (lambda path: iter([1, 2]), "a list_iterator"),
        (lambda path: map(abs, iter([1, 2])), "a map"),
        (lambda path: path.open(), "a TextIOWrapper"),
    ],
)
def test_what_the_first_call_uses_up_is_said(
    make: Callable[[Path], Any], what: str, tmp_path: Path
) -> None:
    (tmp_path / "lines").write_text("1\n2\n")
    items = make(tmp_path / "lines")
    try:
        found = memory_of(lambda: len(list(items)), check=False)
    finally:
        getattr(items, "close", lambda: None)()
    assert found.outcome.name == "error"
    assert found.outcome.reason.startswith(f"the first call uses up {what} that it is given")
    assert "\n" not in found.outcome.reason


def test_what_is_not_used_up_goes_on() -> None:
    endless = iter(lambda: 1, 2)
    found = memory_of(next, endless, check=False)
    assert found.ok, found
    assert any("yields each value only once" in text for text in found.remarks)


def shared_tensor(folder: Path) -> Any:
    tensor = torch.zeros(10)
    tensor.share_memory_()  # type: ignore[no-untyped-call]
    return tensor


def mapped(folder: Path) -> Any:
    return np.memmap(folder / "file", "f4", "w+", shape=(10,))


def mapped_tensor(folder: Path) -> Any:
    return torch.from_file(str(folder / "file"), shared=True, size=10)


@pytest.mark.parametrize("make", [shared_tensor, mapped, mapped_tensor])
def test_shared_memory_that_could_be_written_to_is_refused(
    make: Callable[[Path], Any], tmp_path: Path
) -> None:
    given = make(tmp_path)

    def fills(value: Any) -> None:
        value[:] = 7

    refused = pytest.raises(UsageError, match=r"can write to shared memory .*allow_shared=True")
    with refused:
        memory_of(fills, given)
    with refused:
        memory_of(lambda: fills(given))
    assert not given.any()
    assert memory_of(lambda value: value.sum(), given, allow_shared=True).ok


def test_shared_memory_of_python_is_refused_and_what_is_read_alone_is_not(tmp_path: Path) -> None:
    block = SharedMemory(create=True, size=4096)
    try:
        array = np.ndarray((10,), "f4", block.buf)
        with pytest.raises(UsageError, match="shared memory"):
            memory_of(np.sum, {"values": array})
        array.flags.writeable = False
        assert memory_of(np.sum, array).ok
        del array
    finally:
        block.close()
        block.unlink()
    np.save(tmp_path / "a.npy", X)
    assert memory_of(np.sum, np.load(tmp_path / "a.npy", mmap_mode="r")).ok
    assert memory_of(np.sum, np.load(tmp_path / "a.npy", mmap_mode="c")).ok


@pytest.mark.skipif(not Path("/proc/self/syscall").exists(), reason="needs /proc/self/syscall")
def test_a_lock_that_stays_locked_is_seen_at_once_and_names_the_threads() -> None:
    lock, held, done = threading.Lock(), threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            done.wait()

    holder = threading.Thread(target=hold, name="the-holder")
    holder.start()
    try:
        held.wait()
        found = memory_of(lock.acquire, timeout_s=600)
    finally:
        done.set()
        holder.join()
    assert (found.outcome.name, found.outcome.kind) == ("timeout", "hang")
    assert found.outcome.reason.startswith("it waits for a lock that no thread of its process can")
    assert "the-holder" in found.outcome.reason
    with pytest.raises(AssertionError, match=r"could not be judged: timeout: .*the-holder"):
        found.within(left=0)


def test_the_bytes_of_a_result_are_those_it_lies_in() -> None:
    assert memory_of(bytes, 1000).result_bytes == 1000
    assert memory_of(bytearray, 1000).result_bytes == 1000
    assert memory_of(lambda: {"a": (1, X)}).result_bytes == X.nbytes


def test_one_process_is_said_to_be_one() -> None:
    found = harness.compare({"one": abs, "other": abs}, -1, trials=1, steady_s=0.001)
    assert "each time is of one process" in repr(found)
    assert "(in one process alone)" in repr(found["one"])


def setup_of(*given: Any) -> Callable[[], Any]:
    return lambda: (given, {})


def test_a_payload_is_that_of_what_a_setup_makes() -> None:
    effort = effort_of(0, 0.0, 60.0)
    made = measure_job(Job(np.sum, setup=setup_of(X)), effort)
    assert (made.payload_bytes, made.payload_source, made.payload_unknown) == (MIB, "arguments", "")
    lazily = measure_job(Job(lambda items: None, setup=setup_of(iter([1]))), effort)
    said = "what a list_iterator has yet to give cannot be seen"
    assert (lazily.payload_bytes, lazily.payload_source) == (0, "")
    assert lazily.payload_unknown == said
    instead = measure_job(Job(lambda items: None, (iter([1]),), setup=setup_of(X)), effort)
    assert (instead.payload_bytes, instead.payload_unknown) == (MIB, "")


def test_shared_memory_that_comes_of_a_setup_is_refused(tmp_path: Path) -> None:
    given = shared_tensor(tmp_path)
    effort = effort_of(0, 0.0, 60.0)
    with pytest.raises(UsageError, match="can write to shared memory"):
        measure_job(Job(lambda value: value.fill_(7), setup=lambda: ((given,), {})), effort)

    def make() -> Any:
        return (shared_tensor(tmp_path),), {}

    found = measure_job(Job(lambda value: value.fill_(7), setup=make), effort)
    assert found.outcome.name == "error"
    assert "can write to shared memory" in found.outcome.reason
    assert measure_job(Job(torch.sum, setup=make, allow_shared=True), effort).ok


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: np.array([lambda: 1], object), "a numpy.ndarray"),
        (lambda: torch.ones(3).untyped_storage(), "a torch.UntypedStorage"),
    ],
)
def test_inputs_that_cannot_be_compared_may_have_changed(make: Any, what: str) -> None:
    found = memory_of(lambda items: None, make())
    assert f"whether it changes {what} cannot be told; it was not restored" in found.remarks


@pytest.mark.parametrize("make", [lambda: X, lambda: torch.empty(3, device="meta"), lambda: b"x"])
def test_inputs_that_are_compared_have_not_changed(make: Any) -> None:
    found = memory_of(lambda items: None, make())
    assert not any("cannot be told" in text for text in found.remarks)


def anonymous_bytes(address: int) -> int:
    """What of the mapping at an address is this process's own, by smaps."""
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        word = line.split()[0]
        if not word.endswith(":"):
            low, high = (int(end, 16) for end in word.split("-"))
            inside = low <= address < high
        elif inside and word == "Anonymous:":
            return int(line.split()[1]) * 1024
    raise AssertionError(f"nothing is mapped at {address:x}")


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs /proc/self/smaps")
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "c16"])
@pytest.mark.parametrize("tensors", [False, True])
def test_pages_are_restored_where_bits_differ(tmp_path: Path, dtype: str, tensors: bool) -> None:
    np.save(tmp_path / "a.npy", np.full(MIB // np.dtype(dtype).itemsize, np.nan, dtype))
    array = np.load(tmp_path / "a.npy", mmap_mode="c")
    array[0] = -0.0  # before the call, so that the file does not hold it
    saved = Saved(torch.from_numpy(array) if tensors else array)
    array[:] = 0.0
    assert anonymous_bytes(array.ctypes.data) >= MIB
    saved.restore_pages()
    assert np.signbit(array[0].real)
    assert np.isnan(array[1:]).all()
    assert anonymous_bytes(array.ctypes.data) <= 2 * mmap.PAGESIZE  # those at its ends


@pytest.mark.parametrize("seen_as", ["uint16", "bool", "bfloat16", "conj", "imag"])
def test_pages_of_any_tensor_are_restored(tmp_path: Path, seen_as: str) -> None:
    (tmp_path / "a").write_bytes(bytes(MIB))
    of_file = torch.from_file(str(tmp_path / "a"), False, MIB, dtype=torch.uint8)
    conjugate = of_file.view(torch.complex64).conj()
    seen = {"conj": conjugate, "imag": conjugate.imag}
    tensor = seen[seen_as] if seen_as in seen else of_file.view(getattr(torch, seen_as))
    of_file[4] = 1
    saved, before = Saved(tensor), tensor.clone()
    of_file.fill_(1)
    saved.restore_pages()
    assert torch.equal(tensor, before)


def test_memory_that_may_be_shared_is_refused_where_the_system_does_not_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = shared_tensor(tmp_path)
    monkeypatch.setattr("harness.trial.base.mapped._MAPS", tmp_path / "none")
    with pytest.raises(UsageError, match=r"perhaps a torch\.Tensor: this system does not say"):
        Job(torch.Tensor.fill_, (given, 7)).refuse_shared()
    for own in (X, X[3:], torch.ones(3), bytearray(3)):
        Job(len, (own,)).refuse_shared()
