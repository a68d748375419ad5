"""Runs for tests of reports: one of everything that can happen, and the poor ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.schema.description import ScenarioInfo, StrategyInfo, Variant
from harness.schema.records import Case, Ceiling, Outcome, PlannedCase, Rss, Trial
from tests.journals import MIB, ceiling, parameter, planned, scenario, strategy, trial, write_run

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>`|_*"
"""A text that breaks out of whatever is not escaped."""
SIZES = (MIB, 64 * MIB)
TIMES = {"base": 40e-3, "clone": 10e-3, "view": 2e-6, "kept": 8e-3}
CEILINGS = (
    ceiling("copy", 12e9, 64 * MIB),
    ceiling("copy", 20e9),
    ceiling("read", 30e9, written=0),
)


def _strategies() -> tuple[StrategyInfo, ...]:
    return (
        strategy("base"),
        strategy("clone"),
        strategy("view", group="share", shares=True),
        strategy("kept", group="reuse"),
        replace(strategy("crashes", group="<b>evil</b>"), doc=EVIL, source=f"x = {EVIL!r}"),
        strategy("skipped"),
    )


def moving() -> ScenarioInfo:
    """A measuring scenario with a dtype to vary and a second host."""
    return replace(
        scenario(
            _strategies(),
            {
                "size": parameter(MIB, *SIZES, axis=True),
                "dtype": parameter("f4", "f4", "f8"),
            },
        ),
        variants=(Variant("huge", {"PAGES": EVIL}, ("base",), "other pages"),),
    )


def probing() -> ScenarioInfo:
    """A scenario of which a matrix is made."""
    return replace(
        scenario(
            (strategy("one"), strategy("two")),
            {"dtype": parameter("f4", "f4", "f8"), "layout": parameter("C", "C", "step")},
            name="matrix",
            baseline="one",
            probe=True,
        ),
        question="Which of them shares?",
    )


def _moving(name: str, size: int, dtype: str = "f4", host: str = "default") -> PlannedCase:
    case = Case("moving", name, {"size": size, "dtype": dtype}, host)
    base = name == "base" and host == "default"
    copies = {"view": 0.0, "kept": 0.0}.get(name, 1.0)
    skip = "needs a thing, which is not installed" if name == "skipped" else ""
    return PlannedCase(case, base, 400 * MIB, copies, skip)


def _trials(index: int, one: PlannedCase) -> list[Trial]:
    name, size = one.case.strategy, int(one.case.parameters["size"])
    if one.skip:
        return []
    if name == "crashes":
        return [trial(index, 0, outcome=Outcome("crash", f"SIGABRT: {EVIL}"), payload=size)]
    # Times grow with the size, except where nothing is copied.
    seconds = TIMES[name] * (1 if name == "view" else size / (64 * MIB))
    seconds *= 0.5 if one.case.host == "huge" else 1
    peak = Rss() if name in ("view", "kept") else Rss(anon_bytes=size)
    if name == "clone":
        peak = Rss(anon_bytes=2 * size)  # one copy more than it declares
    return [
        trial(
            index,
            number,
            seconds * (1 + number / 100),
            first_s=seconds * 3,
            payload=size,
            peak=peak,
            shares=name == "view",
            faults_steady=0.0 if name == "kept" else size / 4096,
        )
        for number in range(4)
    ]


def _probes(start: int) -> tuple[list[PlannedCase], list[Trial]]:
    cases: list[PlannedCase] = []
    trials: list[Trial] = []
    for name in ("one", "two"):
        for dtype in ("f4", "f8"):
            for layout in ("C", "step"):
                case = Case("matrix", name, {"dtype": dtype, "layout": layout})
                index = start + len(cases)
                cases.append(PlannedCase(case))
                bad = name == "two" and layout == "step"
                outcome = Outcome("crash", f"SIGABRT: {EVIL}") if bad else Outcome("ok")
                shares = name == "one"
                seen = trial(index, 0, kind="probe", shares=shares, outcome=outcome)
                trials.append(replace(seen, result=f"tensor {dtype} (4, 256)"))
    return cases, trials


def rich_run(folder: Path, end: str = "complete", ceilings: tuple[Ceiling, ...] = CEILINGS) -> Path:
    """A journal with every outcome, two sizes, a varied parameter, a second host and a matrix."""
    cases = [_moving(one.name, size) for one in _strategies() for size in SIZES]
    cases += [_moving(name, MIB, dtype="f8") for name in ("base", "clone")]
    cases += [_moving("base", size, host="huge") for size in SIZES]
    trials = [one for index, planned in enumerate(cases) for one in _trials(index, planned)]
    probes, seen = _probes(len(cases))
    return write_run(
        folder / "rich.jsonl",
        cases + probes,
        trials + seen,
        infos=[moving(), probing()],
        ceilings=ceilings,
        end=end,
    )


def poor_runs(folder: Path) -> dict[str, Path]:
    """Journals that lack what a report would like to show, by what they lack."""
    two = [planned("base", baseline=True), planned("other")]
    times = [trial(index, number) for index in (0, 1) for number in range(4)]
    failed = [trial(i, 0, outcome=Outcome("error", "ValueError: no")) for i in (0, 1)]
    bare = [PlannedCase(Case("moving", "base", {"batch": 32}), baseline=True)]
    user = scenario(
        (strategy("base", group=""), strategy("other", group="")), {"batch": parameter(32, 32, 64)}
    )
    user_cases = [
        PlannedCase(Case("moving", name, {"batch": batch}), baseline=name == "base")
        for name in ("base", "other")
        for batch in (32, 64)
    ]
    nothing = [replace(trial(0, n), payload_bytes=0, ledger=None) for n in range(4)]
    return {
        "no cases": write_run(folder / "a.jsonl", [], []),
        "no trials": write_run(folder / "b.jsonl", two, [], end=""),
        "no success": write_run(folder / "c.jsonl", two, failed),
        "no second process": write_run(folder / "d.jsonl", two, [trial(0, 0), trial(0, 1)]),
        "no size": write_run(
            folder / "e.jsonl", bare, [trial(0, n) for n in range(4)], infos=[user]
        ),
        "no groups": write_run(
            folder / "f.jsonl",
            user_cases,
            [trial(index, number) for index in range(4) for number in range(4)],
            infos=[user],
        ),
        "no ceilings": write_run(folder / "g.jsonl", two, times),
        "no ceilings of this size": write_run(
            folder / "j.jsonl", two, times, ceilings=[Ceiling("memcpy_touched", 1, 256 * MIB, 1e10)]
        ),
        "too low a ceiling": write_run(
            folder / "k.jsonl", two, times, ceilings=[ceiling("copy", MIB / 1.1e-3)]
        ),
        "no payload": write_run(folder / "h.jsonl", two[:1], nothing),
        "no measuring scenario": write_run(folder / "i.jsonl", *_probes(0), infos=[probing()]),
    }
