"""Process trees are reaped: in a process of their own, as this one has the other tests' hosts."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.trial.base import process

ROOT = Path(__file__).parents[3]
PREAMBLE = """
import json, os, signal, subprocess, sys, time
from harness.trial.base import process

process.adopt_orphans()

def orphan(script):
    shell = subprocess.run(
        ["sh", "-c", f"setsid {script} >/dev/null 2>&1 & echo $!"], capture_output=True, text=True
    )
    return int(shell.stdout)

def say(**facts):
    print(json.dumps(facts))
"""


def in_a_process(script: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + textwrap.dedent(script)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_children_and_orphans_in_sessions_of_their_own_are_killed() -> None:
    found = in_a_process("""
        child = subprocess.Popen(["sleep", "600"]).pid
        lost = orphan("sleep 600")
        assert {child, lost} <= set(process.children())
        killed = process.kill_tree()
        say(made=sorted([child, lost]), killed=sorted(killed), left=process.children())
    """)
    assert found["killed"] == found["made"]
    assert found["left"] == []
    assert not any(psutil.pid_exists(pid) for pid in found["made"])


def test_descendants_are_killed_as_their_parents_hand_them_up() -> None:
    """Three generations, each in its own session and deaf to everything but SIGKILL."""
    found = in_a_process("""
        import tempfile

        with tempfile.NamedTemporaryFile("r") as note:
            if os.fork() == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                for _ in range(2):
                    if os.fork():
                        break
                    os.setsid()
                with open(note.name, "a") as file:
                    file.write(f"{os.getpid()} ")
                time.sleep(600)
            made = []
            while len(made) < 3:
                time.sleep(0.01)
                note.seek(0)
                made = [int(word) for word in note.read().split()]
        killed = process.kill_tree()
        say(made=sorted(made), killed=sorted(killed), left=process.children())
    """)
    assert len(found["made"]) == 3
    assert found["killed"] == found["made"]
    assert found["left"] == []
    assert not any(psutil.pid_exists(pid) for pid in found["made"])


def test_a_child_that_had_already_ended_was_not_left_behind() -> None:
    found = in_a_process("""
        for command in ("true", "false"):
            subprocess.Popen([command])
        os.kill(terminated := subprocess.Popen(["sleep", "600"]).pid, signal.SIGTERM)
        time.sleep(0.2)
        killed = process.kill_tree()
        say(killed=sorted(killed), left=process.children())
    """)
    assert found == {"killed": [], "left": []}


def test_with_no_children_nothing_happens() -> None:
    assert in_a_process("say(killed=sorted(process.kill_tree()))") == {"killed": []}


def test_a_child_dies_with_its_parent() -> None:
    found = in_a_process("""
        read_end, write_end = os.pipe()
        parent = os.fork()
        if parent == 0:
            child = os.fork()
            if child == 0:
                process.die_with_parent()
                os.write(write_end, b"ready")
                time.sleep(600)
            os.read(read_end, 5)
            os.write(write_end, str(child).encode())
            os._exit(0)
        os.waitpid(parent, 0)
        child = int(os.read(read_end, 20))
        pid, status = os.waitpid(child, 0)
        say(signal=os.WTERMSIG(status), same=pid == child)
    """)
    assert found == {"signal": 9, "same": True}


def test_free_memory_goes_back_to_the_system() -> None:
    found = in_a_process("""
        from harness.trial.meters.process_memory import ProcMeter
        meter = ProcMeter()
        blocks = [bytes(100_000) for _ in range(1000)]
        last = bytes(100_000)  # above all others on the heap, so that nothing is trimmed by itself
        del blocks
        before = meter.read().rss.anon_bytes
        process.release_free_memory()
        say(released=before - meter.read().rss.anon_bytes)
    """)
    assert found["released"] > 50_000_000


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sched(7)")
def test_running_before_others_is_said_only_where_it_is_true() -> None:
    found = in_a_process("""
        allowed = process.run_before_others()
        say(agree=allowed == (os.sched_getscheduler(0) == os.SCHED_FIFO))
    """)
    assert found["agree"]
    single = in_a_process("""
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
        say(allowed=process.run_before_others(), policy=os.sched_getscheduler(0))
    """)
    assert single == {"allowed": False, "policy": 0}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sched(7)")
def test_one_process_at_a_time_runs_before_others() -> None:
    found = in_a_process("""
        import subprocess, sys
        first = process.run_before_others()
        again = "from harness.trial.base import process; print(process.run_before_others())"
        def other():
            return subprocess.run([sys.executable, "-c", again], stdout=subprocess.PIPE, text=True)
        beside = other().stdout.strip()
        child = os.fork()
        if child == 0:  # a copy that ends does not give the turn away
            os._exit(0)
        os.waitpid(child, 0)
        say(first=first, beside=beside, still=other().stdout.strip())
    """)
    if not found["first"]:
        pytest.skip("not permitted, or another observer has its turn")
    assert (found["beside"], found["still"]) == ("False", "False")


@pytest.mark.parametrize(
    ("number", "first", "last", "between"),
    [
        (150, 100, 200, True),
        (100, 100, 200, True),
        (99, 100, 200, False),
        (201, 100, 200, False),
        # Numbers have begun again: 32,768 were given, and then 300 and on.
        (32_700, 32_500, 400, True),
        (350, 32_500, 400, True),
        (401, 32_500, 400, False),
        (32_400, 32_500, 400, False),
    ],
)
def test_numbers_of_processes_are_in_order_until_they_begin_again(
    number: int, first: int, last: int, between: bool
) -> None:
    assert process.given_between(number, first, last) is between


def test_what_processes_left_in_shared_memory_goes_after_their_numbers_began_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = tmp_path / f"torch_{ended.pid}_1"
    left.touch()
    monkeypatch.setattr(process, "_SHARED_MEMORY", tmp_path)
    monkeypatch.setattr(process, "_last_number", lambda: ended.pid + 20)
    process.remove_shared_memory(first=ended.pid + 10, since_s=0.0)
    assert left.exists(), "of another tree: it was there before"
    monkeypatch.setattr(process, "_last_number", lambda: ended.pid)
    process.remove_shared_memory(first=ended.pid + 10, since_s=0.0)
    assert not left.exists()
