"""``ferrybench list``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.table import Table

from harness import session
from harness.cli.console import err, out
from harness.description import ScenarioInfo
from harness.errors import EXIT_OK
from harness.host import Host
from harness.model import HostSpec, Value
from harness.plan import select
from harness.units import format_size


def list_command(
    *targets: str, scenarios: Annotated[tuple[Path, ...], Parameter(negative=())] = ()
) -> int:
    """Show scenarios, their parameters and strategies.

    Parameters
    ----------
    targets
        SCENARIO or SCENARIO/STRATEGY; everything when none is named.
    scenarios
        A module or folder with scenarios of your own; may be repeated.
    """
    files = session.scenario_files(scenarios)
    with err.status("asking a host"), Host(HostSpec(), files) as host:
        infos = session.describe(host, files)
    for info, strategies in select(infos, targets):
        out.print(f"[bold]{info.name}[/bold]  {info.question}")
        _print_parameters(info)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2))
        for column in ("strategy", "group", ""):
            table.add_column(column, no_wrap=column != "")
        for strategy in strategies:
            mark = " (baseline)" if strategy.name == info.baseline else ""
            mark += " (as published)" if strategy.published else ""
            table.add_row(strategy.name + mark, strategy.group, strategy.doc.partition("\n")[0])
        out.print(table)
        for variant in info.variants:
            settings = " ".join(f"{name}={value}" for name, value in variant.env.items())
            out.print(f"  @{variant.name}: {settings} — {variant.doc}", markup=False)
        out.print()
    return EXIT_OK


def _print_parameters(info: ScenarioInfo) -> None:
    for name, parameter in info.parameters.items():
        values = parameter.choices or dict.fromkeys(parameter.usual)
        shown = ", ".join(_show(name, value) for value in values)
        default = _show(name, parameter.default)
        out.print(f"  {name}: {shown} (default {default})  {parameter.doc}", markup=False)


def _show(name: str, value: Value) -> str:
    if name == "size" and isinstance(value, int):
        return format_size(value).replace(" ", "")
    return str(value)
