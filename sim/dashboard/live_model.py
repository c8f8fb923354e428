"""The live model: what a journal's events add up to, for the page. Pure, and bounded in memory.

Every event costs O(1): messages are counted, not kept. What is so of machines, links and names
right now is not here but asked of the world's parts when a frame is made (`frame.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from sim.dashboard.crowd import Crowd
from sim.dashboard.rates import Series
from sim.observe.client_names import location_of
from sim.observe.events import (
    Acked,
    Alert,
    Audited,
    ClientMade,
    ConnectFailed,
    EdgeConnection,
    Event,
    Failed,
    LoadStarted,
    Resolved,
    Sent,
    SessionReady,
    Stored,
    Unknown,
)
from sim.observe.journal import Record
from sim.report.narrate import Telling
from sim.scenario.lasting import Fault, Lasting
from sim.topology.model import Topology

MOST_LINES = 300
MOST_CHARACTERS = 300  # of one line

# Too many, and too small, to be told one by one.
_UNTOLD = frozenset(
    {Acked, Audited, ClientMade, ConnectFailed, EdgeConnection, Failed, Resolved, Sent}
    | {SessionReady, Stored, Unknown}
)


class Line(NamedTuple):
    """A line of the story, numbered from 1 on."""

    number: int
    t: float
    text: str


class LiveModel:
    """Takes records in, in order. Bins are as many simulated seconds long as pass in a real one."""

    def __init__(self, topology: Topology, speed: float) -> None:
        self.bin_s = max(1.0, speed)
        self.crowd = Crowd(topology, speed)
        self.series: dict[tuple[str, str], Series] = {}  # by location and region ("": none)
        self.lines: deque[Line] = deque(maxlen=MOST_LINES)
        self.standing = Lasting()
        self._last_line = 0
        self._telling = Telling()
        self._handlers: dict[type[Event], list[Callable[..., None]]] = {
            kind: [self.crowd.take] for kind in self.crowd.kinds
        }
        for kind, handler in (
            (LoadStarted, self._load_started),
            (Acked, self._acked),
            (ConnectFailed, self._connect_failed),
            (Failed, self._failed),
        ):
            self._handlers.setdefault(kind, []).append(handler)

    def __repr__(self) -> str:
        return f"<LiveModel of {self.crowd!r}, {self._last_line} lines>"

    def __call__(self, record: Record) -> None:
        """Take a record in."""
        t, event = record
        kind = type(event)
        for handler in self._handlers.get(kind, ()):
            handler(t, event)
        if kind not in _UNTOLD:
            self._tell(t, event)

    @property
    def faults(self) -> list[Fault]:
        """The faults that last."""
        return self.standing.faults

    def lines_after(self, number: int) -> list[Line]:
        """The lines after the one of that number, as far as they are kept."""
        return [line for line in self.lines if line.number > number]

    def bin_of(self, t: float) -> int:
        """The index of the bin that an instant falls into."""
        return int(t / self.bin_s)

    def _tell(self, t: float, event: Event) -> None:
        self.standing.take(t, event)
        for text in self._words(event):
            self._last_line += 1
            short = text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"
            self.lines.append(Line(self._last_line, t, short))

    def _words(self, event: Event) -> list[str]:
        if isinstance(event, Alert):
            return [f"alert {event.state}: {event.reason}"]
        return self._telling.lines(event)

    def _load_started(self, _t: float, _event: LoadStarted) -> None:
        self.series.clear()

    def _acked(self, t: float, event: Acked) -> None:
        pair = (location_of(event.client), event.region)
        self._series(*pair).answer(self.bin_of(t), event.latency_ms)

    def _connect_failed(self, t: float, event: ConnectFailed) -> None:
        self._series(event.location, event.region or "").refuse(self.bin_of(t))

    def _failed(self, t: float, event: Failed) -> None:
        self._series(location_of(event.client), event.region or "").refuse(self.bin_of(t))

    def _series(self, location: str, region: str) -> Series:
        key = (location, region)
        found = self.series.get(key)
        if found is None:
            found = self.series[key] = Series()
        return found
