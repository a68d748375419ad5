"""A merged run's machines: each by itself is a run like any other, and no number is of two."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import replace

from harness.errors import UsageError
from harness.journal.lines import Machine, Run, Source
from harness.schema.records import Case
from harness.units import plural


def of_one_machine(run: Run) -> Run:
    """The run as it is, if it was measured on one machine.

    Raises:
        UsageError: it was not, and whoever asks would make one number of several machines.
    """
    machines = run.header.machines
    if machines:
        names = ", ".join(machine.name for machine in machines)
        raise UsageError(
            f"{run.path} is of {plural(len(machines), 'machine')}, {names}, and this is about one; "
            f"take one out: ferrybench merge {run.path} --machine {machines[0].name} -o FILE"
        )
    return run


def one_machine(run: Run, machine: Machine) -> Run:
    """What one machine of a run has measured, as the run that it would have been alone."""
    header, plan = run.header, run.header.plan
    kept = [index for index, one in enumerate(plan.cases) if one.case.host in machine.hosts]
    places = {index: place for place, index in enumerate(kept)}
    cases = tuple(
        replace(plan.cases[index], case=_renamed(plan.cases[index].case, machine.hosts))
        for index in kept
    )
    hosts = tuple(
        replace(host, name=machine.hosts[host.name])
        for host in plan.hosts
        if host.name in machine.hosts
    )
    sources = [source for source in header.sources if source.machine == machine.name]
    return replace(
        run,
        header=replace(
            header,
            run_id=f"{header.run_id}-{machine.name}",
            created=min((one.created for one in sources), default=header.created),
            environment=machine.environment,
            plan=replace(plan, hosts=hosts, cases=cases),
            sources=tuple(replace(source, machine="") for source in sources),
            machines=(),
        ),
        trials=[replace(one, case=places[one.case]) for one in run.trials if one.case in places],
        ceilings=[
            replace(line, machine="") for line in run.ceilings if line.machine == machine.name
        ],
    )


def by_machine(run: Run) -> list[tuple[str, Run]]:
    """What each machine of a run has measured, by the machine's name; "" where it is the only."""
    machines = run.header.machines
    return [(machine.name, one_machine(run, machine)) for machine in machines] or [("", run)]


def _renamed(case: Case, names: Mapping[str, str]) -> Case:
    return replace(case, host=names[case.host])


def merged_remarks(run: Run) -> list[str]:
    """What readers of a merged run should know of its numbers."""
    sources = run.header.sources
    if not sources:
        return []
    count = len({source.run_id for source in sources})
    remarks = [f"{run.path}: merged of {plural(count, 'run')}"]
    pooled = len(_pooled(run, sources))
    if pooled:
        remarks.append(
            f"{run.path}: {plural(pooled, 'case')} measured in more than one run: intervals are "
            "over the processes of all, and leave out how one run differs from another"
        )
    return remarks


def _pooled(run: Run, sources: tuple[Source, ...]) -> set[int]:
    """The cases with trials of several runs."""
    ordered = sorted(sources, key=lambda source: source.first_round)
    begins = [source.first_round for source in ordered]
    found: dict[int, set[str]] = {}
    for trial in run.trials:
        place = bisect_right(begins, trial.round) - 1
        found.setdefault(trial.case, set()).add(ordered[place].run_id if place >= 0 else "")
    return {case for case, runs in found.items() if len(runs) > 1}
