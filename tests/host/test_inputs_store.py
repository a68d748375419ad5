"""Inputs of a run: files among them, room for them, and nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import UnableError
from harness.host import inputs
from harness.host.host import Host, Report
from harness.host.inputs import PREFIX, FixtureStore, temporary_folder
from harness.run.session import describe
from harness.schema.records import Case, Value
from harness.schema.request import InputsRequest
from tests.lab import Lab

FILES = Path(__file__).parents[1] / "trial" / "files.py"

SCENARIO = """
import errno, os, signal, time
from pathlib import Path
import numpy as np
from harness import Scenario

scenario = Scenario(
    "stored", question="?", baseline="copy",
    parameters={"size": 4096, "npy": "", "fails": "", "returns": 0},
)

@scenario.inputs
def data(size, npy, fails, folder, returns):
    if returns:
        return np.zeros(returns, np.uint8)
    path = Path(folder) / "data.npy"
    if npy:
        path.symlink_to(npy)
        return path
    path.write_bytes(bytes(size))
    if fails == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    if fails == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if fails == "slow":
        time.sleep(60)
    if fails == "raises":
        raise ValueError("no data today")
    return path

@scenario.strategy()
def copy(path):
    return path.read_bytes()

@scenario.check
def same(path, result):
    assert result == path.read_bytes()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture
def store(place: Path) -> Iterator[FixtureStore]:
    with FixtureStore(1) as opened:
        yield opened


@pytest.fixture
def make(store: FixtureStore, host: Host, tmp_path: Path) -> Any:
    (tmp_path / "stored.py").write_text(SCENARIO)
    (info,) = describe(host, [tmp_path / "stored.py"])
    usual: dict[str, Any] = {"size": 4096, "npy": "", "fails": "", "returns": 0}

    def made(timeout_s: float = 30.0, **parameters: Any) -> Any:
        case = Case("stored", "copy", usual | parameters)
        return store.get(host, info, case, timeout_s)

    return made


def files_of(store: FixtureStore) -> list[str]:
    return sorted(path.name.partition(".")[2] for path in store.folder.iterdir())


def test_files_lie_beside_the_inputs_and_go_with_the_run(store: FixtureStore, make: Any) -> None:
    path, outcome = make()
    assert outcome.ok
    assert files_of(store) == ["bin", "files", "json"]
    assert (path.with_suffix(".files") / "data.npy").stat().st_size == 4096
    store.close()
    assert not store.folder.exists()


@pytest.mark.parametrize(
    ("fails", "name", "kind", "reason"),
    [
        ("full", "error", "disk full", "its inputs could not be made: the disk is full: OSError"),
        ("raises", "error", "", "its inputs could not be made: ValueError: no data today"),
        ("killed", "crash", None, "its inputs could not be made: SIGKILL"),
        ("slow", "timeout", None, "its inputs could not be made: no answer within 1 s"),
    ],
)
def test_inputs_that_cannot_be_made_leave_nothing(
    fails: str, name: str, kind: str | None, reason: str, store: FixtureStore, make: Any
) -> None:
    _, outcome = make(timeout_s=1.0 if fails == "slow" else 30.0, fails=fails)
    assert outcome.name == name
    assert outcome.reason.startswith(reason)
    assert kind is None or outcome.kind == kind
    assert files_of(store) == []


def test_a_failure_is_not_tried_again(make: Any) -> None:
    first = make(fails="raises")
    assert make(fails="raises")[1] is first[1]


def test_room_that_is_gone_when_it_is_wanted_is_lacking(
    store: FixtureStore, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the interpreter finds is less than what there was a moment ago."""
    wanted = 8 * 1024**2
    call, asked = Host.call, []

    def too_late(host: Host, request: Any, timeout_s: float) -> Report:
        report = call(host, request, timeout_s)
        if isinstance(request, InputsRequest):
            asked.append(request)
            return replace(report, answer={"needed_bytes": wanted})
        return report

    monkeypatch.setattr(Host, "call", too_late)
    _, outcome = make(returns=wanted)
    assert len(asked) == 2
    assert outcome.name == "skipped"
    assert outcome.reason.startswith("its inputs need 8 MiB in ")
    assert files_of(store) == []


# A user's own file


def test_a_users_file_is_linked_to_and_never_changed_or_removed(
    store: FixtureStore, make: Any, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    mine = own / "mine.npy"
    np.save(mine, np.ones((4, 4)))
    before, seen = mine.read_bytes(), mine.stat()
    path, outcome = make(npy=str(mine), size=64)
    assert outcome.ok
    link = path.with_suffix(".files") / "data.npy"
    assert link.is_symlink()
    # What a strategy writes beside its input lies in the run's own folder.
    link.with_suffix(".h5").write_bytes(b"converted")
    assert [file.name for file in own.iterdir()] == ["mine.npy"]
    inputs._remove(path)
    assert files_of(store) == []
    store.close()
    assert mine.read_bytes() == before
    after = mine.stat()
    assert (after.st_mtime_ns, after.st_size, after.st_ino) == (
        seen.st_mtime_ns,
        seen.st_size,
        seen.st_ino,
    )


def test_a_users_file_takes_no_room(make: Any, tmp_path: Path, free: dict[str, int]) -> None:
    np.save(tmp_path / "mine.npy", np.ones((4, 4)))
    free["bytes"] = 1000
    assert make(npy=str(tmp_path / "mine.npy"), size=10**6)[1].ok


# Room


@pytest.fixture
def free(store: FixtureStore, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Makes a disk of so many bytes of what the run has taken."""
    disk = {"bytes": 10**9}

    class Usage:
        def __init__(self, folder: Path) -> None:
            taken = sum(file.stat().st_size for file in store.folder.rglob("data.npy"))
            self.free = disk["bytes"] - taken

    monkeypatch.setattr(shutil, "disk_usage", Usage)
    return disk


def test_inputs_that_do_not_fit_are_skipped_with_both_figures(
    make: Any, free: dict[str, int]
) -> None:
    free["bytes"] = 1024
    _, outcome = make()
    assert outcome.name == "skipped"
    assert "its inputs need 4 KiB in" in outcome.reason
    assert "which has 1 KiB free" in outcome.reason


def test_inputs_used_longest_ago_make_room_and_are_made_anew(
    make: Any, free: dict[str, int]
) -> None:
    free["bytes"] = 30_000
    one, two = make(size=10_000)[0], make(size=10_001)[0]
    assert make(size=10_000)[0] == one  # used once more
    three = make(size=10_002)[0]
    assert [path.exists() for path in (one, two, three)] == [True, False, True]
    again, outcome = make(size=10_001)
    assert outcome.ok
    assert again == two
    assert [path.exists() for path in (one, two, three)] == [False, True, True]


def test_what_was_used_last_is_never_removed(make: Any, free: dict[str, int]) -> None:
    free["bytes"] = 20_000
    one = make(size=15_000)[0]
    _, outcome = make(size=18_000)
    assert outcome.name == "skipped"
    assert one.exists()


# After a crash


def test_a_run_that_was_killed_is_cleaned_up_after_by_the_next(place: Path) -> None:
    code = """
        import time
        from harness.host.inputs import FixtureStore
        store = FixtureStore(1)
        (store.folder / "inputs.files").mkdir()
        (store.folder / "inputs.files" / "data.npy").write_bytes(bytes(4096))
        print(store.folder, flush=True)
        time.sleep(60)
    """
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True, cwd=root
    ) as killed:
        assert killed.stdout is not None
        left = Path(killed.stdout.readline().strip())
        with FixtureStore(1):
            assert left.exists()  # while it runs, it is let alone
        killed.kill()
    assert (left / "inputs.files" / "data.npy").exists()
    with FixtureStore(1) as store:
        assert not left.exists()
        assert [folder.name for folder in place.glob(f"{PREFIX}*")] == [store.folder.name]


def test_a_trial_that_is_killed_leaves_nothing_in_scratch(store: FixtureStore, host: Host) -> None:
    lab = Lab(host, store.folder, FILES, "files")
    with store.clean_scratch():
        report = lab.measure("is_killed", kind="time", size=65536, page_cache="warm", learns="yes")
        assert report.exit_status == -signal.SIGKILL
        (left,) = store.scratch.rglob("left")
        assert left.stat().st_size == 4096
    assert not store.scratch.exists()


# A place that cannot be used


def test_a_place_that_is_no_folder_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "nowhere"):
        monkeypatch.setenv("TMPDIR", str(place))
        with pytest.raises(UnableError, match=f"the temporary folder {place} cannot be written"):
            FixtureStore(1)


def test_a_place_without_room_is_one_line(small_disk: Path) -> None:
    with pytest.raises(OSError, match="No space left"), (small_disk / "filler").open("wb") as file:
        file.write(bytes(10**6))
    with pytest.raises(UnableError, match="No space left on device; set TMPDIR to one with room"):
        temporary_folder()


def test_a_place_that_may_only_be_read_is_one_line(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(UnableError, match=f"{small_disk} cannot be written to: Read-only file sys"):
        temporary_folder()


def test_inputs_that_fill_the_disk_are_named(
    small_disk: Path, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stored.py").write_text(SCENARIO)
    (info,) = describe(host, [tmp_path / "stored.py"])
    usual: dict[str, Value] = {"npy": "", "fails": "", "returns": 0}
    case = Case("stored", "copy", {"size": 256 * 1024, **usual})
    with FixtureStore(1) as store:
        assert store.get(host, info, case, 30.0)[1].name == "skipped"
        # What inputs really take may be more than their size.
        monkeypatch.setattr(inputs, "_MARGIN", 0.0)
        smaller = Case("stored", "copy", {"size": 256 * 1024 + 1, **usual})
        _, outcome = store.get(host, info, smaller, 30.0)
        assert (outcome.name, outcome.kind) == ("error", "disk full")
        assert files_of(store) == []


def test_what_takes_more_than_its_size_says_is_weighed_before_it_is_written(
    small_disk: Path, host: Host, tmp_path: Path
) -> None:
    (tmp_path / "stored.py").write_text(SCENARIO)
    (info,) = describe(host, [tmp_path / "stored.py"])

    def case(returns: int) -> Case:
        given: dict[str, Value] = {"size": 4096, "npy": "", "fails": "", "returns": returns}
        return Case("stored", "copy", given)

    with FixtureStore(1) as store:
        one, two = (store.get(host, info, case(20_000 + more), 30.0)[0] for more in (0, 1))
        # What was used longest ago makes room
        three, outcome = store.get(host, info, case(30_000), 30.0)
        assert outcome.ok
        assert [path.exists() for path in (one, two, three)] == [False, True, True]
        # and what does not fit even then is not begun.
        four, outcome = store.get(host, info, case(300_000), 30.0)
        assert outcome.name == "skipped"
        assert outcome.reason.startswith("its inputs need 293 KiB in ")
        assert not four.exists()


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system of 64 KiB, which is the place for temporary files."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() or shutil.which("mount") is None:
        pytest.skip("only root may mount a small file system")
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")
    monkeypatch.setenv("TMPDIR", str(folder))
    try:
        yield folder
    finally:
        for _ in range(50):
            if not subprocess.run(["umount", str(folder)], check=False).returncode:
                break
            time.sleep(0.1)
