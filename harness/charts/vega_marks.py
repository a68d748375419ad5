"""What the Vega-Lite drawings have in common: axes, and how a mark looks by group and emphasis."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.charts.chart import Axis, Tip
from harness.charts.palette import Style
from harness.charts.ticks import Unit

Spec = dict[str, Any]

INK, MUTED, RULE = "var(--ink)", "var(--muted)", "var(--rule)"
FADED = 0.08
IS_BASELINE = "datum.emphasis == 'baseline'"
WRITTEN: Mapping[Unit, str] = {
    "count": "replace(format(datum.value, ',~r'), regexp(',', 'g'), '\u202f')",
    "multiple": "format(datum.value, '~g') + '×'",
    "rate": "format(datum.value / 1e9, '~g')",
    "share": "format(datum.value, '.0%')",
}
"""How Vega writes a value on an axis without ticks; other units need them."""


def scale_and_axis(axis: Axis) -> Spec:
    """The ``scale`` and ``axis`` of a quantitative channel."""
    if not axis.ticks:
        return {
            "type": "quantitative",
            "scale": {"zero": True, "nice": True},
            "axis": {
                "title": axis.title,
                "labelExpr": WRITTEN[axis.unit],
                "tickCount": 6,
            },
        }
    values, names = [value for value, _ in axis.ticks], [name for _, name in axis.ticks]
    # Ticks are looked up by their place: a number's text differs between languages.
    label = f"{json.dumps(names)}[indexof({json.dumps(values)}, datum.value)]"
    # Of a logarithmic scale Vega warns that it has no zero, if one is mentioned.
    kind = {"type": "log"} if axis.log else {"type": "linear", "zero": False}
    return {
        "type": "quantitative",
        "scale": {**kind, "domain": [axis.low, axis.high], "nice": False},
        "axis": {
            "title": axis.title,
            "values": values,
            "labelExpr": label,
            "labelOverlap": True,  # where there is no room, every other label goes
            "labelSeparation": 6,
        },
    }


def colour(styles: Mapping[str, Style], field: str = "group") -> Spec:
    """The colour of a group or name, or the ink of the text for the baseline."""
    return {
        "condition": {"test": IS_BASELINE, "value": INK},
        **_looked_up(field, styles, [f"var({look.variable})" for look in styles.values()]),
    }


def shape(styles: Mapping[str, Style], field: str = "group") -> Spec:
    return _looked_up(field, styles, [look.path for look in styles.values()])


def _looked_up(field: str, styles: Mapping[str, Style], values: Sequence[str]) -> Spec:
    return {
        "field": field,
        "type": "nominal",
        "scale": {"domain": list(styles), "range": list(values)},
        "legend": None,
    }


def opacity(usual: float = 1.0, *, rest: float | None = None) -> Spec:
    """Full for what is pointed at, faded outside the chosen group.

    Args:
        usual: of all else.
        rest: of strategies without emphasis while no group is chosen; ``usual`` when not given.
    """
    return {
        "condition": [
            {"param": "hover", "empty": False, "value": 1},
            {"test": "group != '' && datum.group != group", "value": FADED},
            {
                "test": "group == '' && datum.emphasis == 'rest'",
                "value": usual if rest is None else rest,
            },
        ],
        "value": usual,
    }


def hover() -> Spec:
    """The selection of the strategy under the pointer.

    Not the nearest one: Vega-Lite then loses what tooltips are made of.
    """
    select = {"type": "point", "fields": ["name"], "on": "pointerover", "clear": "pointerout"}
    return {"name": "hover", "select": select}


def tip_fields(tip: Tip) -> Spec:
    """A tip's values as fields of a datum."""
    return {f"tip{index}": value for index, (_, value) in enumerate(tip)}


def tooltip(tip: Tip, first: Sequence[tuple[str, str]]) -> list[Spec]:
    """The tooltip channel: plain fields first, then those of a tip."""
    named = [*first, *((f"tip{index}", name) for index, (name, _) in enumerate(tip))]
    return [{"field": field, "type": "nominal", "title": name} for field, name in named]
