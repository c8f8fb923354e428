from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.topology.units import (
    format_duration,
    format_size,
    parse_duration,
    parse_frequency,
    parse_rate,
    parse_share,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("30s", 30.0),
        ("2m", 120.0),
        ("1h", 3600.0),
        ("1.5s", 1.5),
        ("0s", 0.0),
        ("1m30s", 90.0),
        ("1h1m1s1ms", 3661.001),
        ("5 s", 5.0),
    ],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)
    assert isinstance(parse_duration(text), float)


@pytest.mark.parametrize("bare", [30, 2.5, "30", "0", -1, "-3.5"])
def test_a_bare_number_is_no_duration_and_the_message_names_the_units(bare: object) -> None:
    with pytest.raises(ValueError, match=r"without a unit; write `.*s` \(units: ms, s, m, h\)"):
        parse_duration(bare)


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "s",
        "5x",
        "5sec",
        "-5s",
        "1s1s",
        "30s2m",
        "1e3s",
        "٣s",
        None,
        True,
        ["5s"],
        "9" * 40 + "s",
    ],
)
def test_what_is_no_duration_is_quoted_and_the_units_shown(nonsense: object) -> None:
    with pytest.raises(ValueError, match=r"found .*(ms|such as)"):
        parse_duration(nonsense)


@given(st.integers(min_value=0, max_value=10**10))
def test_a_formatted_duration_reads_as_the_same_milliseconds(millis: int) -> None:
    assert round(parse_duration(format_duration(millis / 1000)) * 1000) == millis


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "250ms"),
        (30, "30s"),
        (90, "90s"),
        (120, "2m"),
        (3600, "1h"),
        (1.5, "1.5s"),
        (12345.678, "12345.678s"),
    ],
)
def test_a_duration_is_written_in_its_largest_whole_unit(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_rates_are_kilobits_of_a_thousand() -> None:
    assert [parse_rate(t) for t in ("500bps", "64kbps", "10mbps", "1gbps")] == [
        0.5,
        64.0,
        10_000.0,
        1_000_000.0,
    ]


def test_sizes_are_bytes_with_binary_units() -> None:
    assert [parse_size(t) for t in ("512B", "64KiB", "1.5MiB")] == [512, 65_536, 1_572_864]


@pytest.mark.parametrize(
    ("parse", "wrong", "says"),
    [
        (parse_rate, 64, "64kbps"),
        (parse_rate, "64KBps", "no unit `KBps`; the units are bps, kbps, mbps, gbps"),
        (parse_rate, "fast", "`64kbps` or `10mbps`"),
        (parse_size, 64, "64B"),
        (parse_size, "64KB", "no unit `KB`; the units are B, KiB, MiB, GiB"),
        (parse_share, 5, "`5%`"),
        (parse_share, "101%", "between 0% and 100%"),
        (parse_share, "-1%", "between 0% and 100%"),
        (parse_share, "few", "`5%`"),
        (parse_frequency, 20, "`20/s`"),
        (parse_frequency, "20/h", "`20/s` or `90/m`"),
        (parse_frequency, "-1/s", "`20/s` or `90/m`"),
    ],
)
def test_other_quantities_name_their_units_too(
    parse: Callable[[object], float], wrong: object, says: str
) -> None:
    with pytest.raises(ValueError, match="found") as caught:
        parse(wrong)
    assert says in str(caught.value)


def test_shares_and_frequencies_are_fractions_and_per_second() -> None:
    assert parse_share("0.5%") == pytest.approx(0.005)
    assert parse_frequency("90/m") == pytest.approx(1.5)


@given(st.integers(min_value=0, max_value=10**9))
def test_a_formatted_size_reads_as_the_same(number: int) -> None:
    assert parse_size(format_size(number)) == number
