"""When a client left a gateway alone that owed it nothing."""

from __future__ import annotations

import pytest

from sim.observe.events import Acked, Connected, Disconnected, Failed, Sent, SessionReady, Unknown

CLIENT = "london/0"


def up(t):
    return (t, Connected(CLIENT, "london", "fra", "m"))


def down(t):
    return (t, Disconnected(CLIENT, "london", "fra", "m", "reset"))


def sent(t, seq):
    return (t, Sent(CLIENT, "s", seq))


def acked(t, seq):
    return (t, Acked(CLIENT, "s", seq, "fra", "m", 20.0))


def ready(t):
    return (t, SessionReady(CLIENT, "s", "fra", "m", False, 0, 0))  # noqa: FBT003


ONCE = [up(0.0), sent(1.0, 1), acked(2.0, 1)]


@pytest.mark.parametrize(
    ("pairs", "idle_s"),
    [
        ([*ONCE, sent(9.0, 2)], 6.0),  # 2 to 9, of which 1 is its pace
        ([*ONCE, sent(2.5, 2), acked(3.0, 2), sent(9.0, 3)], 5.0),
        ([*ONCE, sent(2.5, 2)], 0.0),  # the gateway owes an answer
        ([*ONCE, sent(2.5, 2), (5.0, Failed(CLIENT, "s", 2, "fra", "busy"))], 0.0),
        ([*ONCE, sent(2.5, 2), (5.0, Unknown(CLIENT, "s", 2))], 0.0),  # it owes one still
        ([*ONCE, down(3.5)], 0.5),  # no connection stands
        ([*ONCE, down(2.5), up(3.0)], 0.0),  # nor is it served on the next
        ([*ONCE, down(2.5), up(3.0), ready(4.0)], 5.0),
        ([up(0.0), ready(1.0)], 0.0),  # it is not told what is sent
        (ONCE, 7.0),
    ],
)
def test_only_a_client_that_could_have_sent_is_idle(history, pairs, idle_s):
    found = history(*pairs).idleness(1.0).beyond_s(CLIENT, 0.0, 10.0)
    assert found == pytest.approx(idle_s)


def test_only_the_time_that_is_asked_about_counts(history):
    idleness = history(*ONCE, sent(9.0, 2), acked(9.5, 2)).idleness(1.0)
    assert idleness.beyond_s(CLIENT, 4.0, 7.0) == pytest.approx(2.0)
    assert idleness.beyond_s(CLIENT, 8.5, 9.2) == 0.0
