"""Whether verdicts on claims follow the data: by a journal, changed in ways of which all is known.

    python -m harness.selfcheck.claims results/latest.jsonl --shuffles 50

Labels without meaning must not decide (at most 1% of all verdicts), data flipped about its bounds
must flip every verdict, and a claim must not be confirmed when cases that it rests on are gone.
With ``--decide 3``, the commands that are printed for three undecided claims are run: each
must decide its claim. The journal is only read. A quick sweep's takes a few minutes.
"""

from __future__ import annotations

import argparse
import random
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.analysis.claims.of_run import Verdicts, verdicts
from harness.analysis.claims.verdict import Judged
from harness.analysis.claims.wording import evidence_text
from harness.console import out
from harness.errors import EXIT_OK, EXIT_WORSE
from harness.formats.open_results import read_run
from harness.journal.lines import Run
from harness.selfcheck.claims_changed import flipped, rested_on, shuffled, unplanned, without
from harness.units import format_duration, format_share

DECISIVE = 0.01
"""Of verdicts on shuffled labels, how many may be decided."""
OPPOSITE = {"confirmed": "refuted", "refuted": "confirmed", "depends": "depends"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Check one journal, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("journal", type=Path)
    parser.add_argument("--shuffles", type=int, default=50)
    parser.add_argument("--decide", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    run = read_run(given.journal)
    found = verdicts(run)
    known = [one.judged for one in found.answers if one.judged.decided]
    out.print(f"{given.journal}: {len(known)} of {len(found.answers)} claims decided")
    good = _shuffles(run, found, given.shuffles, given.seed)
    good &= _flips(run, known)
    good &= _removals(run, [one for one in known if one.verdict == "confirmed"])
    if given.decide:
        good &= _decisions(found, given.decide, given.seed)
    return EXIT_OK if good else EXIT_WORSE


def _decisions(found: Verdicts, count: int, seed: int) -> bool:
    """Run what is printed for some claims that are undecided and need no device."""
    able = [
        one for one in found.answers if one.deciding is not None and not one.judged.claim.device
    ]
    good = True
    for one in random.Random(seed).sample(able, min(count, len(able))):
        code, deciding = one.judged.claim.code, one.deciding
        assert deciding is not None
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "deciding.jsonl"
            words = [*shlex.split(deciding.text)[1:], "--output", str(path)]
            begun = time.monotonic()
            subprocess.run(
                [sys.executable, "-m", "harness", *words], check=True, stdout=subprocess.DEVNULL
            )
            took_s = time.monotonic() - begun
            (again,) = verdicts(read_run(path)).only([code]).answers
        judged = again.judged
        out.print(
            f"claim {code}: {judged.verdict}{f', {judged.why}' if judged.why else ''}, after "
            f"{format_duration(took_s)} ({deciding.duration} was said): {deciding.text}; "
            f"{evidence_text(judged)}",
            soft_wrap=True,
        )
        good &= judged.decided
    return good


def _shuffles(run: Run, found: Verdicts, count: int, seed: int) -> bool:
    """Count what is decided where labels mean nothing."""
    good = True
    asked = [one.judged.claim.code for one in found.answers if one.judged.parts]
    for within_points, what in ((True, "within points"), (False, "over all of a scenario")):
        decided: dict[str, int] = {}
        for number in range(count):
            draw = random.Random(f"{seed}/{number}")
            changed = verdicts(shuffled(run, draw, within_points=within_points))
            for one in changed.answers:
                decided[one.judged.claim.code] = (
                    decided.get(one.judged.claim.code, 0) + one.judged.decided
                )
        share = sum(decided.values()) / (count * len(asked)) if count else 0.0
        worst = sorted((times, code) for code, times in decided.items() if times)[::-1]
        told = "".join(f", claim {code} {times} times" for times, code in worst[:8])
        out.print(
            f"labels shuffled {what}: {format_share(share)} of {count} × {len(asked)} verdicts "
            f"decided (at most {format_share(DECISIVE)}){told}",
            soft_wrap=True,
        )
        good &= share <= DECISIVE
    return good


def _flips(run: Run, known: Sequence[Judged]) -> bool:
    """Flip the data of each claim that is decided, by itself."""
    wrong = []
    for judged in known:
        changed = flipped(run, judged)
        (again,) = verdicts(changed).only([judged.claim.code]).answers
        if not _opposite(judged, again.judged):
            wrong.append(f"{judged.claim.code} ({judged.verdict}, then {again.judged.verdict})")
    told = f"; not {', '.join(wrong)}" if wrong else ""
    flips = len(known) - len(wrong)
    out.print(f"data flipped: {flips} of {len(known)} verdicts flip{told}", soft_wrap=True)
    return not wrong


def _opposite(before: Judged, after: Judged) -> bool:
    """Whether a verdict has flipped; one that was refuted by some parts, in those."""
    if before.verdict == "refuted":
        refuted = [place for place, one in enumerate(before.parts) if one.verdict == "refuted"]
        return all(after.parts[place].verdict == "confirmed" for place in refuted)
    if before.verdict == "depends":
        return after.verdict == "depends" and all(
            list(new.answers) == [None if one is None else not one for one in old.answers]
            for old, new in zip(before.parts, after.parts, strict=True)
            if old.verdict == "depends"
        )
    return after.verdict == OPPOSITE[before.verdict]


def _removals(run: Run, confirmed: Sequence[Judged]) -> bool:
    """Take away cases that a confirmed claim rests on, each by itself, and by strategy."""
    tried, wrong = 0, []
    for judged in confirmed:
        for what, changed in _removed(run, judged):
            tried += 1
            (again,) = verdicts(changed).only([judged.claim.code]).answers
            if again.judged.verdict == "confirmed":
                wrong.append(f"{judged.claim.code} without {what}")
    told = f"; but {', '.join(wrong)}" if wrong else ""
    gone = tried - len(wrong)
    out.print(f"cases removed: {gone} of {tried} times not confirmed{told}", soft_wrap=True)
    return not wrong


def _removed(run: Run, judged: Judged) -> Iterator[tuple[str, Run]]:
    cases = run.header.plan.cases
    own = rested_on(run, judged)
    for index in own:
        yield cases[index].case.key, without(run, {index})
    for strategy in dict.fromkeys((cases[i].case.scenario, cases[i].case.strategy) for i in own):
        gone = {i for i in own if (cases[i].case.scenario, cases[i].case.strategy) == strategy}
        yield "/".join(strategy), unplanned(run, gone)


if __name__ == "__main__":
    raise SystemExit(main())
