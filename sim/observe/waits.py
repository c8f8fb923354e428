"""How long clients go unserved, by the rule of `outages.py`, as it happens.

`find_outages` looks back at a whole journal; what must know at once (alerts, the live page) reads
this fold of the same events.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from sim.observe.boots import Boots
from sim.observe.events import (
    Acked,
    ClientMade,
    Connected,
    ConnectFailed,
    Disconnected,
    FaultBegan,
    HostStalled,
    LinkChanged,
    LinksMeasured,
    LoadEnded,
    LoadStarted,
    MachineChanged,
    ProcessorWaits,
    Resolved,
)
from sim.observe.events.event import Event
from sim.observe.gap_rule import GapRule
from sim.observe.noise import Noise
from sim.observe.obstacles import Obstacles
from sim.observe.outages import gave_up
from sim.observe.retransmission import Retransmission
from sim.observe.usual import Usual
from sim.topology.model import Topology

# The host's watch looks each 0.1 s, and may be late itself.
_TOLD_REAL_S = 0.25


@dataclass(slots=True, eq=False)
class ClientWait:
    """One client's wait. `since` is when it was served last, or first tried; by `region`, if ever.

    `connected` is the region that it is connected to. `answer` is the region that DNS named last,
    which it may hold until `expires`. `given_up` has the attempts since then that it gave up though
    nothing of the world stood in the way, and the region of each.
    """

    name: str
    location: str
    since: float | None = None
    region: str | None = None
    turned_away: bool = False
    connected: str | None = None
    answer: str | None = None
    expires: float | None = None
    given_up: list[tuple[float, str | None]] = field(default_factory=list)


@dataclass(frozen=True)
class EndedWait:
    """A wait that has ended by an answer, and when it began.

    `seconds` is its length where it was an outage, or 0.
    """

    client: ClientWait
    since: float
    seconds: float


class Waits:
    """The clients of the load that runs, and how long each has waited.

    A wait is an outage once it is longer than the rule allows, than what the host kept its path
    waiting, and than TCP was late. It never is where the client gave an attempt up for which the
    host may be the reason.
    """

    kinds: tuple[type[Event], ...] = (
        *(LoadStarted, LoadEnded, ClientMade, FaultBegan, LinksMeasured),
        *(Resolved, Connected, ConnectFailed, Disconnected, Acked),
        *Noise.kinds,
        *sorted({*Obstacles.kinds, *Retransmission.kinds, *Boots.kinds}, key=lambda k: k.kind),
    )

    def __init__(self, topology: Topology, speed: float) -> None:
        self.clients: dict[str, ClientWait] = {}
        self._topology = topology
        self._speed = speed
        self._gap_rule: GapRule | None = None
        self._floor_s = 0.0
        self._noise = Noise(speed)
        self._obstacles = Obstacles()
        self._retransmission = Retransmission(speed)
        self._boots = Boots(speed)

    def __repr__(self) -> str:
        return f"<Waits of {len(self.clients)} clients>"

    def take(self, t: float, event: Event) -> EndedWait | None:
        """Take an event in; a wait that it ends."""
        match event:
            case Acked():
                return self._acked(t, event)
            case Resolved() | Connected() | ConnectFailed() | Disconnected():
                if client := self.clients.get(event.client):
                    self._tried(t, client, event)
            case ClientMade():
                self.clients[event.client] = ClientWait(event.client, event.location)
            case FaultBegan():
                self._fault_began(t, event)
            case LoadStarted():
                self._load_started(event)
            case LoadEnded():
                self.clients.clear()
            case _:
                self._of_the_world(t, event)
        return None

    # --- what is known of a wait ---

    def limit(self, client: ClientWait, t: float) -> float:
        """Until when a wait is ordinary, as known at an instant; for ever before it began."""
        rule = self._gap_rule
        if rule is None or client.since is None:
            return math.inf
        if any(gave_up(self._noise, rule, self._ways(r), at) for at, r in client.given_up):
            return math.inf
        slow = client.region is None and not client.turned_away
        allowed_s = rule.allowed_first() if slow else rule.allowed(client.location, client.region)
        ways = self._ways(client.region)
        late_s = self._noise.path_s(ways, client.since, t)
        late_s += self._retransmission.late_s({client.location, *ways}, client.since, t)
        late_s += self._boots.late_s(ways, client.since, t)
        return client.since + allowed_s + late_s

    def settled(self, client: ClientWait, t: float) -> float:
        """When it is established whether a wait is an outage, as known at an instant.

        What kept a client waiting is told a little later than it happens.
        """
        return self.limit(client, t) + _TOLD_REAL_S * self._speed

    def is_outage(self, client: ClientWait, t: float) -> bool:
        """Whether it is established that a wait is one by now."""
        return t > self.settled(client, t)

    def _ways(self, region: str | None) -> tuple[str, ...]:
        return tuple(self._topology.regions) if region is None else (region,)

    # --- the events ---

    def _of_the_world(self, t: float, event: Event) -> None:
        self._boots.take(t, event)
        match event:
            case HostStalled() | ProcessorWaits():
                self._noise.take(t, event)
            case LinkChanged():
                self._obstacles.take(event)
                self._retransmission.take(t, event)
            case MachineChanged():
                self._obstacles.take(event)
            case LinksMeasured():
                self._floor_s = max(self._floor_s, event.added_real_ms / 1000 * self._speed)

    def _load_started(self, event: LoadStarted) -> None:
        self.clients.clear()
        self._gap_rule = None
        if event.every_s is not None:
            rule = GapRule.of(self._topology, event.every_s, self._speed, event.timeout_s)
            floor_s = max(rule.floor_s, self._floor_s)
            self._gap_rule = replace(rule, usual=Usual(), floor_s=floor_s)

    def _fault_began(self, t: float, event: FaultBegan) -> None:
        """An ordinary first wait begins anew with a fault that comes into it."""
        if self._gap_rule:
            self._gap_rule.usual.take(event)
        for client in self.clients.values():
            first = client.region is None and not client.turned_away and client.since is not None
            if first and t <= self.limit(client, t):
                client.since = t

    def _tried(
        self,
        t: float,
        client: ClientWait,
        event: Resolved | Connected | ConnectFailed | Disconnected,
    ) -> None:
        if client.since is None:
            client.since = t
        match event:
            case Resolved():
                client.answer, client.expires = event.region, event.expires
            case Connected():
                client.connected = event.region
            case ConnectFailed():
                self._failed(t, client, event.region, given_up=event.machine is None)
            case Disconnected(expected=True):
                client.connected = None
            case Disconnected():
                self._failed(t, client, event.region, given_up=event.how == "left")

    def _failed(self, t: float, client: ClientWait, region: str | None, *, given_up: bool) -> None:
        client.connected, client.turned_away = None, True
        if given_up and not self._obstacles.between(client.location, region):
            client.given_up.append((t, region))

    def _acked(self, t: float, event: Acked) -> EndedWait | None:
        if self._gap_rule:
            self._gap_rule.usual.take(event)
        client = self.clients.get(event.client)
        if client is None:
            return None
        since = t if client.since is None else client.since
        over = EndedWait(client, since, t - since if self.is_outage(client, t) else 0.0)
        client.since, client.region, client.connected = t, event.region, event.region
        client.given_up.clear()
        return over
