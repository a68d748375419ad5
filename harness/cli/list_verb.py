"""``ferrybench list``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.table import Table

from harness.console import err, out, titled
from harness.errors import EXIT_OK
from harness.formats.markdown import cell, code, escape, table_row
from harness.host.host import Host
from harness.journal.shown import shown_scenario, shown_strategy
from harness.planning.plan import select
from harness.run import session
from harness.schema.description import ScenarioInfo, StrategyInfo
from harness.schema.records import HostSpec, Value
from harness.units import format_size


def list_command(
    *targets: str,
    scenarios: Annotated[tuple[Path, ...], Parameter(negative=())] = (),
    markdown: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Show scenarios, their parameters and strategies.

    Parameters
    ----------
    targets
        SCENARIO or SCENARIO/STRATEGY; everything by default.
    scenarios
        A module or folder with your own scenarios; may be repeated.
    markdown
        Print a table of the scenarios, and one of the strategies of each, as Markdown.
    """
    files = session.scenario_files(scenarios)
    with err.status("asking a host"), Host(HostSpec(), files) as host:
        infos = session.describe(host, files)
    selected = [
        (shown_scenario(info), [shown_strategy(strategy) for strategy in strategies])
        for info, strategies in select(infos, targets)
    ]
    if markdown:
        out.print(as_markdown(selected), soft_wrap=True)
        return EXIT_OK
    for info, strategies in selected:
        out.print(titled(info.name, info.question))
        _print_parameters(info)
        if info.borrows:
            _print_borrowed(info, strategies)
            continue
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2))
        for column in ("strategy", "group", ""):
            table.add_column(column, no_wrap=column != "")
        for strategy in strategies:
            doc = strategy.doc.partition("\n")[0]
            table.add_row(_marked(info, strategy), strategy.group, doc)
        out.print(table)
        for variant in info.variants:
            settings = " ".join(f"{name}={value}" for name, value in variant.env.items())
            out.print(f"  @{variant.name}: {settings} — {variant.doc}")
        out.print()
    return EXIT_OK


def as_markdown(selected: Sequence[tuple[ScenarioInfo, Sequence[StrategyInfo]]]) -> str:
    """The scenarios with their questions, then by scenario the strategies, by group."""
    lines = ["| scenario | question |", "|---|---|"]
    lines += [table_row([code(info.name), cell(info.question)]) for info, _ in selected]
    for info, strategies in selected:
        lines += ["", f"## {escape(info.name)}", "", "| group | strategy | |", "|---|---|---|"]
        for strategy in strategies:
            doc = cell(strategy.doc.partition("\n")[0])
            group = f"{strategy.group}: {info.meaning(strategy.group)}" if strategy.group else ""
            lines.append(table_row([cell(group), code(strategy.name), doc]))
    return "\n".join(lines)


def _print_parameters(info: ScenarioInfo) -> None:
    for name, parameter in info.parameters.items():
        values = parameter.choices or dict.fromkeys(parameter.usual)
        shown = ", ".join(_show(name, value) for value in values)
        default = _show(name, parameter.default)
        out.print(f"  {name}: {shown} (default {default})  {parameter.doc}")


def _print_borrowed(info: ScenarioInfo, strategies: Sequence[StrategyInfo]) -> None:
    """By the scenario they are declared in, where what they do stands."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2))
    for column in ("strategies of", "in a quick sweep", "otherwise"):
        table.add_column(column, overflow="fold")
    for source in dict.fromkeys(strategy.borrowed_from for strategy in strategies):
        own = [strategy for strategy in strategies if strategy.borrowed_from == source]
        quick, rest = (
            [_marked(info, strategy) for strategy in own if strategy.in_quick is is_quick]
            for is_quick in (True, False)
        )
        table.add_row(source, ", ".join(quick) or "none", ", ".join(rest))
    out.print(table)
    out.print()


def _marked(info: ScenarioInfo, strategy: StrategyInfo) -> str:
    mark = " (baseline)" if strategy.name == info.baseline else ""
    return strategy.name + mark + (" (as published)" if strategy.published else "")


def _show(name: str, value: Value) -> str:
    if isinstance(value, int) and (name == "size" or name.endswith("_bytes")):
        return format_size(value).replace(" ", "")
    return str(value) or "none"
