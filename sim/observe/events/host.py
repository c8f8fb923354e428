"""What this host and the simulator's own parts did to a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sim.observe.events.event import Event


@dataclass(frozen=True)
class PartFailed(Event):
    """A part of the simulator itself failed: what depends on it is unknown from here on."""

    kind = "part_failed"
    part: str
    reason: str


@dataclass(frozen=True)
class PartRestarted(Event):
    """A part that had failed works again. What it carried when it failed is lost."""

    kind = "part_restarted"
    part: str


@dataclass(frozen=True)
class HostFound(Event):
    """Machines of these regions run on another host; times are real.

    The way there takes `rtt_ms`, which was taken off the links. Its clock is ahead of ours by
    `clock_ahead_ms`, give or take `within_ms`.
    """

    kind = "host_found"
    host: str
    regions: tuple[str, ...]
    rtt_ms: float
    clock_ahead_ms: float
    within_ms: float


@dataclass(frozen=True)
class HostLost(Event):
    """Another host went away that no fault had taken, and these machines with it.

    Nothing had been heard of it for `unheard_s` by then: in these it may have been gone already.
    """

    kind = "host_lost"
    host: str
    machines: tuple[str, ...]
    reason: str
    unheard_s: float = 0.0


@dataclass(frozen=True)
class LinksMeasured(Event):
    """What the links of a world really add to their round trips: relays and processors, real ms.

    The median of `links` of them when the world comes up; simulated, it is `speed` times as much.
    """

    kind = "links_measured"
    added_real_ms: float
    links: int


@dataclass(frozen=True)
class HostStalled(Event):
    """The simulator's own loop ran late by this much: gaps no longer than it prove nothing."""

    kind = "host_stalled"
    real_ms: float


@dataclass(frozen=True)
class ProcessorWaits(Event):
    """What the host kept waiting in the `window_ms` (real) before this, in real ms by part.

    A part is `sim` (the loop's thread, beyond what HostStalled tells), a machine (`fra/1`),
    `database`, `link server`, or what holds for all of the host: `steal`, `memory` and `disk`.
    `late_ms` is the longest that the loop was late in that time; None: not known.
    """

    kind = "processor_waits"
    window_ms: float
    waited_ms: Mapping[str, float]
    late_ms: float | None = None
