"""The trap: at which moment a session's machine is struck, from journal records alone."""

from __future__ import annotations

import asyncio

import pytest

from sim.observe.events import Acked, Connected, Sent, SessionReady
from sim.observe.journal import Record
from sim.sweep.boundaries import IDLE, TURN, Boundary, Moment, boundaries
from sim.sweep.trap import WELL_AFTER, Trap, blows_of

ME = "london/0"


class Bench:
    """A trap, what it struck and whether it found the session well."""

    def __init__(self, *blows, way_s=0.0, pause_s=0.0):
        self.struck: list[tuple[str, str | None]] = []
        self.well = 0
        self.trap = Trap(
            *(ME, blows, way_s, pause_s),
            later=lambda s, call: asyncio.get_running_loop().call_later(s, call),
            strike=lambda *m: self.struck.append(m),
            well=self._well,
        )

    def _well(self):
        self.well += 1

    def hear(self, *events):
        for event in events:
            self.trap(Record(0.0, event))

    def connect(self, machine, client=ME):
        self.hear(Connected(client, "london", "fra", machine))

    def talk(self, machine, *seqs, client=ME):
        for seq in seqs:
            self.hear(Sent(client, "s", seq))
            self.hear(Acked(client, "s", seq, "fra", machine, 20.0))


@pytest.mark.parametrize(
    ("moment", "before", "at"),
    [
        (Moment(Connected), [], Connected(ME, "london", "fra", "m1")),
        (Moment(Sent, 2), [Sent(ME, "s", 1)], Sent(ME, "s", 2)),
        (Moment(Acked), [Sent(ME, "s", 1)], Acked(ME, "s", 1, "fra", "m1", 20.0)),
        (Moment(SessionReady), [], SessionReady(ME, "s", "fra", "m1", False, 0, 0)),  # noqa: FBT003
    ],
)
def test_it_strikes_at_the_event_and_not_before(moment, before, at):
    bench = Bench(moment)
    if not isinstance(at, Connected):
        bench.connect("m1")
    bench.hear(*before)
    assert bench.struck == []
    bench.hear(at)
    assert bench.struck == [("m1", None)]
    assert bench.trap.sprung


async def test_a_delay_is_a_share_of_the_way_and_of_the_pause(monkeypatch):
    delays = []
    bench = Bench(Moment(Acked, 1, ways=0.5, pauses=0.25), way_s=0.1, pause_s=0.2)
    bench.connect("m1")
    later = lambda delay, *_: delays.append(delay)  # noqa: E731 - seen in place
    monkeypatch.setattr(asyncio.get_running_loop(), "call_later", later)
    bench.hear(Acked(ME, "s", 1, "fra", "m1", 20.0))
    assert delays == [pytest.approx(0.1)]


def test_other_clients_do_not_count():
    bench = Bench(Moment(Acked))
    bench.connect("m1")
    bench.connect("m2", client="london/1")
    bench.talk("m2", 1, 2, client="london/1")
    assert bench.struck == []


def test_the_second_blow_falls_on_another_connection_and_names_the_first_machine():
    bench = Bench(IDLE, Moment(Sent))
    bench.connect("m1")
    bench.talk("m1", *range(1, TURN + 1))
    assert bench.struck == [("m1", None)]
    bench.hear(Sent(ME, "s", 9))  # still on the connection that is dead
    assert len(bench.struck) == 1
    bench.connect("m2")
    bench.hear(Sent(ME, "s", 9))
    assert bench.struck == [("m1", None), ("m2", "m1")]


def test_the_session_is_well_once_it_is_served_again_after_the_last_blow():
    bench = Bench(Moment(Connected))
    bench.connect("m1")
    bench.connect("m2")
    bench.talk("m2", *range(1, WELL_AFTER))
    assert bench.well == 0
    bench.talk("m2", WELL_AFTER)
    assert bench.well == 1


def test_an_undisturbed_run_is_well_after_as_much():
    bench = Bench(*blows_of(None))
    bench.connect("m1")
    bench.talk("m1", *range(1, WELL_AFTER + 1))
    assert (bench.struck, bench.well) == ([], 1)


def test_a_resumption_is_reached_by_a_blow_at_an_idle_moment():
    moment = Moment(SessionReady)
    assert blows_of(Boundary("x", moment, resuming=True)) == [IDLE, moment]
    assert blows_of(Boundary("x", moment)) == [moment]


def test_boundaries_have_names_of_their_own():
    names = [boundary.name for boundary in boundaries()]
    assert len(set(names)) == len(names) >= 16
