"""Files are put out of the page cache and into it, and it is noticed where they cannot be."""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.schema.records import PageCache
from harness.selfcheck.planted import _folder_on_disk, write_file
from harness.trial.base.outcomes import CannotObeyError
from harness.trial.meters import page_cache
from harness.trial.meters.page_cache import FileCache, evict, files_in, read_through, resident

SIZE = 8 * 1024**2
PAGE = mmap.PAGESIZE
pytestmark = pytest.mark.skipif(
    not hasattr(os, "posix_fadvise"), reason="this system evicts no pages on request"
)


@pytest.fixture
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    import tempfile

    with tempfile.TemporaryDirectory(dir=_folder_on_disk()) as folder:
        path = Path(folder) / "data.bin"
        write_file(path, SIZE)
        if evict(path):
            pytest.skip("there is no disk here: evicted files stay in memory")
        yield path


def test_what_is_read_is_resident_and_nothing_else(file: Path) -> None:
    assert resident(file) == 0
    with file.open("rb", buffering=0) as stream:
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_RANDOM)  # without reading ahead
        for page in (0, 7, 100):
            assert os.pread(stream.fileno(), 1, page * PAGE)
    assert resident(file) == 3 * PAGE
    read_through(file)
    assert resident(file) == SIZE
    assert evict(file) == 0


def test_counting_brings_nothing_in(file: Path) -> None:
    assert [resident(file) for _ in range(3)] == [0, 0, 0]


def test_what_has_just_been_written_is_evicted_too(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.write(b"dirty" * 100_000)
    assert evict(file) == 0


def test_the_last_page_counts_with_what_is_in_it(file: Path) -> None:
    with file.open("ab") as stream:
        stream.write(b"x" * 10)
    read_through(file)
    assert resident(file) == SIZE + 10


def found_by(cache: FileCache) -> PageCache:
    found = cache.found()
    assert found is not None
    return found


def test_an_empty_file_has_nothing_to_evict(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert evict(tmp_path / "empty") == 0
    cache = FileCache("cold", [tmp_path / "empty"])
    cache.prepare()
    assert found_by(cache).file_bytes == 0


# The state of a trial


def test_cold_is_verified_before_every_epoch(file: Path) -> None:
    cache = FileCache("cold", [file])
    for _ in range(3):
        cache.prepare()
        assert resident(file) == 0
        read_through(file)
        cache.note_after()
    found = found_by(cache)
    assert (found.state, found.file_bytes, found.epochs) == ("cold", SIZE, 3)
    assert (found.before_bytes, found.after_bytes) == (0, SIZE)


def test_an_eviction_that_does_nothing_is_noticed(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_through(file)
    monkeypatch.setattr(os, "posix_fadvise", lambda *arguments: None)
    with pytest.raises(CannotObeyError, match=r"page_cache=cold: 100% of 8 MiB stayed in memory"):
        FileCache("cold", [file]).prepare()


def test_a_mapping_that_is_kept_prevents_eviction_and_that_is_reported(file: Path) -> None:
    kept = np.memmap(file, np.uint8, "r")
    assert kept[: SIZE // 4 : PAGE].sum() == SIZE // 4 // PAGE
    with pytest.raises(CannotObeyError, match=r"page_cache=cold: \d+% of 8 MiB stayed in memory"):
        FileCache("cold", [file]).prepare()
    del kept
    FileCache("cold", [file]).prepare()


def test_a_file_in_memory_cannot_be_cold_and_can_be_warm() -> None:
    place = Path("/dev/shm")
    if not place.is_dir() or not os.access(place, os.W_OK):
        pytest.skip("there is no file system in memory")
    path = place / f"ferrybench-test-{os.getpid()}"
    try:
        write_file(path, SIZE)
        with pytest.raises(CannotObeyError, match=r"100% of 8 MiB stayed .* file system is in mem"):
            FileCache("cold", [path]).prepare()
        FileCache("warm", [path]).prepare()
    finally:
        path.unlink()


def test_warm_reads_in_what_is_missing_and_tells_the_least(file: Path) -> None:
    cache = FileCache("warm", [file])
    cache.prepare()
    assert resident(file) == SIZE
    evict(file)
    cache.prepare()
    assert found_by(cache).before_bytes == SIZE
    assert found_by(cache).epochs == 2


def test_what_is_said_of_several_epochs_is_the_worst_of_them(file: Path) -> None:
    """A page is in the other state in the second epoch of three: that is tolerated, and told."""
    with file.open("rb") as stream:
        cold = FileCache("cold", [file])
        cold.prepare()
        with mmap.mmap(stream.fileno(), SIZE, access=mmap.ACCESS_READ) as mapped:
            mapped.madvise(mmap.MADV_RANDOM)  # without its neighbours
            assert mapped[7 * PAGE] is not None
            cold.prepare()
        cold.prepare()
        assert found_by(cold).before_bytes == PAGE
        warm = FileCache("warm", [file])
        warm.prepare()
        os.posix_fadvise(stream.fileno(), 7 * PAGE, PAGE, os.POSIX_FADV_DONTNEED)
        warm.prepare()
        read_through(file)
        warm.prepare()
        assert found_by(warm).before_bytes == SIZE - PAGE


def test_a_file_that_does_not_stay_in_memory_cannot_be_warm(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_cache, "read_through", lambda file: None)
    with pytest.raises(CannotObeyError, match="page_cache=warm: only 0% of 8 MiB stayed in memory"):
        FileCache("warm", [file]).prepare()


def test_what_lies_beside_is_evicted_along_but_not_counted(file: Path) -> None:
    beside = file.with_suffix(".copy")
    write_file(beside, SIZE)
    cache = FileCache("cold", [file], [beside])
    cache.prepare()
    assert resident(beside) == 0
    assert found_by(cache).file_bytes == SIZE


def test_without_files_there_is_nothing_to_do(file: Path) -> None:
    for cache in (FileCache("cold", []), FileCache("", [file])):
        cache.prepare()
        cache.note_after()
        assert cache.found() is None
        assert not cache.starts_anew
    assert FileCache("cold", [file]).starts_anew
    assert not FileCache("warm", [file]).starts_anew


def test_files_are_found_in_folders_and_behind_links(tmp_path: Path) -> None:
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "data" / "deep" / "chunk").touch()
    (tmp_path / "mine").touch()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "mine")
    assert set(files_in(tmp_path / "data")) == {
        (tmp_path / "data" / "deep" / "chunk").resolve(),
        (tmp_path / "mine").resolve(),
    }
    assert list(files_in(tmp_path / "nothing")) == []


# Systems that cannot


def test_a_system_without_fadvise_is_skipped_with_the_reason(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "posix_fadvise")
    for state in ("cold", "warm"):
        with pytest.raises(CannotObeyError, match=f"page_cache={state}: .* no posix_fadvise"):
            FileCache(state, [file])


def test_a_system_without_mincore_is_skipped_with_the_reason(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Without:
        def __init__(self, *arguments: Any, **options: Any) -> None:
            pass

    monkeypatch.setattr(ctypes, "CDLL", Without)
    with pytest.raises(CannotObeyError, match="page_cache=warm: this system has no mincore"):
        FileCache("warm", [file])


def test_a_state_that_there_is_not(file: Path) -> None:
    with pytest.raises(CannotObeyError, match="page_cache=hot: it is cold or warm"):
        FileCache("hot", [file])


def test_of_somebody_elses_file_the_system_does_not_tell(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *arguments: False)
    monkeypatch.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)
    with pytest.raises(CannotObeyError, match="belongs to another user"):
        FileCache("cold", [file]).prepare()
