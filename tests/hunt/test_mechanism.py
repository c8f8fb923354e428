"""Why a promise was broken, told from a journal, and no more than the journal shows."""

from __future__ import annotations

import pytest

from sim.hunt import mechanism
from sim.observe.events import (
    Acked,
    Connected,
    ConnectFailed,
    Disconnected,
    Event,
    FaultBegan,
    LinkChanged,
    LoadEnded,
    LoadStarted,
    MachineChanged,
    MachineStopped,
    Sent,
    SessionReady,
)
from sim.observe.history import History
from sim.observe.journal import Record

WHO = "london/0"
Pair = tuple[float, Event]


def history(*pairs: Pair) -> History:
    begun: list[Pair] = [
        (0.0, LoadStarted(1)),
        (0.0, MachineChanged("m1", "fra", "started")),
        (0.0, MachineChanged("m2", "iad", "started")),
        (0.1, Connected(WHO, "london", "fra", "m1")),
    ]
    told = sorted([*begun, *pairs, (60.0, LoadEnded())], key=lambda pair: pair[0])
    return History([Record(t, event) for t, event in told])


def said(kind: str, *pairs: Pair) -> str:
    return " ".join(mechanism.of_message(kind, "s", 1, "stored after message 2", history(*pairs)))


SENT, ACKED = (9.0, Sent(WHO, "s", 1)), (9.1, Acked(WHO, "s", 1, "fra", "m1", 99.0))
CRASH = (9.3, FaultBegan("crash", "fra", {"kind": "region", "region": "fra"}))
GONE = (9.4, MachineChanged("m1", "fra", "stopped"))
CUT = (8.0, LinkChanged("fra:database", "silent", 90.0))
OPEN = (20.0, LinkChanged("fra:database", "up", 90.0))


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([CRASH, GONE], "ended by crash fra 0.30 s later, and the message was nowhere else."),
        ([(9.9, MachineChanged("m1", "fra", "stopped"))], "acknowledged it ended 0.80 s later"),
        ([], "ran on to the end, and it is not stored."),
        (
            [CUT, OPEN],
            "was cut then (fra:database silent). The process that acknowledged it ran on",
        ),
    ],
)
def test_of_a_lost_message_what_became_of_the_process_and_its_way(pairs, words):
    assert words in said("lost", SENT, ACKED, *pairs)
    assert "cut" not in said("lost", SENT, ACKED, OPEN)
    late = (21.0, Acked(WHO, "s", 1, "fra", "m1", 99.0))
    assert "was cut between the two (fra:database silent)" in said("lost", SENT, late, CUT, OPEN)


@pytest.mark.parametrize(
    ("killed", "words"),
    [(False, "ended on SIGINT (updated)"), (True, "was killed, having been sent SIGINT (updated)")],
)
def test_a_process_that_was_asked_to_end(killed, words):
    stop = MachineStopped("m1", "fra", "updated", "SIGINT", 5.0, 0.1, killed, "exited with code 0")
    assert f"{words} 0.30 s later" in said("lost", SENT, ACKED, GONE, (9.5, stop))
    draining = (9.05, MachineChanged("m1", "fra", "updating"))
    assert f"{words} just then" in said("lost", SENT, ACKED, draining, (9.5, stop))


def test_of_a_doubled_message_where_its_copies_went_and_why_the_first_was_unanswered():
    again = [
        (10.0, Disconnected(WHO, "london", "fra", "m1", "reset", expected=False)),
        (11.0, Connected(WHO, "london", "iad", "m2")),
        (12.0, Sent(WHO, "s", 1, 2)),
        (12.1, Acked(WHO, "s", 1, "iad", "m2", 99.0)),
    ]
    freeze = (8.5, FaultBegan("freeze", "fra", {"kind": "region", "region": "fra"}))
    thaw = (11.5, FaultBegan("thaw", "fra", {"kind": "region", "region": "fra"}))
    text = said("duplicated", SENT, freeze, thaw, *again)
    assert "went to m1 in fra at 9.00 s (during freeze fra) and m2 in iad at 12.00 s;" in text
    assert "never came (reset, at 10.00 s)" in text
    once = said("duplicated", SENT, (21.0, ACKED[1]), CUT, OPEN)
    assert "sent it once, to m1 in fra at 9.00 s: the gateway stored it again by itself." in once
    assert "was cut (fra:database silent)" in once


def test_of_a_message_out_of_order_what_overtook_it():
    assert said("reordered", SENT, ACKED).startswith("It was stored after message 2: ")
    assert not [*mechanism.of_message("lost", "t", 1, "", history(SENT))]


def test_of_a_forgotten_session_who_knew_it():
    ready = (15.0, SessionReady(WHO, "s", "iad", "m2", resumed=True, acked=0, remembered=1))
    (text,) = mechanism.of_forgotten(history(SENT, ACKED, CRASH, GONE, ready))
    assert text == (
        "Message 1 of it had been acknowledged at 9.10 s by m1 in fra, whose process ended by crash"
        " fra at 9.40 s."
    )
    (text,) = mechanism.of_forgotten(history(SENT, ACKED, ready))
    assert text.endswith("by m1 in fra, whose process was still there.")
    assert not [*mechanism.of_forgotten(history(SENT, ACKED))]


def test_of_a_client_that_nobody_serves_what_it_met_with_and_whether_a_way_was_open():
    refused = [
        (t, ConnectFailed(WHO, "london", "fra", "status 503", machine="m1")) for t in (10.0, 11.0)
    ]
    text = " ".join(mechanism.of_unserved(WHO, 9.1, history(SENT, ACKED, *refused)))
    assert "london/0 met with 2 \N{MULTIPLICATION SIGN} status 503 (fra)." in text
    assert "nothing was in its way: machines ran in fra and iad" in text
    away = [(50.0, MachineChanged(m, r, "stopped")) for m, r in (("m1", "fra"), ("m2", "iad"))]
    assert "in its way" not in " ".join(mechanism.of_unserved(WHO, 9.1, history(*away)))
    assert "in its way" not in " ".join(mechanism.of_unserved(WHO, 9.1, history(CUT)))
