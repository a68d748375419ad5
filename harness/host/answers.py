"""What hosts answer, as the types of the harness: an unknown key is an error, and a wrong type."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from harness.errors import UnableError
from harness.schema.strict import FieldError, read_as

T = TypeVar("T")


def answer_as(kind: type[T], answer: Any) -> T:
    """An answer, or a part of one, as ``kind``.

    Raises:
        UnableError: it has a key that ``kind`` does not have, lacks one, or has a wrong type: the
            two sides of the harness do not fit.
    """
    try:
        read_as(kind, answer)  # msgspec lets unknown keys pass
        return msgspec.convert(answer, kind)
    except (FieldError, msgspec.ValidationError) as error:
        raise UnableError(f"unexpected answer from a host: {error}") from error
