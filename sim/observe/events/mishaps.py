"""Events of what nobody asked for: a machine that ends by itself, a driver that is mistaken."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sim.observe.events.event import Event

# What a driver in Python has no pattern for.
ANSWER = "an answer (`client.acked`)"


@dataclass(frozen=True)
class MachineDied(Event):
    """A machine that had come up ended, and no fault, deploy, stop, scale or person asked for it.

    `end` is how, in words; `code` is its exit code, or `signal` the one that killed it. `oom`: it
    ran out of the memory that it has. `last_lines` are the end of its output, without secrets.
    """

    kind = "machine_died"
    machine: str
    region: str
    end: str
    code: int | None = None
    signal: int | None = None
    oom: bool = False
    last_lines: tuple[str, ...] = ()

    @property
    def error_line(self) -> str:
        """The line of its output that says best why it died, or ""."""
        return error_line(self.last_lines)


# How Node.js, Python and the JVM name an error that nobody caught, and Go's runtime its own.
_ERROR = re.compile(
    r"(Exception in thread .*|(Uncaught )?([\w$.]+\.)?\w*(Error|Exception|Interrupt|Exit)\b.*"
    r"|(panic|fatal error|thread '.*' panicked)\b.*)"
)


def error_line(lines: Sequence[str]) -> str:
    """The last line that names an error, else the last of all; "" for none.

    After the error Node.js and Go print where it came from, which says less.
    """
    named = [line for line in lines if _ERROR.match(line)]
    return (named or list(lines) or [""])[-1]


@dataclass(frozen=True)
class RealTimeSeen(Event):
    """A machine uses time that the lens cannot show it as the world's: what, after its name.

    `whole`: all of its time, or that of one of its processes.
    """

    kind = "real_time_seen"
    machine: str
    region: str
    what: str
    whole: bool = False


@dataclass(frozen=True)
class TransportTimerSeen(Event):
    """A machine's connection through a link would end by its own timer, where TCP noticed the cut.

    The link is silent for programs and not for TCP (docs/links.md). `timer` is TCP_USER_TIMEOUT or
    keepalives; `after_s` is how long a silence it takes, in simulated seconds.
    """

    kind = "transport_timer_seen"
    machine: str
    link: str
    timer: str
    after_s: float


@dataclass(frozen=True)
class DriverRaised(Event):
    """A driver raised an exception of its own, which says nothing of the gateway.

    `file` and `line` are the deepest place in the driver's own file (no line for a declared one).
    `client` and `location` are empty where a callback raised. One that stayed away after the end of
    its connection, and raised nothing, did so for `away_s` until then.
    """

    kind = "driver_raised"
    client: str
    location: str
    file: str
    line: int | None
    error: str
    away_s: float = 0.0

    @property
    def where(self) -> str:
        """The place in the driver, as `rooms.py:12`."""
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True)
class PrivateNameAsked(Event):
    """For the first time a machine of that region asked for addresses of a private name.

    `type` is A or AAAA. At Fly private names have AAAA records alone.
    """

    kind = "private_name_asked"
    region: str
    name: str
    type: str


@dataclass(frozen=True)
class EdgeMisled(Event):
    """A region's edge sent a request to a machine that takes none any more.

    It had not heard of that yet, by `routing.knowledge` or because it was cut off from
    `machine_region`.
    """

    kind = "edge_misled"
    region: str
    machine: str
    machine_region: str


@dataclass(frozen=True)
class PatternMatched(Event):
    """For the first time a message of the gateway was what this client's driver waited for.

    `pattern` is where the driver says it: such as `ack`, or step 2 of `hello`.
    """

    kind = "pattern_matched"
    client: str
    pattern: str


@dataclass(frozen=True)
class PatternMissed(Event):
    """A client waited in vain for what a pattern of its driver describes, though messages came.

    So many `messages` came meanwhile that the driver had no name for; `first` is one, shortened.
    Of a driver in Python, whose pattern is ANSWER, they are those that it took while a message was
    unanswered.
    """

    kind = "pattern_missed"
    client: str
    location: str
    pattern: str
    messages: int
    first: str
