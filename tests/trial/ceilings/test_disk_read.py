"""The disk is measured cold, and nothing is left of the file that it takes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from harness.host.host import Host
from harness.schema.records import Ceiling, Work
from harness.schema.request import CeilingsRequest
from harness.selfcheck.planted import write_file
from harness.trial.ceilings import disk_read
from harness.trial.ceilings.measure import measure_ceilings
from harness.trial.meters.page_cache import evict, resident

SIZE = 8 * 1024**2
pytestmark = pytest.mark.skipif(
    not hasattr(os, "posix_fadvise"), reason="this system evicts no pages on request"
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write_file(tmp_path / "probe", 65536)
    if evict(tmp_path / "probe"):
        pytest.skip(f"{tmp_path} is in memory")
    (tmp_path / "probe").unlink()
    return tmp_path


WORKS = Work("disk_sequential", SIZE), Work("disk_random", SIZE, piece_bytes=4096)


def measured(place: Path, *works: Work) -> dict[str, Ceiling]:
    found = measure_ceilings(CeilingsRequest(works or WORKS, str(place)))["ceilings"]
    return {one["name"]: Ceiling(**one) for one in found}


def test_both_ceilings_say_how_they_were_read(place: Path) -> None:
    found = measured(place)
    assert set(found) == {"disk_sequential", "disk_random"}
    read = {"disk_sequential": SIZE, "disk_random": 4096 * min(1000, SIZE // 4096)}
    for name, ceiling in found.items():
        assert ceiling.bytes_per_s == pytest.approx(read[name] / min(ceiling.samples_s))
        assert "cold, read " in ceiling.note
        assert "again after eviction: " in ceiling.note
    assert list(place.iterdir()) == []


def test_every_pass_begins_with_a_file_that_is_not_in_memory(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before: list[int] = []

    def watched(fd: int, into: Any, offset: int) -> int:
        if offset in firsts:
            before.append(resident(place / f"ceiling-{SIZE}.bin"))
        return preadv(fd, into, offset)

    preadv = os.preadv
    firsts = {0}
    monkeypatch.setattr(disk_read, "RANDOM_READS", 1)
    monkeypatch.setattr(disk_read, "_here_and_there", lambda size, piece: [0])
    monkeypatch.setattr(os, "preadv", watched)
    measured(place)
    passes = 2 * disk_read.PASSES
    assert len(before) in (passes, 2 * passes)  # with O_DIRECT twice as many
    assert set(before) == {0}


def test_a_file_system_without_direct_reads_is_read_through_the_page_cache(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def refusing(path: Any, flags: int) -> int:
        if flags & disk_read._DIRECT:
            raise OSError(22, "Invalid argument")
        return opened(path, flags)

    monkeypatch.setattr(os, "open", refusing)
    found = measured(place).values()
    assert found
    for ceiling in found:
        assert "read through the page cache" in ceiling.note


@pytest.mark.parametrize("broken", ["preadv", "urandom"])
def test_the_file_is_removed_whatever_happens(
    broken: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*arguments: Any) -> Any:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, broken, breaks)
    assert all("Input/output error" in one.note for one in measured(place).values())
    assert list(place.iterdir()) == []


def test_what_is_answered_from_memory_is_no_ceiling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_read, "evict", lambda file: file.stat().st_size)
    for ceiling in measured(tmp_path).values():
        assert ceiling.bytes_per_s == 0
        assert "100% of a file cannot be evicted" in ceiling.note
    assert list(tmp_path.iterdir()) == []


def test_a_host_measures_it(host: Host, place: Path) -> None:
    answer = host.ask(CeilingsRequest(WORKS, str(place / "new")))
    assert [ceiling["name"] for ceiling in answer["ceilings"]] == ["disk_sequential", "disk_random"]
