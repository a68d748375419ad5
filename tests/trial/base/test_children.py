"""Real helpers of multiprocessing, told from real processes that somebody left running."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
PREAMBLE = """
import json, multiprocessing, os, signal, subprocess, sys, time
from harness.trial.base import children, process

process.adopt_orphans()
context = multiprocessing.get_context("forkserver")

def say(**found):
    print(json.dumps(found), flush=True)
"""


def in_a_process(script: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + textwrap.dedent(script)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_helpers_are_told_from_what_they_started_and_from_others() -> None:
    found = in_a_process("""
        other = subprocess.Popen(["sleep", "600"]).pid
        worker = context.Process(target=time.sleep, args=(600,))
        worker.start()
        all_ = children.children()
        say(
            helpers=len([pid for pid in all_ if children.is_helper(pid)]),
            servers=len([pid for pid in all_ if children.is_fork_server(pid)]),
            others=[pid for pid in all_ if not children.is_helper(pid)] == [other],
            served=children.served() == [worker.pid],
            worker_helps=children.is_helper(worker.pid),
            killed=process.kill_tree() == {other, worker.pid},
        )
        os._exit(0)  # multiprocessing would wait for the worker, which it was not told has ended
    """)
    assert found == {
        "helpers": 2,
        "servers": 1,
        "others": True,
        "served": True,
        "worker_helps": False,
        "killed": True,
    }


def test_a_program_that_only_names_a_helper_is_none() -> None:
    found = in_a_process("""
        named = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)", "multiprocessing.forkserver"]
        ).pid
        say(helps=children.is_helper(named), killed=process.kill_tree() == {named})
    """)
    assert found == {"helps": False, "killed": True}


def test_what_has_ended_is_no_helper_and_has_neither_children_nor_descriptors() -> None:
    found = in_a_process("""
        ended = subprocess.Popen(["true"])
        ended.wait()
        say(
            helps=children.is_helper(ended.pid),
            children=children.children(ended.pid),
            descriptors=list(children.open_descriptors(ended.pid)),
        )
    """)
    assert found == {"helps": False, "children": [], "descriptors": []}


def test_the_pipes_to_helpers_are_found_and_no_others() -> None:
    found = in_a_process("""
        def pipes():
            found = [link for _, link in children.open_descriptors() if link.startswith("pipe:")]
            return sorted(found)

        before = pipes()
        kept = os.pipe()
        worker = context.Process(target=int)
        worker.start()
        worker.join()
        worker.close()
        ours = {os.readlink(f"/proc/self/fd/{end}") for end in kept}
        new = set(pipes()) - set(before)
        helpers = children.helpers_pipes()
        say(helpers=len(helpers.intersection(pipes())), rest=new - helpers == ours)
    """)
    assert found == {"helpers": 2, "rest": True}


def test_a_forked_process_starts_a_fork_server_of_its_own_and_leaves_its_parents_alone() -> None:
    found = in_a_process("""
        def worker_ends_with(status):
            worker = context.Process(target=sys.exit, args=(status,))
            worker.start()
            worker.join()
            return worker.exitcode

        first = worker_ends_with(3)
        (server,) = [pid for pid in children.children() if children.is_fork_server(pid)]
        if (forked := os.fork()) == 0:
            try:
                children.forget_fork_server()
                same = worker_ends_with(4) == 4 and server not in children.children()
                os._exit(0 if same else 1)
            except BaseException:
                os._exit(2)
        _, status = os.waitpid(forked, 0)
        alive = children.is_fork_server(server)
        say(first=first, forked=os.waitstatus_to_exitcode(status), alive=alive,
            again=worker_ends_with(5))
    """)
    assert found == {"first": 3, "forked": 0, "alive": True, "again": 5}


def test_without_a_fork_server_there_is_nothing_to_forget() -> None:
    found = in_a_process("""
        children.forget_fork_server()
        say(loaded="multiprocessing.forkserver" in sys.modules)
    """)
    assert found == {"loaded": False}
