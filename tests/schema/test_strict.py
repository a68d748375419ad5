"""What crosses the process boundary comes back as it was, and a key that is wrong is named."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest

from harness.errors import UnableError
from harness.host.answers import answer_as
from harness.schema.records import Effort, Found, Outcome, Rss, Tree, TreeSample
from harness.schema.request import DuetRequest, LimitRequest, TrialRequest
from harness.schema.strict import FieldError, from_fields, set_fields

REQUEST = TrialRequest(
    path="moving.py",
    scenario="moving",
    parameters={"size": 4096, "dtype": "float32"},
    strategy="base",
    kind="limit",
    effort=Effort(trials=1, steady_s=0.5),
    threads=1,
    fixture="inputs.bin",
    tiny_fixture="tiny.bin",
    bound=LimitRequest("data", 1 << 30, 4096),
    duet=DuetRequest("/tmp/x", leads=True, patience_s=1.0),
)
SAMPLE = TreeSample(0.5, 2, 4096, Rss(1, 2, 3), 7, 0)
FOUND = Found(
    outcome=Outcome("ok"),
    shares_memory=False,
    warnings=("once",),
    tree=Tree(SAMPLE, SAMPLE, SAMPLE, (SAMPLE,), (("call", 0.1),), 7, 0, None, 0, 0),
)


def sent(record: Any) -> dict[str, Any]:
    """As the other side of a pipe has it."""
    fields: dict[str, Any] = json.loads(json.dumps(asdict(record)))
    return fields


def test_a_request_arrives_as_it_was_sent() -> None:
    assert from_fields(TrialRequest, sent(REQUEST)) == REQUEST


def test_what_was_found_arrives_as_it_was_sent_and_nothing_else_is_sent() -> None:
    fields = json.loads(json.dumps(set_fields(FOUND)))
    assert fields.keys() == {"outcome", "shares_memory", "warnings", "tree"}
    assert from_fields(Found, fields) == FOUND
    assert answer_as(Found, fields) == FOUND


def test_a_misspelt_key_is_named_and_so_is_what_was_meant() -> None:
    fields = sent(REQUEST)
    fields["treads"] = fields.pop("threads")
    with pytest.raises(FieldError) as caught:
        from_fields(TrialRequest, fields)
    assert str(caught.value) == "TrialRequest has no field treads; did you mean threads?"


def test_a_key_within_is_looked_at_as_well() -> None:
    fields = sent(REQUEST)
    fields["bound"]["group"] = "/"
    with pytest.raises(FieldError, match=r"LimitRequest has no field group$"):
        from_fields(TrialRequest, fields)
    fields = sent(FOUND)
    fields["tree"]["course"][0]["pss"]["swap_bytes"] = 0
    with pytest.raises(FieldError, match="Rss has no field swap_bytes"):
        from_fields(Found, fields)


def test_a_key_that_is_missing_is_named() -> None:
    fields = sent(REQUEST)
    del fields["effort"]["steady_s"]
    with pytest.raises(FieldError, match=r"Effort lacks its field steady_s$"):
        from_fields(TrialRequest, fields)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"payload_byte": 1}, "Found has no field payload_byte; did you mean payload_bytes"),
        ({"payload_bytes": "many"}, "Expected `int`, got `str`"),
        ({"outcome": {"name": "fine"}}, "Invalid enum value 'fine'"),
    ],
)
def test_an_answer_that_does_not_fit_is_an_error_in_one_line(
    changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(UnableError, match=said) as caught:
        answer_as(Found, {"outcome": {"name": "ok"}, **changed})
    assert "\n" not in str(caught.value)
