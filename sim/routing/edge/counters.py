"""What an edge has done so far, counted as it goes, by Fly's own notions.

Of clients only: what links are measured by, and connections without a word, are not counted. An
answer is counted once it is complete; its time, in simulated seconds, is that of its first headers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from sim.observe.histogram import Histogram
from sim.streams.tcp import TcpStream


@dataclass
class Counters:
    """The running counters of one edge. Keys are statuses, machines' ids, or both."""

    connects: int = 0
    disconnects: int = 0
    answers: dict[int, Histogram] = field(default_factory=lambda: defaultdict(Histogram))
    machine_answers: dict[tuple[str, int], Histogram] = field(
        default_factory=lambda: defaultdict(Histogram)
    )
    machine_connects: dict[str, Histogram] = field(default_factory=lambda: defaultdict(Histogram))
    machine_disconnects: Counter[str] = field(default_factory=Counter)
    _ended_in: int = 0
    _ended_out: int = 0
    _open: set[TcpStream] = field(default_factory=set)

    @property
    def bytes_in(self) -> int:
        """What clients have sent, those that are still connected too."""
        return self._ended_in + sum(stream.bytes_in for stream in self._open)

    @property
    def bytes_out(self) -> int:
        """What clients were sent."""
        return self._ended_out + sum(stream.bytes_out for stream in self._open)

    def opened(self, stream: TcpStream) -> None:
        """A client's connection has turned out to be one."""
        self.connects += 1
        self._open.add(stream)

    def closed(self, stream: TcpStream) -> None:
        """It has ended."""
        self.disconnects += 1
        self._open.discard(stream)
        self._ended_in += stream.bytes_in
        self._ended_out += stream.bytes_out

    def answered(self, status: int, seconds: float) -> None:
        """A client was answered, so long after it had asked."""
        self.answers[status].observe(seconds)

    def machine_answered(self, machine: str, status: int, seconds: float) -> None:
        """A machine answered, so long after it was asked."""
        self.machine_answers[machine, status].observe(seconds)

    def reached(self, machine: str, seconds: float) -> None:
        """A machine accepted a connection, so long after the first one was tried."""
        self.machine_connects[machine].observe(seconds)

    def left(self, machine: str) -> None:
        """A connection to a machine has ended."""
        self.machine_disconnects[machine] += 1
