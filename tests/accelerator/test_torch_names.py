"""What is asked of torch exists in it, under that name and with those arguments.

None of it can be called without an accelerator; a name that is spelled wrongly would be found out
on a machine that has one, and nowhere else.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.trial.device import accelerator, allocator

ROOT = Path(__file__).parents[2]
FILES = [
    *sorted((ROOT / "harness/trial/device").glob("*.py")),
    ROOT / "harness/trial/ceilings/device_copy.py",
    ROOT / "harness/trial/kinds/on_device.py",
    ROOT / "harness/trial/timing/arrived.py",
    *(ROOT / "scenarios" / f"{name}.py" for name in ("host_to_device", "device_to_host")),
    ROOT / "scenarios/device_training.py",
]
NOT_EVERYWHERE = {"torch.cuda.check_error", "torch.cuda.cudart"}


def names_of(path: Path) -> Iterator[str]:
    """Every dotted name of torch that a file uses."""
    for node in ast.walk(ast.parse(path.read_text())):
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if parts and isinstance(node, ast.Name) and node.id == "torch":
            yield ".".join(["torch", *reversed(parts)])


USED = sorted({name for path in FILES for name in names_of(path)})


@pytest.mark.parametrize("name", USED)
def test_every_name_exists(name: str) -> None:
    found: Any = torch
    for part in name.split(".")[1:]:
        found = getattr(found, part)


def test_the_names_were_found() -> None:
    assert {"torch.accelerator.synchronize", "torch.cuda.get_device_properties"} <= set(USED)
    assert set(USED) >= NOT_EVERYWHERE


@pytest.mark.parametrize(
    "name", ["get_memory_info", "memory_stats", "reset_peak_memory_stats", "empty_cache"]
)
def test_what_is_called_without_arguments_needs_none(name: str) -> None:
    parameters = inspect.signature(getattr(torch.accelerator, name)).parameters.values()
    assert all(parameter.default is not parameter.empty for parameter in parameters)


@pytest.mark.parametrize("name", ["record_stream", "pin_memory", "is_pinned", "untyped_storage"])
def test_every_method_of_a_tensor_exists(name: str) -> None:
    assert callable(getattr(torch.Tensor, name))


@pytest.mark.parametrize("name", ["wait_stream", "synchronize", "__enter__", "__exit__"])
def test_every_method_of_a_stream_exists(name: str) -> None:
    assert callable(getattr(torch.Stream, name))


@pytest.mark.parametrize("name", ["record", "synchronize", "elapsed_time"])
def test_every_method_of_an_event_exists(name: str) -> None:
    assert callable(getattr(torch.Event, name))


@pytest.mark.parametrize("key", ["allocated_bytes", "reserved_bytes"])
def test_the_keys_of_the_statistics_are_documented(key: str) -> None:
    documented = inspect.getdoc(torch.accelerator.memory_stats) or ""
    assert f'"{key}.{{all,' in documented
    source = inspect.getsource(allocator)
    assert f'"{key}.all.current"' in source
    assert f'"{key}.all.peak"' in source


def test_the_key_of_pinned_memory_is_documented() -> None:
    documented = inspect.getdoc(torch.cuda.host_memory_stats) or ""
    assert '"allocated_bytes.{current,' in documented
    assert '"allocated_bytes.current"' in inspect.getsource(allocator)


@pytest.mark.skipif(torch.accelerator.is_available(), reason="there is an accelerator")
def test_why_there_is_none_names_the_build() -> None:
    accelerator.why_none.cache_clear()
    why = accelerator.why_none()
    assert why.startswith("no accelerator: torch")
    assert torch.__version__ in why
    assert accelerator.describe_accelerator() == {"missing": why}


def test_a_build_without_its_device_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    accelerator.why_none.cache_clear()
    try:
        assert accelerator.why_none() == (
            f"no accelerator: torch {torch.__version__} finds no cuda device"
        )
    finally:
        accelerator.why_none.cache_clear()


def test_an_available_device_is_none_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    accelerator.why_none.cache_clear()
    try:
        assert accelerator.why_none() == ""
    finally:
        accelerator.why_none.cache_clear()
