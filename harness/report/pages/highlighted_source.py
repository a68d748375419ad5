"""Python source as highlighted HTML, and sentences with code in them."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

_CODE = re.compile(r"`([^`]+)`")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")
_LEXER = PythonLexer()
_FORMATTER = HtmlFormatter(nowrap=True)


@lru_cache(maxsize=1024)
def highlighted(source: str) -> Markup:
    """Python source as spans of pygments' short classes, which the page's style sheet colours."""
    return Markup(highlight(source, _LEXER, _FORMATTER))  # noqa: S704 — pygments escapes


def prose(text: str) -> Markup:
    """A sentence as HTML: escaped, `code` and **strong** as in Markdown."""
    escaped = _CODE.sub(r"<code>\1</code>", str(escape(text)))
    return Markup(_STRONG.sub(r"<strong>\1</strong>", escaped))  # noqa: S704 — escaped above


def script_json(value: Any) -> Markup:
    """JSON that may stand inside a script element, whatever texts are in it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 — nothing is left that could end the element
