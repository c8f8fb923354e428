"""Bytes in hexadecimal: said with values and lengths in them, recognised with numbers taken out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.clients.binary import FIXED, parse_bytes, parse_pattern


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("00 ff0A", b"\x00\xff\x0a"),
        ("{seq:u16}{seq:u16le}{seq:u8}", b"\x00\x07\x07\x00\x07"),
        ("{seq:u32} {seq:u64}", b"\0\0\0\x07\0\0\0\0\0\0\0\x07"),
        ("{seq:u32le}{seq:u64le}", b"\x07\0\0\0\x07\0\0\0\0\0\0\0"),
        ("{seq:varint}{big:varint}", b"\x07\xac\x02"),
        ("{name}", "zoë".encode()),
        ("u8[{name}] u16[] varint[ 01 u8[02] ]", b"\x04zo\xc3\xab\x00\x00\x03\x01\x01\x02"),
    ],
)
def test_values_and_lengths_stand_in_their_forms(written, said):
    assert parse_bytes(written).fill({"seq": 7, "big": 300, "name": "zoë"}) == said


@pytest.mark.parametrize(
    ("written", "values", "says"),
    [
        ("{seq:u8}", {"seq": 256}, "`{seq:u8}` is 256, which does not fit"),
        ("{seq:u8}", {"seq": -1}, "is -1"),
        ("{seq:varint}", {"seq": -1}, "is -1"),
        ("{seq:u8}", {"seq": "seven"}, "is 'seven'"),
        ("u8[{name}]", {"name": "x" * 256}, "the length in `u8[` is 256"),
    ],
)
def test_what_does_not_fit_is_named(written, values, says):
    with pytest.raises(ValueError, match="does not fit") as caught:
        parse_bytes(written).fill(values)
    assert says in str(caught.value)


@given(st.data(), st.sampled_from(sorted(FIXED)), st.binary(max_size=5), st.binary(max_size=5))
def test_what_is_said_in_a_form_is_recognised_in_it(data, form, before, after):
    width = FIXED[form][0]
    number = data.draw(st.integers(0, 256**width - 1))
    said = parse_bytes(f"{before.hex()} {{n:{form}}} {after.hex()}").fill({"n": number})
    assert parse_pattern(f"{before.hex()} {{n:{form}}}").read(said) == {"n": number}


def test_a_message_is_recognised_by_how_it_begins_whatever_its_bytes_are():
    pattern = parse_pattern("2e .. {n:u8} 0a")
    assert pattern.read(b"\x2e\x0a\x0d\x0arest") == {"n": 13}
    assert pattern.read(b"\x2f\x0a\x0d\x0a") is None
    assert pattern.read(b"\x2e\x0a\x0d") is None
    assert pattern.read(b"\x00\x2e\x0a\x0d\x0a") is None
