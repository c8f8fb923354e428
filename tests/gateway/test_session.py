from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.gateway.protocol import (
    Message,
    ProtocolError,
    Sequence,
    ack,
    error,
    parse,
    ready,
    valid_id,
)


def test_a_message_is_read() -> None:
    assert parse('{"type": "message", "seq": 7, "body": "hällo"}') == Message(7, "hällo")


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ("", "must be JSON"),
        ("{", "must be JSON"),
        ("[]", "must be an object"),
        ("null", "must be an object"),
        ('{"type": "massage", "seq": 1, "body": ""}', "must be an object"),
        ('{"type": "message", "body": ""}', '"seq" must be'),
        ('{"type": "message", "seq": 0, "body": ""}', '"seq" must be'),
        ('{"type": "message", "seq": true, "body": ""}', '"seq" must be'),
        ('{"type": "message", "seq": 1.0, "body": ""}', '"seq" must be'),
        ('{"type": "message", "seq": 9223372036854775808, "body": ""}', '"seq" must be'),
        ('{"type": "message", "seq": 1}', '"body" must be'),
        ('{"type": "message", "seq": 1, "body": 5}', '"body" must be'),
        ('{"type": "message", "seq": 1, "body": "a\\u0000b"}', '"body" must be'),
        ('{"type": "message", "seq": 1, "body": "\\ud800"}', '"body" must be'),
    ],
)
def test_what_cannot_be_stored_is_refused(frame: str, said: str) -> None:
    with pytest.raises(ProtocolError, match=said):
        parse(frame)


FRAMES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["seq", "body"]), inner),
    max_leaves=5,
)


@given(st.text() | FRAMES.map(json.dumps))
def test_what_is_no_message_is_a_protocol_error_and_nothing_else(frame: str) -> None:
    with pytest.raises(ProtocolError):
        parse(frame)


def test_after_a_resume_repeats_are_taken_and_gaps_are_not() -> None:
    sequence = Sequence(5, strict=True)
    for seq in (6, 3, 6, 7, 7, 8):
        sequence.take(seq)
    with pytest.raises(ProtocolError, match="seq 10 leaves a gap: expected 9"):
        sequence.take(10)
    sequence.take(9)


def test_who_forgets_cannot_demand_an_order() -> None:
    sequence = Sequence(0, strict=False)
    for seq in (41, 42, 50, 1):
        sequence.take(seq)
    with pytest.raises(ProtocolError):
        Sequence(0, strict=True).take(41)


@pytest.mark.parametrize("session", ["a", "london/3", "A.b_c:d~e-f", "x" * 128])
def test_these_name_a_session(session: str) -> None:
    assert valid_id(session)


@pytest.mark.parametrize("session", ["", "x" * 129, "a b", "a\n", "ä", "a\0"])
def test_these_name_none(session: str) -> None:
    assert not valid_id(session)


def test_frames_are_what_the_protocol_says() -> None:
    assert json.loads(ready("s", "fra", "m1", 5)) == {
        "type": "ready",
        "session": "s",
        "region": "fra",
        "machine": "m1",
        "acked": 5,
    }
    assert json.loads(ack(7)) == {"type": "ack", "seq": 7}
    assert json.loads(error('say "no"')) == {"type": "error", "message": 'say "no"'}
