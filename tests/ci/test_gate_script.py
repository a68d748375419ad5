"""docs/ci/gate.sh, run on two revisions of a repository: nothing in between is pretended."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.ci.repositories import ROOT, Repository
from tests.ci.repositories import SCENARIO as SCENARIO_FILE

SCENARIO = "ferrybench run --scenarios ci/mine.py mine --trials 0 --size 1MiB --seed 1 -o {}"
IMPORTED = ("torch.from_numpy(array)\n", "own.share(array)\n", 1)
BENCHMARKS = (
    "pytest benchmarks --ferrybench-memory --benchmark-disable-gc --benchmark-max-time=0.01 "
    "--benchmark-json={}"
)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.create(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("measure", "store", "file", "baseline", "case"),
    [
        (SCENARIO, f"{SCENARIO} --memory-trials 8", "ci/mine.py", "ci/gate.jsonl", "mine/share"),
        (BENCHMARKS, BENCHMARKS, "benchmarks/test_mine.py", "ci/gate.json", "test_share"),
    ],
    ids=["scenario", "pytest"],
)
def test_a_planted_copy_is_an_exit_code_a_summary_and_a_failure(
    repository: Repository,
    measure: str,
    store: str,
    file: str,
    baseline: str,
    case: str,
    tmp_path: Path,
) -> None:
    bases = "1" if measure == SCENARIO else "8"
    stored = repository.shell(f"ci/gate.sh --store {baseline} {store}", GATE_BASES=bases)
    assert "new baseline" in stored.stdout
    told = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    same = repository.shell(f"ci/gate.sh {baseline} {measure}", **told)
    assert "nothing worse: 2 same" in same.stdout
    repository.plant_a_copy(file)
    worse = repository.step(f"ci/gate.sh {baseline} {measure}", **told)
    assert worse.returncode == 1, worse.stdout + worse.stderr
    headlines = [line for line in Path(told["GITHUB_STEP_SUMMARY"]).read_text().splitlines()
                 if line.startswith("## ")]  # fmt: skip
    assert headlines[0].startswith("## ferrybench: nothing worse: 2 same")
    assert headlines[1].startswith("## ferrybench: worse: 1 heavier, 1 same")
    root = ET.parse(repository.folder / "gate-results" / "junit.xml").getroot()
    (failed,) = [test for test in root.iter("testcase") if test.find("failure") is not None]
    assert case in f"{failed.get('classname')}/{failed.get('name')}"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("ci/none.json true {}", 2, "there is no baseline ci/none.json: make it"),
        ("origin/none:gate.json true {}", 2, "fetch its branch, or store a baseline"),
        ("ci/gate.json true", 2, "write {} where"),
        ("ci/gate.json", 2, "usage: gate.sh [--store] BASELINE COMMAND"),
        ("ci/mine.py sh -c 'exit 7' {}", 4, "measuring failed with exit code 7: sh -c exit 7"),
        ("ci/mine.py true {}", 4, "nothing was written to {}"),
        ("ci/mine.py cp ci/mine.py {}", 2, "ci/mine.py"),
        ("--store ci/new.json false {}", 4, "measuring failed with exit code 1"),
    ],
)
def test_what_is_missing_is_said(
    repository: Repository, arguments: str, code: int, said: str, tmp_path: Path
) -> None:
    summary = tmp_path / "summary.md"
    repository.write("gate-results/summary.md", "of an earlier change")
    done = repository.step(f"ci/gate.sh {arguments}", GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert not summary.exists()
    assert not (repository.folder / "ci/new.json").exists()


@pytest.mark.parametrize(
    ("verdicts", "code", "looks"),
    [
        ("0", 0, 1),
        ("3:mine/a 0", 0, 2),
        ("3:mine/a 3:mine/a 1", 1, 3),
        ("1:mine/a 1 0", 1, 2),  # strict
        ("1 0", 1, 1),  # it is decided
        ("3:mine/a 2:mine/a 0", 2, 2),  # it could not compare: what is named is of the look before
        ("4:mine/a 0", 4, 1),
        ("3 0", 3, 1),  # nothing in common
        ("3:mine/a 3:mine/a 3:mine/a 3:mine/a 1", 3, 4),  # no more looks are allowed
    ],
)
def test_what_is_suspect_is_measured_again_by_itself_until_it_is_decided(
    repository: Repository, verdicts: str, code: int, looks: int
) -> None:
    # GIVEN comparisons that come to these verdicts, and name these suspects
    repository.write("verdicts", "\n".join(verdicts.split()) + "\n")
    repository.program(
        "ferrybench",
        'echo "$@" >>compared; said=$(head -n 1 verdicts); sed -i 1d verdicts; cut=${said#*:}\n'
        'while [[ $1 != --suspects ]]; do shift; done; : >"$2"\n'
        '[[ $said != *:* ]] || echo "$cut" >"$2"; exit "${said%%:*}"',
    )
    repository.program("take", 'echo "only ${FERRYBENCH_ONLY:-all}" >>taken; cp README "$1"')
    repository.write("README", "measured")
    told = {"GATE_LOOKS": "4", "FERRYBENCH_ONLY": "of/another"}
    done = repository.step("ci/gate.sh ci/mine.py take {}", **told)
    assert done.returncode == code, done.stderr
    lines = (repository.folder / "compared").read_text().splitlines()
    assert [" ".join(re.findall(r"candidate-\d", line)) for line in lines] == [
        " ".join(f"candidate-{n + 1}" for n in range(look + 1)) for look in range(looks)
    ]
    assert (repository.folder / "taken").read_text().splitlines() == [
        "only all", *["only gate-results/suspects.txt"] * (looks - 1)
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["GATE_BASES", "GATE_LOOKS"])
@pytest.mark.parametrize("count", ["0", "-1", "some"])
def test_a_count_that_is_none_is_refused(repository: Repository, name: str, count: str) -> None:
    done = repository.step("ci/gate.sh --store ci/new.json cp ci/mine.py {}", **{name: count})
    assert done.returncode == 2
    assert f"{name}={count}: give 1 or more" in done.stderr
    assert not (repository.folder / "ci/new.json").exists()


def test_a_baseline_of_several_files_is_stored_and_compared_as_one(repository: Repository) -> None:
    repository.program("ferrybench", 'echo "$@"; : >gate-results/suspects.txt')
    for bases in ("3", "2"):
        repository.shell("ci/gate.sh --store ci/b.json cp ci/mine.py {}", GATE_BASES=bases)
    done = repository.shell("ci/gate.sh ci/b.json cp ci/mine.py {}")
    assert re.findall(r"--base-again (\S+)", done.stdout) == ["ci/b.2.json"]
    repository.commit("with baselines")
    done = repository.shell("rm ci/b.*; ci/gate.sh main:ci/b.json cp ci/mine.py {}")
    assert re.findall(r"\S*baseline\S*", done.stdout) == [
        "gate-results/baseline.json", "gate-results/baseline.2.json"
    ]  # fmt: skip


def test_options_reach_the_comparison(repository: Repository) -> None:
    repository.program("ferrybench", 'echo "$@"')
    done = repository.shell("ci/gate.sh ci/mine.py cp ci/mine.py {}", GATE_OPTIONS="--strict -x 1")
    assert done.stdout.startswith("compare ci/mine.py gate-results/candidate-1.py --markdown ")
    assert done.stdout.endswith("--force --strict -x 1\n")


def commands(doc: str, first_word: str) -> str:
    """The block of docs/ci.md that begins so."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", doc, re.MULTILINE | re.DOTALL)
    (found,) = [block for block in blocks if block.startswith(first_word)]
    return str(found)


@pytest.mark.slow
def test_a_baseline_on_a_branch_is_stored_and_fetched_as_the_page_says(
    repository: Repository, tmp_path: Path
) -> None:
    doc = (ROOT / "docs" / "ci.md").read_text()
    repository.shell(f"git init --quiet --bare {tmp_path}/origin")
    repository.shell(f"git remote add origin {tmp_path}/origin")
    repository.shell(f"ci/gate.sh --store gate.jsonl {SCENARIO} --memory-trials 8")
    for _ in range(2):  # the first, and the next, which replaces it
        repository.shell(commands(doc, "blob="))
    listed = repository.shell("git ls-tree -r --name-only origin/baselines; git status --porcelain")
    assert listed.stdout.split() == ["gate.jsonl", "??", "gate.jsonl"]
    repository.shell("rm gate.jsonl")
    fetch = commands(doc, "git fetch")
    assert "nothing worse: " in repository.shell(fetch).stdout
    repository.plant_a_copy("ci/mine.py")
    assert repository.step(fetch).returncode == 1


@pytest.mark.slow
def test_without_a_baseline_both_revisions_are_measured_as_the_page_says(
    repository: Repository, tmp_path: Path
) -> None:
    share = "import torch\n\ndef share(array):\n    return torch.from_numpy(array)\n"
    repository.write("own.py", share)
    repository.write("ci/mine.py", f"import own\n{SCENARIO_FILE}".replace(*IMPORTED))
    repository.commit("on main")
    repository.shell(f"git init --quiet --bare {tmp_path}/origin")
    repository.shell(f"git remote add origin {tmp_path}/origin && git push --quiet origin main")
    repository.write("own.py", share.replace("numpy(array)", "numpy(array.copy())"))
    repository.commit("with a copy")
    command = commands((ROOT / "docs" / "ci.md").read_text(), "ferrybench ab")
    done = repository.step(command.rstrip() + " --pairs 5")
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.findall(r"^(?:heavier|broken): (\S+)", done.stdout, re.MULTILINE) == ["mine/share"]
    assert (repository.folder / "junit.xml").exists()
