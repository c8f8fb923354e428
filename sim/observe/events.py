"""What can happen in a world, as typed events. Everything that is reported is computed from these.

Truth and belief are told apart: `MachineChanged` is so, `HealthChanged` is what the health checker
believes, `RoutingChanged` is what DNS serves, `Resolved` is what a client has cached.

Times are the journal's (Record.t, simulated seconds); a field in another unit says so in its name.
`client` names one simulated client, such as `london/3`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sim.observe import releases  # noqa: F401 - its events are among the kinds below
from sim.observe.event import Event as Event  # noqa: PLC0414 - it is named from here as well
from sim.observe.mishaps import DriverRaised as DriverRaised  # noqa: PLC0414 - likewise
from sim.observe.mishaps import MachineDied as MachineDied  # noqa: PLC0414 - likewise
from sim.observe.mishaps import PatternMatched as PatternMatched  # noqa: PLC0414 - likewise
from sim.observe.mishaps import PatternMissed as PatternMissed  # noqa: PLC0414 - likewise
from sim.observe.mishaps import RealTimeSeen as RealTimeSeen  # noqa: PLC0414 - likewise

NOBODY = "nobody"
NO_ANSWER = "no answer within"  # how a health check tells that its time ran out

# --- the run ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class RunStarted(Event):
    """The first event: what is run, and with what. Enough to judge the journal without files.

    `topology` and `scenario` are the documents as loaded, without secrets; `scenario` is None for
    a world that was only brought up. `clock` is what machines and services keep: the world's, by a
    `lens`, or `real` time, and then `why_real` says why.
    """

    kind = "run_started"
    seed: int
    speed: float
    runtime: str
    links: str
    version: str
    topology: Mapping[str, Any]
    scenario: Mapping[str, Any] | None = None
    clock: str = "real"
    why_real: str = ""

    @property
    def own_speed(self) -> float:
        """How many simulated seconds a second of a machine's own timers lasts."""
        return 1.0 if self.clock == "lens" else self.speed


@dataclass(frozen=True)
class LoadStarted(Event):
    """The instant that reports count from.

    Each client sends once in `every_s`, and waits for an answer as long as `timeout_s`.
    """

    kind = "load_started"
    clients: int
    every_s: float | None = None
    timeout_s: float | None = None


@dataclass(frozen=True)
class LoadEnded(Event):
    """The load's time is over, and nobody begins anything new: the end of what is judged.

    Answers that were on their way still follow, and count.
    """

    kind = "load_ended"


@dataclass(frozen=True)
class Audited(Event):
    """It was found out what is stored: `Stored` events before this are complete.

    `error` says why that could not be; then lost messages are unknown, not none. `asked` is whom,
    or NOBODY where the driver knows no way to ask.
    """

    kind = "audited"
    error: str | None = None
    asked: str = "the database"


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
    `database`, `link server`, or what holds for all of the host: `steal` and `memory`. `late_ms` is
    the longest that the loop was late in that time; None: not known.
    """

    kind = "processor_waits"
    window_ms: float
    waited_ms: Mapping[str, float]
    late_ms: float | None = None


# --- the world -------------------------------------------------------------------------------


@dataclass(frozen=True)
class MachineChanged(Event):
    """A machine is now in one of Fly's states (truth)."""

    kind = "machine_changed"
    machine: str
    region: str
    state: str
    reason: str = ""


@dataclass(frozen=True)
class MachineUpdated(Event):
    """A machine is another version from now on: the same id and place, this image (truth)."""

    kind = "machine_updated"
    machine: str
    region: str
    version: str
    image: str


@dataclass(frozen=True)
class MachineStopped(Event):
    """A machine that was sent a signal to end on has ended, or was killed for not ending (truth).

    `why` is what asked for it: stopped, updated, restarted, the world ended. It had `given_s` to
    drain and took `took_s`, in simulated seconds. `end` is how it ended, in words, `end_signal` the
    signal that ended it. `caught` are the signals that its main process had handlers for just
    before, its language's own too, and `ignored` those that it ignored; None where not seen. A
    `frozen` one could not even hear the signal.
    """

    kind = "machine_stopped"
    machine: str
    region: str
    why: str
    signal: str
    given_s: float
    took_s: float
    killed: bool
    end: str
    end_signal: str | None = None
    caught: tuple[str, ...] | None = None
    ignored: tuple[str, ...] | None = None
    frozen: bool = False


@dataclass(frozen=True)
class CordonChanged(Event):
    """From now on a machine gets no new traffic, whatever its health, or it does again."""

    kind = "cordon_changed"
    machine: str
    region: str
    cordoned: bool


@dataclass(frozen=True)
class HealthChanged(Event):
    """The health checker's belief about a machine changed: passing, warning or critical."""

    kind = "health_changed"
    machine: str
    region: str
    status: str
    output: str = ""


@dataclass(frozen=True)
class RoutingChanged(Event):
    """From now on this location is led to these regions, the preferred one first."""

    kind = "routing_changed"
    location: str
    regions: tuple[str, ...]


@dataclass(frozen=True)
class LinkChanged(Event):
    """A link is now like this. `state` is up, refusing or silent; times are real milliseconds."""

    kind = "link_changed"
    link: str
    state: str
    rtt_ms: float
    jitter_ms: float = 0.0
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FaultBegan(Event):
    """A fault was done to the world. `target` is as written, `fault` the scenario's word."""

    kind = "fault_began"
    fault: str
    target: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FaultFailed(Event):
    """A fault could not be done: the verdict cannot be green."""

    kind = "fault_failed"
    fault: str
    target: str
    reason: str


@dataclass(frozen=True)
class EdgeConnection(Event):
    """A connection through a region's edge has ended.

    `region` is the edge's, where TLS ends; `machine_region` is where the machine is, which with
    anycast may be another one. `client` is the peer's address as the edge knows it. `outcome` is
    closed (by either side), refused (no machine), failed (the machine broke off).
    """

    kind = "edge_connection"
    region: str
    machine: str | None
    location: str | None
    client: str
    bytes_in: int
    bytes_out: int
    real_ms: float
    outcome: str
    status: int | None = None
    machine_region: str | None = None


@dataclass(frozen=True)
class TlsHandshakeFailed(Event):
    """A client began TLS with a region's edge and did not come through. No request was made.

    `client` is the peer's address as the edge knows it.
    """

    kind = "tls_handshake_failed"
    region: str
    location: str | None
    client: str
    reason: str


@dataclass(frozen=True)
class Alert(Event):
    """What somebody on call would be told: it follows from other events, and is told once.

    `alert` is machine_down, region_out, outage, database_unreachable or residency_broken, of a
    machine's id, a region, a location, a region (or `database`: of all) or a policy. `state` is
    began or ended, `since` the instant of the beginning in the journal's time; an outage is known
    only after its clients' ordinary pace is over. `region` is the one to blame, if any.
    """

    kind = "alert"
    alert: str
    subject: str
    state: str
    reason: str
    region: str | None = None
    since: float | None = None


@dataclass(frozen=True)
class AlertUndelivered(Event):
    """A receiver of alerts did not take one; told again only after it has taken one meanwhile."""

    kind = "alert_undelivered"
    receiver: str
    reason: str


# --- clients ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class ClientMade(Event):
    """A client of the load, and the personality of its resolver (`strict`, `pinned`, …)."""

    kind = "client_made"
    client: str
    location: str
    resolver: str


@dataclass(frozen=True)
class Resolved(Event):
    """A client holds this answer now, until `expires` (None: for good).

    `region` is None when the name could not be resolved; `error` then says why. Only a fresh
    answer is journaled, not each use of the cached one. `stale`: it had expired, and is used again
    because nothing newer could be had (RFC 8767).
    """

    kind = "resolved"
    client: str
    location: str
    region: str | None
    address: str | None
    expires: float | None
    error: str | None = None
    stale: bool = False


@dataclass(frozen=True)
class ConnectFailed(Event):
    """A client tried to connect and did not get through.

    `machine` is the one that turned it down, where one did, and `status` what it answered.
    """

    kind = "connect_failed"
    client: str
    location: str
    region: str | None
    reason: str
    machine: str | None = None
    status: int | None = None


@dataclass(frozen=True)
class Connected(Event):
    """A client's connection stands, and this machine answers it."""

    kind = "connected"
    client: str
    location: str
    region: str
    machine: str


@dataclass(frozen=True)
class Disconnected(Event):
    """A client's connection ended. `expected` where the load was over and the client closed it.

    `how` it ended: closed (a close frame came, with this `code` and `close_reason`), broken (it
    ended without one, which is code 1006 for a WebSocket), goodbye (the gateway said by a message
    that it goes away, and the client left), left (the client gave it up, or its driver did), or
    empty in journals that do not say it. `unanswered` are the messages of this connection that
    waited for an answer then.
    """

    kind = "disconnected"
    client: str
    location: str
    region: str
    machine: str
    reason: str
    expected: bool = False
    how: str = ""
    code: int | None = None
    close_reason: str = ""
    unanswered: int = 0


@dataclass(frozen=True)
class SessionReady(Event):
    """The gateway took a session up: new, or known to it.

    `acked` is the last message the gateway says it holds, `remembered` the last one it had
    acknowledged to this client. acked < remembered: the gateway forgot.
    """

    kind = "session_ready"
    client: str
    session: str
    region: str
    machine: str
    resumed: bool
    acked: int
    remembered: int


@dataclass(frozen=True)
class Sent(Event):
    """A client sent a message (Jepsen's invoke). `attempt` counts from 1 for each message."""

    kind = "sent"
    client: str
    session: str
    seq: int
    attempt: int = 1


@dataclass(frozen=True)
class Acked(Event):
    """The gateway acknowledged a message (ok)."""

    kind = "acked"
    client: str
    session: str
    seq: int
    region: str
    machine: str
    latency_ms: float


@dataclass(frozen=True)
class Failed(Event):
    """The gateway refused a message for certain (fail): an error answer, nothing kept.

    `status` is that of the HTTP answer, where it was one.
    """

    kind = "failed"
    client: str
    session: str
    seq: int
    region: str | None
    reason: str
    status: int | None = None


@dataclass(frozen=True)
class Unknown(Event):
    """The client stopped waiting for a message's answer: its fate cannot be known here (info)."""

    kind = "unknown"
    client: str
    session: str
    seq: int


@dataclass(frozen=True)
class Stored(Event):
    """This message is stored; events of a session come in the order of storing.

    `region` and `machine` say who stored it, and are empty where that is not known.
    """

    kind = "stored"
    session: str
    seq: int
    region: str
    machine: str


KINDS: dict[str, type[Event]] = {cls.kind: cls for cls in Event.__subclasses__()}
