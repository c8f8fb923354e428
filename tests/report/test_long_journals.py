"""A long journal is judged in little memory, and by all that it says."""

from __future__ import annotations

import tracemalloc

import pytest

from sim.observe.events import (
    Acked,
    Audited,
    ClientMade,
    Connected,
    LoadEnded,
    LoadStarted,
    Resolved,
    RunStarted,
    Sent,
    SessionReady,
    Stored,
)
from sim.observe.journal import Record, encode, read
from sim.report.outcome import judge
from tests.scenario.conftest import TOPOLOGY

CLIENTS = [f"london/{n}" for n in range(20)]
EVERY_S = 1.0
LOST = ("london/7", 3)


def latency_ms(n, seq):
    return 20 + (n * 31 + seq * 17) % 997 / 10


def records(turns):
    """The run of a load whose clients each send so many messages, of which one is lost."""
    scenario = {
        "name": "long",
        "topology": "atlas.yaml",
        "load": {"driver": "session", "clients": len(CLIENTS), "every": "1s"},
        "duration": f"{turns}s",
        "expect": [{"check": "messages", "lost": 0}],
    }
    yield Record(0.0, RunStarted(7, 1.0, "process", "embedded", "0", TOPOLOGY, scenario))
    yield Record(0.0, LoadStarted(len(CLIENTS), EVERY_S, 5.0))
    for client in CLIENTS:
        yield Record(0.0, ClientMade(client, "london", "strict"))
        yield Record(0.0, Resolved(client, "london", "fra", "127.0.0.1", None))
        yield Record(0.0, Connected(client, "london", "fra", "m1"))
        yield Record(
            0.0, SessionReady(client, client, "fra", "m1", resumed=False, acked=0, remembered=0)
        )
    for seq in range(1, turns + 1):
        for n, client in enumerate(CLIENTS):
            t = seq * EVERY_S + n / 1000
            yield Record(t, Sent(client, client, seq))
        for n, client in enumerate(CLIENTS):
            took_ms = latency_ms(n, seq)
            t = round(seq * EVERY_S + 0.5 + n / 1000, 6)
            yield Record(t, Acked(client, client, seq, "fra", "m1", took_ms))
    yield Record(turns + 1.0, LoadEnded())
    for seq in range(1, turns + 1):
        for client in CLIENTS:
            if (client, seq) != LOST:
                yield Record(turns + 2.0, Stored(client, seq, "fra", "m1"))
    yield Record(turns + 2.0, Audited())


def judged(path, turns):
    """The report of such a run's journal, its length, and the most memory that this took."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{encode(record)}\n" for record in records(turns))
    tracemalloc.start()
    try:
        report = judge(read(path), str(path)).report
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return report, path.stat().st_size, peak


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("long")
    return {turns: judged(folder / f"{turns}.jsonl", turns) for turns in (60, 240)}


def test_each_megabyte_takes_less_than_a_quarter_of_one(runs):
    (_, short, least), (_, long, most) = runs.values()
    assert long - short > 1e6
    assert most - least < (long - short) / 4


@pytest.mark.parametrize("turns", [60, 240])
def test_nothing_of_it_is_left_out(runs, turns):
    report, _, _ = runs[turns]
    sent = turns * len(CLIENTS)
    assert {key: report["messages"][key] for key in ("sent", "acked", "unknown", "lost")} == {
        "sent": sent,
        "acked": sent,
        "unknown": 0,
        "lost": 1,
    }
    assert [(a["session"], a["seq"]) for a in report["anomalies"]] == [LOST]
    assert report["traffic"]["london"] == {"iad": 0, "fra": sent}
    ordered = sorted(latency_ms(n, seq) for n in range(len(CLIENTS)) for seq in range(1, turns + 1))
    assert report["latency_ms"]["london"]["fra"] == {
        f"p{p}": round(ordered[sent * p // 100 - 1], 2) for p in (50, 90, 99)
    }
    assert (report["verdict"], report["outages"]) == ("failed", [])
