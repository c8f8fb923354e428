from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.places.reachable import Destination
from sim.places.socks import LONGEST, MalformedError, Reply, read_greeting, read_request


def request(host, port, *, command=1):
    name = host.encode()
    return struct.pack("!BBBBB", 5, command, 0, 3, len(name)) + name + struct.pack("!H", port)


@given(st.binary(max_size=255), st.binary(max_size=9))
def test_a_greeting_is_read_to_its_end_and_no_further(methods, rest):
    whole = bytes([5, len(methods)]) + methods
    for end in range(len(whole)):
        assert read_greeting(whole[:end]) is None
    assert read_greeting(whole + rest) == (0 in methods, len(whole))


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=255),
    st.integers(0, 65_535),
    st.binary(max_size=9),
)
def test_a_request_by_name_is_read_to_its_end_and_no_further(host, port, rest):
    whole = request(host, port)
    assert len(whole) <= LONGEST
    for end in range(len(whole)):
        assert read_request(whole[:end]) is None
    assert read_request(whole + rest) == (Destination(host, port), len(whole))


def test_a_request_by_address_is_read():
    said = b"\x05\x01\x00\x01\x7f\x2c\x02\x65\x21\x20"
    assert read_request(said[:9]) is None
    assert read_request(said + b"GET") == (Destination("127.44.2.101", 8480), 10)


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        (request("h", 80, command=2), Reply.NO_SUCH_COMMAND),  # BIND
        (b"\x05\x01\x00\x04" + bytes(18), Reply.NO_SUCH_ADDRESS_TYPE),  # IPv6
        (b"\x04\x01\x00\x03\x01", Reply.FAILED),
        (b"\x05\x01\x00\x03\x01\xff\x00\x50", Reply.HOST_UNREACHABLE),
    ],
)
def test_what_cannot_be_served_says_why(said, reply):
    with pytest.raises(MalformedError) as caught:
        read_request(said)
    assert caught.value.reply is reply


def test_a_reply_is_ten_octets():
    assert Reply.REFUSED.encoded() == b"\x05\x05\x00\x01" + bytes(6)
