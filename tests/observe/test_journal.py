from __future__ import annotations

from pathlib import Path

import pytest

from sim.clock import Clock
from sim.errors import InputError
from sim.observe.events import Acked, FaultBegan, LoadStarted, PartFailed, RoutingChanged
from sim.observe.journal import Journal, Record, decode, encode, only, read

EVENTS = [
    LoadStarted(clients=2),
    RoutingChanged("london", ("fra", "iad")),
    FaultBegan("slow", "london:fra", {"latency_ms": 20.0}),
    Acked("london/0", "s", 1, "fra", "m", 12.5),
]


def journaled(path, events=EVENTS, redact=str, seconds=1.0):
    """A journal file of events, one after the other in virtual time."""

    async def write():
        clock = Clock()
        journal = Journal(clock, path, redact)
        for event in events:
            journal.write(event)
            await clock.sleep(seconds)
        journal.close()
        return journal

    return write()


def test_what_is_written_is_read(virtually, tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = virtually(journaled(path))
    assert read(path) == journal.records
    assert [record.t for record in read(path)] == [0.0, 1.0, 2.0, 3.0]


def test_a_text_that_many_events_have_is_in_memory_once(virtually, tmp_path):
    path = tmp_path / "journal.jsonl"
    virtually(journaled(path, [EVENTS[-1], EVENTS[-1]]))
    (_, first), (_, second) = only(read(path), Acked)
    assert first.client is second.client


def test_the_same_events_make_the_same_bytes(virtually, tmp_path):
    for name in ("a", "b"):
        virtually(journaled(tmp_path / name))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_last_line_that_was_cut_off_is_left_out(virtually, tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = virtually(journaled(path))
    path.write_text(path.read_text()[:-20])
    assert read(path) == journal.records[:-1]


@pytest.mark.parametrize("line", ["nonsense", "{}", '{"t": 1, "kind": "unheard_of"}', "[]"])
def test_a_line_that_is_no_record_is_told_with_its_number(virtually, tmp_path, line):
    path = tmp_path / "journal.jsonl"
    virtually(journaled(path))
    path.write_text(f"{line}\n{path.read_text()}")
    with pytest.raises(InputError, match=r"journal\.jsonl:1: not a record"):
        read(path)


def test_secrets_do_not_reach_the_file(virtually, tmp_path):
    path = tmp_path / "journal.jsonl"
    events = [FaultBegan("crash", "hunter2")]
    virtually(journaled(path, events, lambda line: line.replace("hunter2", "…")))
    assert "hunter2" not in path.read_text()


def test_subscribers_are_told_in_order(virtually):
    told: list[Record] = []

    async def write():
        journal = Journal(Clock())
        journal.subscribe(told.append)
        for event in EVENTS:
            journal.write(event)

    virtually(write())
    assert [record.event for record in told] == EVENTS


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_a_record_survives_its_line(event):
    assert decode(encode(Record(1.5, event))) == Record(1.5, event)


def test_a_full_disk_ends_the_file_and_is_in_the_record(virtually):
    """Neither the run nor the story ends with it; told once, wherever the disk is found full."""
    for events, written in (([*EVENTS, *EVENTS], 8), (EVENTS * 500, 2000)):  # at the end; at once
        journal = virtually(journaled(Path("/dev/full"), events, seconds=0))
        told = [record.event for record in journal.records if isinstance(record.event, PartFailed)]
        assert told == [PartFailed("journal", "/dev/full ends here: No space left on device")]
        assert len(journal.records) == written + 1
