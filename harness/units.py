"""Sizes, durations and rates as people write and read them."""

from __future__ import annotations

import math
import re
import string

KIB, MIB, GIB = 1024, 1024**2, 1024**3
MISSING = "–"
"""What stands for a value that there is not."""
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB")
_SIZE_FACTORS = {"": 1, "b": 1} | {
    spelling: 1024**power
    for power, prefix in enumerate("kmgt", start=1)
    for spelling in (prefix, f"{prefix}b", f"{prefix}ib")
}
_DURATION_FACTORS = {"": 1.0, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def _split(text: str) -> tuple[float, str] | None:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", text)
    return (float(match[1]), match[2].lower()) if match else None


def parse_size(text: str) -> int:
    """``64MiB`` → 67108864. Units are binary, ``64MB`` and ``64M`` mean the same.

    Raises:
        ValueError: not a size, or not a whole positive number of bytes.
    """
    parts = _split(text)
    if parts is None or parts[1] not in _SIZE_FACTORS:
        raise ValueError(f"{text!r} is not a size; write for example 4096, 64KiB or 1.5GiB")
    size = parts[0] * _SIZE_FACTORS[parts[1]]
    if not math.isfinite(size) or size < 1 or size != int(size):
        raise ValueError(f"{text!r} is not a whole, positive number of bytes")
    return int(size)


def parse_duration(text: str) -> float:
    """``5m`` → 300.0 seconds.

    Raises:
        ValueError: not a duration, or zero.
    """
    parts = _split(text)
    if parts is None or parts[1] not in _DURATION_FACTORS or parts[0] == 0:
        raise ValueError(f"{text!r} is not a duration; write for example 90s, 5m or 1h")
    return parts[0] * _DURATION_FACTORS[parts[1]]


def format_size(size_bytes: float) -> str:
    """67108864 → ``64 MiB``; at most three significant digits."""
    if math.isnan(size_bytes):
        return MISSING
    sign, size = ("-" if size_bytes < 0 else ""), abs(size_bytes)
    power = 0
    while power < len(_BINARY) - 1 and round(size) >= 1024:
        size, power = size / 1024, power + 1
    digits = f"{size:.0f}" if size >= 100 else f"{size:.3g}"
    return f"{sign}{digits} {_BINARY[power]}"


def format_seconds(seconds: float) -> str:
    """0.0123 → ``12.3 ms``; three significant digits."""
    if math.isnan(seconds):
        return "–"
    for factor, unit in ((1e9, "ns"), (1e6, "µs"), (1e3, "ms")):
        if abs(seconds) * factor < 999.5:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s" if abs(seconds) < 100 else f"{seconds:.0f} s"


def format_duration(seconds: float) -> str:
    """A wait, coarsely: ``45 s``, ``3 min 20 s``, ``1 h 05 min``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def format_rate(bytes_per_s: float) -> str:
    """Decimal gigabytes a second, as memory bandwidth is quoted: ``12.3 GB/s``."""
    if math.isnan(bytes_per_s):
        return "–"
    rate = bytes_per_s / 1e9
    return f"{rate:.0f} GB/s" if rate >= 999.5 else f"{rate:.3g} GB/s"


def format_share(share: float) -> str:
    """0.05 → ``5%``, 0.125 → ``12.5%``."""
    return f"{share * 100:.3g}%"


def format_multiple(ratio: float) -> str:
    """1.9987 → ``2.00×``; small and large ones keep three significant digits."""
    if math.isnan(ratio):
        return "–"
    if abs(ratio) < 0.005:
        return "0×"
    return f"{ratio:.2f}×" if abs(ratio) < 100 else f"{ratio:.3g}×"


def size_text(size_bytes: int | None) -> str:
    """A size; the absence of one is no size at all."""
    return "no size" if size_bytes is None else format_size(size_bytes)


def plural(count: int, one: str, many: str = "") -> str:
    """``1 case``, ``2 cases``."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def letters(index: int) -> str:
    """Names for things that have none: A … Z, AA, AB …"""
    rest, last = divmod(index, len(string.ascii_uppercase))
    return (letters(rest - 1) if rest else "") + string.ascii_uppercase[last]
