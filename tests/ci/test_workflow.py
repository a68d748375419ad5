"""docs/ci/github-actions.yml: valid for GitHub, and its steps do what they say."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ci.repositories import RECIPES, Repository

WORKFLOW = RECIPES / "github-actions.yml"
GH = """
case "$1 $2" in
    "run list") [ -d "$ARTIFACTS/baseline" ] && echo 42 || true ;;
    "run download")
        [ "$3 $4 $5 $6" = "42 --name baseline --dir" ] && mkdir -p "$7"
        cp "$ARTIFACTS/baseline/"* "$7" ;;
    "pr comment") [ "$3" = 7 ] && cp "${@: -1}" "$ARTIFACTS/comment.md" ;;
    *) exit 9 ;;
esac
"""
EXPRESSIONS = {"${{ github.token }}": "secret", "${{ github.base_ref }}": "main",
               "${{ github.event.number }}": "7"}  # fmt: skip


@pytest.fixture(scope="module")
def workflow() -> dict[str, Any]:
    yaml: Any = pytest.importorskip("yaml", reason="PyYAML reads the workflow")
    found: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())
    return found


def test_it_is_a_workflow_by_the_schema_that_editors_use() -> None:
    pytest.importorskip("check_jsonschema", reason="it has the schema of GitHub's workflows")
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    done = subprocess.run(
        [*check, "vendor.github-workflows", str(WORKFLOW)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


class Job:
    """The steps of the only job, run in their order as a runner does."""

    def __init__(self, workflow: dict[str, Any], repository: Repository, artifacts: Path) -> None:
        self.workflow, self.repository, self.artifacts = workflow, repository, artifacts
        artifacts.mkdir(exist_ok=True)
        repository.program("gh", GH)
        repository.program("pip", '[ "$1" = install ]')
        repository.environment |= {
            **workflow["env"],
            "ARTIFACTS": str(artifacts),
            "GITHUB_WORKFLOW": workflow["name"],
            "GITHUB_STEP_SUMMARY": str(artifacts / "summary.md"),
        }

    def run(self, event: str) -> tuple[str, str]:
        """The name of the step that failed, "" if none did, and everything that was said."""
        failed, said = "", ""
        for step in self.steps(event):
            if failed and "cancelled()" not in step.get("if", ""):
                continue
            if "upload-artifact" in step.get("uses", ""):
                self.upload(step["with"])
            elif "run" in step:
                own = {name: EXPRESSIONS[text] for name, text in step.get("env", {}).items()}
                done = self.repository.step(step["run"], **own)
                said += done.stdout + done.stderr
                failed = failed or (step["name"] if done.returncode else "")
        return failed, said

    def steps(self, event: str) -> Iterator[dict[str, Any]]:
        other = {"push": "pull_request", "pull_request": "push"}[event]
        for step in self.workflow["jobs"]["gate"]["steps"]:
            if f"github.event_name == '{other}'" not in step.get("if", ""):
                yield step

    def upload(self, options: dict[str, str]) -> None:
        path = options["path"].replace("${{ env.BASELINE }}", self.workflow["env"]["BASELINE"])
        folder = self.artifacts / options["name"]
        self.repository.shell(f"mkdir -p {folder}; [ ! -e {path} ] || cp -r {path} {folder}")


@pytest.mark.slow
def test_main_keeps_a_baseline_and_pull_requests_are_held_against_it(
    workflow: dict[str, Any], tmp_path: Path
) -> None:
    job = Job(workflow, Repository.create(tmp_path), tmp_path / "artifacts")
    comment = job.artifacts / "comment.md"
    failed, said = job.run("pull_request")
    assert failed == "Fetch the baseline"
    assert "::error::no baseline: push to main" in said
    assert not comment.exists()
    assert job.run("push")[0] == ""
    job.repository.shell("git clean -qfdx")  # the next job has a checkout of its own
    failed, said = job.run("pull_request")
    assert (failed, "nothing worse: 2 same" in said) == ("", True)
    job.repository.plant_a_copy("ci/mine.py")
    failed, said = job.run("pull_request")
    assert failed == "Measure and compare"
    assert comment.read_text().startswith("## ferrybench: worse: 1 heavier, 1 same")
    assert comment.read_text() in (job.artifacts / "summary.md").read_text()
    assert (job.artifacts / "gate-results" / "gate-results" / "junit.xml").exists()
