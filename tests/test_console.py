"""Whatever is printed is a text: no markup, no emoji, no command to the terminal."""

from __future__ import annotations

import io

import pytest
from rich.table import Table

from harness.console import Plain, Progress, titled

TEXTS = ("[/]", "a[i] = b[0]", "[red]not red[/red]", ":warning:", "[link=http://x]y[/link]")


def printed(thing: object, *, terminal: bool) -> str:
    stream = io.StringIO()
    Plain(file=stream, force_terminal=terminal, width=200).print(thing, soft_wrap=True)
    return stream.getvalue()


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("terminal", [False, True])
def test_a_text_is_printed_as_it_is(text: str, terminal: bool) -> None:
    table = Table(title=text)
    table.add_column(text)
    table.add_row(text)
    assert printed(text, terminal=terminal) == f"{text}\n"
    assert printed(table, terminal=terminal).count(text) == 3
    assert text in printed(titled("name", text), terminal=terminal)


@pytest.mark.parametrize("text", [*TEXTS, "\x1b[2J\x1b]0;x\x07"])
def test_progress_and_spinners_show_any_text(text: str) -> None:
    stream = io.StringIO()
    console = Plain(file=stream, force_terminal=True, width=200)
    with console.status(f"writing {text}") as status:
        status.update(text)
    with Progress(console) as progress:
        progress.begin(1)
        progress.working_on(text, 1.0)
        progress.say(text)
    said = stream.getvalue()
    assert "\x1b]0;x" not in said
    assert "\x1b[2J" not in said.replace("\x1b[2K", "")
    assert text.replace("\x1b", r"\x1b").replace("\x07", r"\x07") in said
