"""Sizes, durations and rates, written and read."""

from __future__ import annotations

import math

import pytest

from harness.units import (
    format_duration,
    format_multiple,
    format_rate,
    format_seconds,
    format_size,
    parse_duration,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4096", 4096),
        ("1", 1),
        ("64KiB", 65536),
        ("64MiB", 67108864),
        ("64MB", 67108864),
        ("64m", 67108864),
        (" 64 MiB ", 67108864),
        ("1.5GiB", 1610612736),
        ("0.5k", 512),
        ("2TiB", 2199023255552),
        ("100b", 100),
    ],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "MiB", "-1", "1e6", "64 M B", "64XB", "1,5GiB", "0x10", "64MiBs", "²"]
)
def test_what_is_no_size_is_quoted_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size; write for example 4096, 64KiB") as caught:
        parse_size(text)
    assert str(caught.value).startswith(repr(text))


@pytest.mark.parametrize("text", ["0", "0MiB", "1.5", "0.0001KiB"])
def test_a_size_is_whole_and_positive(text: str) -> None:
    with pytest.raises(ValueError, match="is not a whole, positive number of bytes"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("5m", 300), ("5 min", 300), ("1.5h", 5400), ("250ms", 0.25)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0s", "5 days", "-5m", "1m30s", "s"])
def test_what_is_no_duration_is_quoted_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration; write for example 90s, 5m or 1h"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (1024**2 - 1, "1 MiB"),
        (67108864, "64 MiB"),
        (1000 * 1024**2, "1000 MiB"),
        (1.234 * 1024**3, "1.23 GiB"),
        (5000 * 1024**4, "5000 TiB"),
        (-65536, "-64 KiB"),
        (math.nan, "–"),
    ],
)
def test_sizes_are_written(size: float, text: str) -> None:
    assert format_size(size) == text


@pytest.mark.parametrize("power", range(41))
def test_what_is_written_can_be_read(power: int) -> None:
    assert parse_size(format_size(2**power)) == 2**power


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ns"),
        (4e-7, "400 ns"),
        (9.994e-7, "999 ns"),
        (9.996e-7, "1 µs"),
        (0.0123, "12.3 ms"),
        (0.9996, "1 s"),
        (1.5, "1.5 s"),
        (123.4, "123 s"),
        (-0.002, "-2 ms"),
        (math.nan, "–"),
    ],
)
def test_times_are_written(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (45.4, "45 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (3599.7, "1 h 00 min"),
        (3900, "1 h 05 min"),
    ],
)
def test_waits_are_written(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_rates_are_decimal() -> None:
    assert format_rate(12.345e9) == "12.3 GB/s"
    assert format_rate(5e6) == "0.005 GB/s"
    assert format_rate(1.7512e12) == "1751 GB/s"
    assert format_rate(999.7e9) == "1000 GB/s"
    assert format_rate(math.nan) == "–"


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(1.9987, "2.00×"), (0.004, "0×"), (0.01, "0.01×"), (250.4, "250×"), (math.nan, "–")],
)
def test_multiples_are_written(ratio: float, text: str) -> None:
    assert format_multiple(ratio) == text
