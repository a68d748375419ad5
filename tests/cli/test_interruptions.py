"""Whoever asks a run to stop, and however often: its journal ends, and its inputs are gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.cli.stopping import PATIENCE_S, SIGNALS, interrupted_once
from harness.errors import EXIT_INTERRUPTED
from harness.host.inputs import PREFIX
from harness.journal.read import read_journal

WAITS = """
import signal, sys, time
from pathlib import Path
from harness import cli
from harness.cli.measuring import until_stopped
from harness.host.inputs import FixtureStore
from harness.journal.write import Journal, says_when_interrupted
from tests.journals import header, planned

class Slow(FixtureStore):
    def close(self):
        time.sleep(0.5)  # while this goes on, others ask again
        super().close()

def measure(journal):
    with says_when_interrupted(journal), Slow(0):
        print("measuring", flush=True)
        for _ in range(600):
            time.sleep(0.1)  # a signal a moment before would be seen only after it

def run(arguments=None):
    with Journal.create(Path(sys.argv[1]), header([planned("base")])) as journal:
        return 130 if until_stopped(lambda: measure(journal)) == "interrupted" else 0

cli.run = run
cli.main()
"""


def stopped_by(
    folder: Path, numbers: list[signal.Signals], *, ignored: signal.Signals | None = None
) -> int:
    """The exit code of a program that is told to stop so often, a moment apart."""

    def ignore() -> None:
        for number in SIGNALS:  # this may run in the background, where some are ignored
            signal.signal(number, signal.SIG_DFL)
        if ignored is not None:
            signal.signal(ignored, signal.SIG_IGN)

    with subprocess.Popen(
        [sys.executable, "-c", WAITS, str(folder / "run.jsonl")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(folder)},
        preexec_fn=ignore,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "measuring\n"
        for number in numbers:
            process.send_signal(number)
            time.sleep(0.05)
        return process.wait()


def assert_well_ended(folder: Path, code: int) -> None:
    assert code == EXIT_INTERRUPTED
    assert read_journal(folder / "run.jsonl").ended == "interrupted"
    assert not list(folder.glob(f"{PREFIX}*"))


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_each_way_of_asking_ends_a_run_well(number: signal.Signals, tmp_path: Path) -> None:
    assert_well_ended(tmp_path, stopped_by(tmp_path, [number]))


def test_asking_again_changes_nothing(tmp_path: Path) -> None:
    asked = [signal.SIGINT, signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGINT]
    assert_well_ended(tmp_path, stopped_by(tmp_path, asked))


def test_what_is_ignored_stays_ignored(tmp_path: Path) -> None:
    asked = [signal.SIGHUP, signal.SIGHUP, signal.SIGTERM]
    code = stopped_by(tmp_path, asked, ignored=signal.SIGHUP)
    assert_well_ended(tmp_path, code)
    before = {one: signal.getsignal(one) for one in SIGNALS}
    with interrupted_once():
        assert signal.getsignal(signal.SIGTERM) is not before[signal.SIGTERM]
    assert {one: signal.getsignal(one) for one in SIGNALS} == before


def test_who_asks_much_later_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("harness.cli.stopping.time.monotonic", lambda: now[0])
    heard = []
    with interrupted_once():
        for at_s in (0.0, PATIENCE_S / 2, PATIENCE_S + 1, PATIENCE_S + 2):
            now[0] = at_s
            try:
                signal.raise_signal(signal.SIGTERM)
            except KeyboardInterrupt:
                heard.append(at_s)
    assert heard == [0.0, PATIENCE_S + 1]
