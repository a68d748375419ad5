"""Runs from the command line to the journal, with real hosts and a small scenario of a user."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pandas as pd
import psutil
import pytest

from harness.cases.frame import case_frame
from harness.cli import run
from harness.errors import EXIT_UNABLE
from harness.host.inputs import PREFIX
from harness.journal.read import read_journal
from tests.some import some

PAGE = Path(__file__).parents[2] / "docs" / "own-scenario.md"
SCENARIO = """
import os, time
import torch
from harness import Scenario

scenario = Scenario(
    "moving", question="Does it move?", baseline="copy", parameters={"size": 262144}
)

@scenario.inputs
def array(size, rng):
    return rng.random(size // 8)

@scenario.strategy(copies=1, shares_memory=False)
def copy(array):
    return torch.tensor(array)

@scenario.strategy(copies=0, shares_memory=True)
def share(array):
    return torch.from_numpy(array)

@scenario.strategy(shares_memory=False)
def claims_to_copy(array):
    return torch.from_numpy(array)

@scenario.strategy()
def forgets_the_last(array):
    return torch.tensor(array[:-1])

@scenario.strategy()
def returns_nothing(array):
    pass

@scenario.strategy()
def raises(array):
    raise ValueError("two\\nlines")

@scenario.strategy(refuses=lambda size: ["not today"])
def refuses(array):
    raise ValueError("Not today")

@scenario.strategy()
def dies(array):
    os.abort()

@scenario.strategy()
def hangs(array):
    time.sleep(60)

@scenario.strategy()
def too_much(array):
    return torch.empty(1 << 60)

@scenario.strategy(requires=["no_such_package"])
def needs_more(array):
    return torch.tensor(array)

@scenario.strategy()
def tells_its_environment(array):
    assert os.environ["PLANTED"] == "yes"
    return torch.tensor(array)

@scenario.check
def same(array, tensor):
    assert tensor.tolist() == array.tolist(), "values differ"
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(SCENARIO)
    return tmp_path / "mine.py"


def cases(path: str | Path = "run.jsonl") -> pd.DataFrame:
    frame = case_frame(read_journal(Path(path)))
    frame["name"] = frame.strategy + frame.host.map(lambda host: "" if host == "default" else "@x")
    return frame.set_index("name")


@pytest.mark.new_hosts
def test_every_way_to_end_is_seen_named_and_survived(mine: Path) -> None:
    arguments = ["run", "moving", "--scenarios", str(mine), "-o", "run.jsonl", "--trials", "1"]
    arguments += ["--timeout", "10s", "--host", "x:PLANTED=yes"]
    before = set(psutil.Process().children())  # hosts of other tests
    assert run(arguments) == 0
    rows = cases()
    expected = {
        "copy": ("ok", ""),
        "share": ("ok", ""),
        "claims_to_copy": ("wrong", "shares the inputs' memory, but is declared not to"),
        "forgets_the_last": ("wrong", "values differ"),
        "returns_nothing": ("wrong", "'NoneType' object has no attribute 'tolist'"),
        "raises": ("error", "ValueError: two lines"),
        "refuses": ("error", "ValueError: Not today"),
        "dies": ("crash", "SIGABRT"),
        "hangs": ("timeout", "no answer within 10 s"),
        "too_much": ("oom", "can't allocate memory"),
        "needs_more": ("skipped", "pip install no_such_package"),
        "tells_its_environment": ("error", "KeyError: 'PLANTED'"),
        "tells_its_environment@x": ("ok", ""),
    }
    for name, (outcome, words) in some(expected.items()):
        assert rows.outcome[name] == outcome, (name, rows.reason[name])
        assert words in rows.reason[name]
    # What failed was not tried again, and has no time.
    assert rows.trials["raises"] == 1
    assert pd.isna(rows.steady_median_s["raises"])
    some_pages = 8 / 64  # for small objects, which find no holes in the heap
    assert rows.copies["share"] == pytest.approx(0, abs=some_pages)
    assert rows.copies["copy"] == pytest.approx(1, abs=some_pages)
    assert rows.shares_memory["share"]
    assert not rows.shares_memory["copy"]
    assert not list(Path(os.environ.get("TMPDIR", "/tmp")).glob(f"{PREFIX}{os.getpid()}-*"))
    assert set(psutil.Process().children()) <= before


def test_spawned_trials_fill_the_same_fields(mine: Path) -> None:
    for start in ("fork", "spawn"):
        arguments = ["run", "moving/share", "--scenarios", str(mine), "--trials", "1"]
        assert run([*arguments, "--start", start, "-o", f"{start}.jsonl", "--seed", "5"]) == 0
    forked, spawned = cases("fork.jsonl"), cases("spawn.jsonl")
    assert read_journal(Path("spawn.jsonl")).header.plan.method == "spawn"
    for name in ("copy", "share"):
        one, other = forked.loc[[name]], spawned.loc[[name]]
        assert list(one.dropna(axis=1).columns) == list(other.dropna(axis=1).columns)
        for column in ("outcome", "payload_bytes", "shares_memory", "result", "threads"):
            assert one[column].tolist() == other[column].tolist()


def test_a_budget_in_which_nothing_is_measured_is_no_success(
    mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ["moving/copy", "moving/share", "--scenarios", str(mine), "--trials", "2"]
    assert run(["run", *chosen, "-o", "run.jsonl", "--budget", "1ms"]) == EXIT_UNABLE
    said = capsys.readouterr()
    assert "0 trials of 0 cases, 2 not reached" in said.out
    assert "incomplete: its budget was spent when 2 of 2 cases had not been reached" in said.out
    assert "ferrybench run --resume -o run.jsonl" in said.out
    assert said.err.splitlines()[-1] == (
        "ferrybench: nothing could be measured: the budget of 1 ms was spent before the first trial"
    )
    assert list(cases().outcome) == ["skipped", "skipped"]


def test_a_run_ends_with_its_verdicts_and_where_its_page_would_be(
    mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ["moving/share", "moving/refuses", "moving/raises", "--scenarios", str(mine)]
    assert run(["run", *chosen, "--trials", "3", "-o", "run.jsonl"]) == 0
    said = capsys.readouterr()
    first, verdict, last = said.out.splitlines()
    assert first == "run.jsonl: 10 trials of 4 cases, 1 failed, 1 refused as declared"
    assert verdict.startswith("moving at 256 KiB: ")
    assert "share" in verdict
    assert "faster than copy" in verdict
    run_id = read_journal(Path("run.jsonl")).header.run_id
    assert last == f"next: ferrybench report run.jsonl, which writes reports/{run_id}/index.html"
    assert "error: moving/raises 256 KiB: ValueError: two lines" in said.err
    assert "error: moving/refuses" not in said.err
    assert not read_journal(Path("run.jsonl")).remarks


def test_ctrl_c_leaves_a_journal_that_resume_completes(mine: Path) -> None:
    command = [sys.executable, "-m", "harness", "run", "moving/copy", "moving/share"]
    command += ["--scenarios", str(mine), "-o", "run.jsonl", "--trials", "300", "--seed", "1"]
    root = str(Path(__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": root}
    # Where the tests run in the background of a script Ctrl-C is ignored, and so by its children.
    heeded = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True
    )
    signal.signal(signal.SIGINT, heeded)
    with process:
        deadline = time.monotonic() + 60
        while not (Path("run.jsonl").exists() and Path("run.jsonl").read_bytes().count(b"\n") > 20):
            assert time.monotonic() < deadline, "no trials within a minute"
            time.sleep(0.05)
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "ferrybench run --resume -o run.jsonl" in out
    psutil.wait_procs(family, timeout=5)
    assert not [member for member in family if member.is_running()]
    before = read_journal(Path("run.jsonl"))
    assert before.ended == "interrupted"
    assert 0 < len(before.trials) < 602

    # The plan asks for 600 trials; take most of them away instead of waiting for them.
    lines = Path("run.jsonl").read_bytes().splitlines(keepends=True)
    header = msgspec.json.decode(lines[0])
    header["plan"]["effort"]["trials"] = 3
    keep = [line for line in lines[1:] if b'"kind":"trial"' in line][:3]
    Path("run.jsonl").write_bytes(msgspec.json.encode(header) + b"\n" + b"".join(keep) + b'{"ki')
    assert run(["run", "--resume", "-o", "run.jsonl"]) == 0
    after = read_journal(Path("run.jsonl"))
    assert after.ended == "complete"
    assert after.trials[:3] == before.trials[:3]
    assert len({(trial.case, trial.round) for trial in after.trials}) == len(after.trials) == 8
    assert run(["run", "--resume", "-o", "run.jsonl"]) == 0


def test_resume_refuses_what_has_changed(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ["moving/share", "--scenarios", str(mine), "--trials", "1"]
    assert run(["run", *chosen, "-o", "run.jsonl", "--budget", "1ms"]) == EXIT_UNABLE
    mine.write_text(SCENARIO.replace("from_numpy(array)", "as_tensor(array)"))
    capsys.readouterr()
    assert run(["run", "--resume", "-o", "run.jsonl"]) == 2
    assert "mine.py has changed since" in capsys.readouterr().err
    mine.unlink()
    assert run(["run", "--resume", "-o", "run.jsonl"]) == 2
    assert "mine.py no longer exists" in capsys.readouterr().err


def test_a_size_that_cannot_fit_is_refused_with_both_figures(
    mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ["moving/share", "--scenarios", str(mine), "--size", "8TiB", "-o", "run.jsonl"]
    assert run(["run", *chosen]) == 4
    error = capsys.readouterr().err.splitlines()[-1]
    assert re.search(
        r"nothing could be measured: needs about 16 TiB, but only [\d.]+ GiB is free", error
    )
    assert set(cases().outcome) == {"skipped"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import nothing_like_this", ["mine.py, line 1", "nothing_like_this"]),
        ("x = 1", ["mine.py", "declares no Scenario"]),
        ("def broken(:", ["mine.py, line 1"]),
        (SCENARIO.replace("@scenario.check", ""), ["mine.py", "moving: no @scenario.check"]),
        (SCENARIO.replace('baseline="copy"', 'baseline="cpy"'), ["mine.py", "no strategy 'cpy'"]),
        (SCENARIO.replace("size, rng", "sz, rng"), ["mine.py", "sz, which is not a parameter"]),
        (
            SCENARIO.replace("same(array, tensor)", "same(array, tensor, dtyp)"),
            ["mine.py: moving: its check names dtyp, which is neither", "there are size, strategy"],
        ),
        (
            SCENARIO.replace("def share(array)", "def share(array, siz)"),
            ["mine.py: moving: strategy share names siz, which is neither"],
        ),
        (
            SCENARIO.replace("lambda size: [", "lambda sizes: ["),
            ["mine.py: moving: refuses= of refuses names sizes, which is no parameter"],
        ),
        (
            SCENARIO.replace("@scenario.strategy()\ndef raises", "@scenario.strategy\ndef raises"),
            ["mine.py", "above raises, write @scenario.strategy() with its parentheses"],
        ),
        (SCENARIO.replace('"moving"', '"tensor_from_array"'), ["two scenarios are named"]),
        (SCENARIO.replace("rng.random(size // 8)", "{1: 2}"), ["inputs returned dict"]),
    ],
)
def test_a_scenario_that_cannot_be_used_is_one_line(
    mine: Path, text: str, words: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    mine.write_text(text)
    code = run(["run", "moving", "--scenarios", str(mine), "-o", "run.jsonl", "--trials", "1"])
    err = capfd.readouterr().err
    said = err if code else "".join(cases().reason)
    assert all(word in said for word in words), said
    assert "Traceback" not in err
    if code:
        assert code == 2
        assert not Path("run.jsonl").exists()


def test_the_scenario_in_the_docs_works_as_printed(mine: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    (text,) = [block for block in blocks if "@scenario.inputs" in block]
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) == 15
    mine.write_text(text)
    name = re.findall(r'Scenario\("(\w+)"', text)[0]
    arguments = ["run", name, "--scenarios", str(mine), "--size", "4MiB", "--trials", "1"]
    assert run([*arguments, "-o", "run.jsonl"]) == 0
    rows = cases()
    assert set(rows.outcome) == {"ok"}
    assert len(rows) == 2
    # Its cost model is right, too.
    assert rows.copies.sub(rows.expected_copies).abs().max() < 0.02


def test_a_host_that_is_killed_costs_one_trial(mine: Path) -> None:
    killer = "import ctypes, os, signal, time\n" + SCENARIO.replace(
        "os.abort()", "os.kill(os.getppid(), signal.SIGKILL); time.sleep(5)"
    )
    mine.write_text(killer)
    chosen = ["moving/dies", "moving/share", "--scenarios", str(mine), "--trials", "2"]
    assert run(["run", *chosen, "-o", "run.jsonl"]) == 0
    rows = cases()
    assert rows.outcome["dies"] == "crash"
    assert "host process was killed" in rows.reason["dies"]
    assert rows.outcome["share"] == rows.outcome["copy"] == "ok"
