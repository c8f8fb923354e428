"""A client's record of what it sent: the numbers of its turns, and what can be no number."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from sim.clients.client import Client
from sim.clients.load_spec import LoadSpec
from sim.clock import Clock
from sim.rng import Rng


@pytest.fixture
def written():
    return []


@pytest.fixture
async def client(written):
    async def closing():
        raise NotImplementedError

    vantage: Any = SimpleNamespace(name="london/0", location="london", region="fra")
    setting: Any = SimpleNamespace(
        clock=Clock(speed=1e4), journal=SimpleNamespace(write=written.append)
    )
    term = SimpleNamespace(ends_at=math.inf, closing=closing)
    return Client(vantage, LoadSpec(), term, setting, Rng(7))


async def test_turns_are_numbered_on_from_one_connection_to_the_next(client):
    numbers = []
    for _ in range(2):
        pace = client.pace()
        numbers += [await anext(pace), await anext(pace)]
        client.end()
    assert numbers == [1, 2, 3, 4]


@pytest.mark.parametrize("seq", [1.0, "1", True, None])
@pytest.mark.parametrize("told", ["send", "acked", "failed", "unknown"])
def test_what_is_no_whole_number_is_refused(client, written, told, seq):
    more = ["no"] if told == "failed" else []
    with pytest.raises(TypeError, match="a message's number is a whole number, not "):
        getattr(client, told)("s", seq, *more)
    assert not written


def test_a_session_is_named_by_text(client):
    with pytest.raises(TypeError, match="a session is named by text, not 7"):
        client.send(7, 1)


def test_what_a_session_holds_is_told_by_a_number(client):
    with pytest.raises(TypeError, match="whole number, not '3'"):
        client.session_ready("s", resumed=True, acked="3", remembered=3)


@pytest.mark.parametrize("session", ["s", "another"])
def test_what_was_never_sent_cannot_be_acknowledged(client, session):
    client.send("s", 3)
    with pytest.raises(
        ValueError, match=r"message 4 was acknowledged and never sent: .client.send"
    ):
        client.acked(session, 4)


def test_what_was_acknowledged_may_be_acknowledged_again(client, written):
    client.send("s", 3)
    for _ in range(2):
        client.acked("s", 3)
    assert [event.kind for event in written] == ["sent", "acked"]
