"""What became of each client, moment by moment: the lanes of the timeline.

A lane is painted on a grid of equal cells, the worse state over the better one, so that however
coarse the grid, no cut-off is lost. It is kept as runs of equal cells.

States: 0 absent, 1 connecting, 2 cut off, and for the region with index r: 3 + 2r served by it,
4 + 2r connected to it without an answer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sim.observe.client_names import location_of
from sim.observe.events import Resolved
from sim.observe.history import History, Timed
from sim.observe.outages import Outage
from sim.scenario.evidence import Evidence

ABSENT, CONNECTING, CUT_OFF, SERVED, UNANSWERED = range(5)

MOST_CELLS = 6000  # of one lane: 0.1 s of ten minutes
MOST_RUNS = 40_000  # of all lanes; beyond, the grid is made coarser
FINEST_S = 0.1

_RUN = re.compile(rb"(.)\1*", re.DOTALL)
Span = tuple[float, float]


@dataclass(frozen=True)
class _Life:
    """A client's connections: from when, until when, to which region (by its index)."""

    began: float
    ended: float
    standing: Sequence[tuple[float, float, int]]


def lanes(evidence: Evidence) -> dict[str, Any]:
    """Every client's lane, and how long a cell is."""
    history = evidence.history
    cell_s = max(FINEST_S, _nice(history.end / MOST_CELLS))
    regions = {code: index for index, code in enumerate(evidence.topology.regions)}
    outages: dict[str, list[Outage]] = {}
    for outage in evidence.outages:
        outages.setdefault(outage.client, []).append(outage)
    clients = sorted(history.clients, key=_by_number)
    lives = {client: _life(history, client, regions) for client in clients}
    while True:
        runs = [
            _runs(_painted(history, client, lives[client], outages.get(client, ()), cell_s))
            for client in clients
        ]
        if sum(map(len, runs)) <= 2 * MOST_RUNS:
            break
        cell_s *= 2
    locations = list(evidence.topology.locations)
    return {
        "cell_s": cell_s,
        "clients": [
            _client(history, client, locations, run, len(outages.get(client, ())))
            for client, run in zip(clients, runs, strict=True)
        ],
        "marks": _marks(history, clients, cell_s),
    }


def _by_number(client: str) -> tuple[str, int, str]:
    place, _, number = client.rpartition("/")
    return (place, int(number) if number.isdecimal() else 0, client)


def _nice(seconds: float) -> float:
    """The next larger of 0.1, 0.2, 0.5, 1, 2, 5 and so on."""
    if seconds <= 0:
        return FINEST_S
    magnitude = 10.0 ** math.floor(math.log10(seconds))
    return float(next(m * magnitude for m in (1, 2, 5, 10) if m * magnitude >= seconds * 0.999))


def _life(history: History, client: str, regions: dict[str, int]) -> _Life:
    ups = history.connected.get(client, ())
    downs = history.disconnected.get(client, ())
    first = [
        events[0][0]
        for events in (history.resolved.get(client), history.connect_failed.get(client), ups)
        if events
    ]
    standing, ended, k = [], history.end, 0
    for t, up in ups:
        while k < len(downs) and downs[k][0] < t:
            k += 1
        until, expected = (downs[k][0], downs[k][1].expected) if k < len(downs) else (ended, False)
        if up.region in regions:
            standing.append((t, until, regions[up.region]))
        if expected:
            ended = min(ended, until)
    return _Life(min(first), ended, standing)


def _painted(
    history: History, client: str, life: _Life, outages: Sequence[Outage], cell_s: float
) -> bytearray:
    """The grid of one client: what was so in each cell."""
    cells = bytearray(max(1, math.ceil(history.end / cell_s - 1e-6)))

    def paint(span: Span, state: int, *, over: bool = True) -> None:
        """Every cell that the span touches (`over`), or only those that it fills."""
        touched = math.floor(max(0.0, span[0]) / cell_s + 1e-6)
        until = math.ceil(span[1] / cell_s - 1e-6) if over else math.floor(span[1] / cell_s + 1e-6)
        touched = touched if over else math.ceil(max(0.0, span[0]) / cell_s - 1e-6)
        until = min(until, len(cells))
        if until > touched:
            cells[touched:until] = bytes([state]) * (until - touched)

    paint((life.began, life.ended), CONNECTING)
    for t, until, region in life.standing:
        paint((t, until), SERVED + 2 * region)
    for t, until, region in life.standing:
        for outage in outages:
            silent = (max(t, outage.from_s), min(until, outage.to_s))
            if silent[1] > silent[0]:
                paint(silent, UNANSWERED + 2 * region)
    for span in _gaps(history, client, life):
        paint(span, CUT_OFF)
    for t, until, _ in life.standing:
        started = attempt_start(history, client, t)
        if started is not None and until > t:
            paint((started, t), CONNECTING, over=False)
    return cells


def _gaps(history: History, client: str, life: _Life) -> Iterator[Span]:
    """When a client had no connection and knew it: after one ended, or after it was refused."""
    failed = history.connect_failed.get(client)
    at: float | None = failed[0][0] if failed else None
    for t, until, _ in life.standing:
        if at is not None and at < t:
            yield (at, t)
        at = until
    if at is not None and at < life.ended:
        yield (at, life.ended)


def attempt_start(history: History, client: str, connected: float) -> float | None:
    """When the attempt that led to a connection began, where the journal says so.

    It does if the client asked DNS afresh for that attempt. One that used its cached answer is
    seen only when it fails or succeeds.
    """
    asked = _last_before(history.resolved.get(client, ()), connected)
    failed = _last_before(history.connect_failed.get(client, ()), connected)
    dropped = _last_before(history.disconnected.get(client, ()), connected)
    if asked is None or asked < max(failed or -math.inf, dropped or -math.inf):
        return None
    return asked


def _last_before(events: Sequence[Timed[Any]], t: float) -> float | None:
    last = None
    for at, event in events:
        if at > t:
            break
        if not isinstance(event, Resolved) or event.region is not None:
            last = at
    return last


def _runs(cells: bytearray) -> list[int]:
    """State and length of each run of equal cells, one after the other."""
    out: list[int] = []
    for run in _RUN.finditer(cells):
        out += (run[0][0], len(run[0]))
    return out


def _client(
    history: History, client: str, locations: list[str], runs: list[int], outages: int
) -> dict[str, Any]:
    place = location_of(client)
    return {
        "name": client,
        "location": locations.index(place) if place in locations else -1,
        "runs": runs,
        "outages": outages,
        "refused": len(history.connect_failed.get(client, ())),
    }


def _marks(history: History, clients: Sequence[str], cell_s: float) -> list[list[float]]:
    """Sessions taken up again: client, cell, and whether the gateway had forgotten (1) or not."""
    index = {client: k for k, client in enumerate(clients)}
    marks: dict[tuple[int, int], int] = {}
    for t, ready in history.sessions:
        forgot = ready.acked < ready.remembered
        if (ready.resumed or forgot) and ready.client in index and 0 <= t <= history.end:
            at = (index[ready.client], int(t / cell_s))
            marks[at] = max(marks.get(at, 0), int(forgot))
    kept = sorted(marks.items(), key=lambda mark: -mark[1])[: MOST_RUNS // 2]
    return [[client, cell, forgot] for (client, cell), forgot in sorted(kept)]
