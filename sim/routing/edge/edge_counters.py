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
        """Count a connection of a client, which has shown that it is one."""
        self.connects += 1
        self._open.add(stream)

    def closed(self, stream: TcpStream) -> None:
        """Count the end of a client's connection."""
        self.disconnects += 1
        self._open.discard(stream)
        self._ended_in += stream.bytes_in
        self._ended_out += stream.bytes_out

    def answered(self, status: int, seconds: float) -> None:
        """Count an answer to a client, and how long after its question it came."""
        self.answers[status].observe(seconds)

    def machine_answered(self, machine: str, status: int, seconds: float) -> None:
        """Count an answer of a machine, and how long after the question it came."""
        self.machine_answers[machine, status].observe(seconds)

    def reached(self, machine: str, seconds: float) -> None:
        """Count a connection that a machine took, and how long after the first try."""
        self.machine_connects[machine].observe(seconds)

    def left(self, machine: str) -> None:
        """Count the end of a connection to a machine."""
        self.machine_disconnects[machine] += 1
