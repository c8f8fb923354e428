"""Packed records are the very same records."""

from __future__ import annotations

import math

import pytest

from sim.observe.events import (
    Acked,
    Disconnected,
    FaultBegan,
    LoadEnded,
    Resolved,
    RoutingChanged,
    Sent,
)
from sim.observe.journal import Record, Records, encode

# More than are packed at once, the last of them not yet.
MANY = 2500


def event(k):
    """One of several kinds, with what columns may hold: numbers, texts, None, mappings."""
    kinds = (
        lambda: Sent(f"london/{k % 7}", f"s{k % 7}", k),
        lambda: Acked(
            f"london/{k % 7}", f"s{k % 7}", k, "fra", "m1", k / 3 if k % 2 else k * 0.001
        ),
        lambda: Resolved("london/1", "london", None, None, math.inf if k % 3 else None, "late"),
        lambda: FaultBegan("slow", "a:b", {"kind": "link", "age_s": k / 7, "machines": ("m1",)}),
        lambda: Disconnected("london/2", "london", "fra", "m1", "went", code=None, unanswered=k),
        lambda: RoutingChanged("london", ("fra", "iad")),
        LoadEnded,
    )
    return kinds[k * k % len(kinds)]()


@pytest.fixture(scope="module")
def plain():
    return [Record(round(k * 0.01723, 6) if k % 900 else k / 3, event(k)) for k in range(MANY)]


def test_what_is_read_is_what_was_added(plain):
    records = Records(plain)
    assert records == plain
    assert records == Records(plain)
    assert records != plain[:-1]
    assert records != [*plain[:-1], plain[0]]
    assert [encode(record) for record in records] == [encode(record) for record in plain]
    assert (len(records), bool(records), bool(Records())) == (MANY, True, False)


@pytest.mark.parametrize("index", [0, 1023, 1024, MANY - 1, -1, -MANY])
def test_one_is_had_by_its_index(plain, index):
    assert Records(plain)[index] == plain[index]


def test_there_is_none_beyond_the_last(plain):
    with pytest.raises(IndexError):
        Records(plain)[MANY]


def test_some_are_had_in_any_order(plain):
    records = Records(plain)
    assert records[900:2200] == plain[900:2200]
    assert records[-10:] == plain[-10:]
    assert [*reversed(records)] == plain[::-1]


def test_those_of_some_kinds_are_in_their_order(plain):
    kinds = (Sent, FaultBegan)
    assert [*Records(plain).among(kinds)] == [r for r in plain if isinstance(r.event, kinds)]


def test_a_copy_has_none_that_are_added_later(plain):
    records = Records(plain)
    copy = records.copy()
    for record in plain:
        records.append(record)
    assert [*copy] == plain
    assert [*records] == plain * 2


def test_a_message_takes_a_tenth_of_its_lines():
    records = Records()
    lines = 0
    for k in range(20 * 1024):
        client = f"new-york/{k * 37 % 100}"
        told = Acked(
            client, f"session-of-{client}", k // 100, "iad", "d8912f", 20 + k * 7 % 991 / 1e3
        )
        record = Record(round(k * 0.0047 + k * 31 % 17 / 1e5, 6), told)
        records.append(record)
        lines += len(encode(record))
    assert sum(map(len, records._packed)) < lines / 10
