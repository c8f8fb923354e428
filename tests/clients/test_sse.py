"""Server-Sent Events, as the HTML standard has them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.clients.sse import Event, EventReader

STREAM = (
    "\ufeff: a comment\nretry: 10\n\n"
    "data: first\r\ndata:  second\r\n\r\n"
    "event: saved\rid: 7\rdata: {}\r\r"
    "event: forgotten\n\n"
    "data\n\n"
    "id: no\0ne\ndata:zoë\n\n"
    "data: never ended"
).encode()
EVENTS = [
    Event("message", "first\n second"),
    Event("saved", "{}"),
    Event("message", ""),
    Event("message", "zoë"),
]


def test_events_are_read_with_every_kind_of_line_end():
    reader = EventReader()
    assert list(reader.feed(STREAM)) == EVENTS
    assert reader.last_id == "7"


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_it_does_not_matter_where_the_bytes_are_cut(cuts):
    edges = sorted({0, len(STREAM), *cuts})
    reader = EventReader()
    found = [event for begin, end in pairwise(edges) for event in reader.feed(STREAM[begin:end])]
    assert found == EVENTS
    assert reader.last_id == "7"


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"])
def test_an_event_comes_as_soon_as_its_line_is_empty(end):
    reader = EventReader()
    assert list(reader.feed(b"data: a" + end)) == [Event("message", "a")]
