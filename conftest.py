"""Settings for every test, and the benchmarks that ``pytest --benchmark-only`` runs here."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
BENCHMARKS = Path(__file__).parent / "tests" / "benchmarks"
PLUGIN = "ferrybench"


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    if not pluginmanager.hasplugin(PLUGIN):  # a checkout that is not installed
        from harness import pytest_plugin

        pluginmanager.register(pytest_plugin, PLUGIN)
    parser.getgroup(PLUGIN).addoption(
        "--ferrybench-scenarios",
        choices=("brief", "quick", "usual", "full"),
        default="brief",
        help="which cases of the built-in scenarios --benchmark-only runs: brief (default), one "
        "of each strategy; quick, usual or full, the sweeps of ferrybench run.",
    )
    parser.getgroup(PLUGIN).addoption(
        "--all-versions",
        action="store_true",
        help="also test with the oldest and newest pytest and pytest-benchmark: minutes, and needs "
        "a package index.",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Benchmarks are collected where they are asked for, and with ``--benchmark-only`` alone."""
    only = bool(config.getoption("benchmark_only", False))
    if BENCHMARKS in (collection_path, *collection_path.parents):
        return None if only or _named(config) else True
    return True if only and collection_path not in BENCHMARKS.parents else None


def _named(config: pytest.Config) -> bool:
    """Whether the command line names the benchmarks, or one of them."""
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        return False
    paths = [(config.invocation_params.dir / arg.partition("::")[0]) for arg in config.args]
    return any(BENCHMARKS in (path, *path.parents) for path in map(Path.resolve, paths))
