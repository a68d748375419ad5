"""What a backend lacks is named in a few words, from torch's own texts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from harness.schema.records import Outcome
from harness.trial.base.outcomes import failure, judged
from harness.trial.base.unsupported import lacking

DISPATCHER = (
    "Could not run '{}' with arguments from the '{}' backend. This could be because the operator "
    "doesn't exist for this backend, or was omitted during the selective/custom build process (if "
    "using custom build). If you are a Facebook employee using PyTorch on mobile, please visit "
    "https://fburl.com/ptmfixes for possible resolutions. '{}' is only available for these "
    "backends: [CPU, CUDA, Meta, BackendSelect].\n\nCPU: registered at RegisterCPU.cpp:1"
)
MPS = "The operator 'aten::_linalg_eigvals' is not currently implemented for the MPS device."
PINNING = (
    "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator is "
    "available on this system."
)


def dispatched(name: str, backend: str) -> NotImplementedError:
    return NotImplementedError(DISPATCHER.format(name, backend, name))


@pytest.fixture
def accelerated(monkeypatch: pytest.MonkeyPatch) -> None:
    found = SimpleNamespace(type="openreg")
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: found)


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (dispatched("aten::record_stream", "PrivateUse1"), "aten::record_stream"),
        (dispatched("aten::convolution_overrideable", "XPU"), "aten::convolution_overrideable"),
        (dispatched("aten::mm.out", "PrivateUse1"), "aten::mm"),
        (NotImplementedError(MPS), "aten::_linalg_eigvals"),
        (RuntimeError("openreg backend doesn't support events."), "events"),
        (RuntimeError("Backend doesn't support synchronizing events."), "events"),
        (RuntimeError("Backend doesn't support elapsedTime."), "events that report the time"),
        (RuntimeError("Backend doesn't support create a new Stream."), "streams"),
        (RuntimeError("Backend doesn't support acquiring a stream from pool."), "streams"),
        (RuntimeError("Backend doesn't support acquiring a default stream."), "streams"),
        (RuntimeError(PINNING), "pinned memory"),
    ],
)
def test_a_case_is_skipped_for_it(error: Exception, what: str, accelerated: None) -> None:
    assert failure(error, __file__) == Outcome("skipped", f"this backend has no {what}")


@pytest.mark.parametrize(
    "error",
    [
        dispatched("aten::add.out", "SparseCPU"),
        dispatched("aten::add.out", "CPU"),
        dispatched("aten::item", "Meta"),
        NotImplementedError("not yet"),
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        ValueError("Backend doesn't support create a new Stream."),
        AssertionError(PINNING),
    ],
)
def test_other_failures_stay_what_they_are(error: Exception, accelerated: None) -> None:
    assert lacking(error) == ""
    assert failure(error).name == "error"


def test_nothing_can_be_pinned_without_an_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: None)
    assert failure(RuntimeError(PINNING)).name == "error"


def test_what_cannot_be_checked_is_not_wrong(accelerated: None) -> None:
    def check() -> None:
        raise dispatched("aten::is_pinned", "PrivateUse1")

    outcome = judged(check)
    assert outcome.name == "skipped"
    assert outcome.reason == "its result cannot be checked: this backend has no aten::is_pinned"


def test_the_text_of_the_dispatcher_is_that_of_this_torch() -> None:
    with pytest.raises(NotImplementedError) as caught:
        torch.ops.quantized.add(torch.ones(1), torch.ones(1), 1.0, 0)
    text = str(caught.value)
    assert lacking(caught.value) == ""
    elsewhere = NotImplementedError(text.replace("the 'CPU' backend", "the 'PrivateUse1' backend"))
    assert lacking(elsewhere) == "this backend has no quantized::add"


@pytest.mark.skipif(torch.accelerator.is_available(), reason="there is an accelerator")
def test_the_text_of_pinning_is_that_of_this_torch(accelerated: None) -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.ones(1, pin_memory=True)
    assert lacking(caught.value) == "this backend has no pinned memory"
