"""What can happen in a world, as typed events. Everything that is reported is computed from these.

Truth and belief are told apart: `MachineChanged` is so, `HealthChanged` is what the health checker
believes, `RoutingChanged` is what DNS serves, `Resolved` is what a client has cached.

Times are the journal's (Record.t, simulated seconds); a field in another unit says so in its name.
`client` names one simulated client, such as `london/3`.
"""

from __future__ import annotations

from sim.observe.events.alarms import Alert, AlertUndelivered
from sim.observe.events.clients import (
    Acked,
    ClientMade,
    Connected,
    ConnectFailed,
    Disconnected,
    Failed,
    Resolved,
    Sent,
    SessionReady,
    Unknown,
)
from sim.observe.events.event import Event
from sim.observe.events.fleet import (
    NO_ANSWER,
    CordonChanged,
    HealthChanged,
    MachineChanged,
    MachineStopped,
    MachineUpdated,
)
from sim.observe.events.host import (
    HostFound,
    HostLost,
    HostStalled,
    LinksMeasured,
    PartFailed,
    PartRestarted,
    ProcessorWaits,
)
from sim.observe.events.mishaps import (
    DriverRaised,
    EdgeMisled,
    MachineDied,
    PatternMatched,
    PatternMissed,
    PrivateNameAsked,
    RealTimeSeen,
    TransportTimerSeen,
)
from sim.observe.events.paths import EdgeConnection, LinkChanged, RoutingChanged, TlsHandshakeFailed
from sim.observe.events.releases import (
    DeployBegan,
    DeployEnded,
    DeployStep,
    MachineBooted,
    SecretsChanged,
)
from sim.observe.events.run import (
    NOBODY,
    Audited,
    FaultBegan,
    FaultFailed,
    LoadEnded,
    LoadStarted,
    RunStarted,
    Stored,
)

__all__ = [
    "KINDS",
    "NOBODY",
    "NO_ANSWER",
    "Acked",
    "Alert",
    "AlertUndelivered",
    "Audited",
    "ClientMade",
    "ConnectFailed",
    "Connected",
    "CordonChanged",
    "DeployBegan",
    "DeployEnded",
    "DeployStep",
    "Disconnected",
    "DriverRaised",
    "EdgeConnection",
    "EdgeMisled",
    "Event",
    "Failed",
    "FaultBegan",
    "FaultFailed",
    "HealthChanged",
    "HostFound",
    "HostLost",
    "HostStalled",
    "LinkChanged",
    "LinksMeasured",
    "LoadEnded",
    "LoadStarted",
    "MachineBooted",
    "MachineChanged",
    "MachineDied",
    "MachineStopped",
    "MachineUpdated",
    "PartFailed",
    "PartRestarted",
    "PatternMatched",
    "PatternMissed",
    "PrivateNameAsked",
    "ProcessorWaits",
    "RealTimeSeen",
    "Resolved",
    "RoutingChanged",
    "RunStarted",
    "SecretsChanged",
    "Sent",
    "SessionReady",
    "Stored",
    "TlsHandshakeFailed",
    "TransportTimerSeen",
    "Unknown",
]

KINDS: dict[str, type[Event]] = {cls.kind: cls for cls in Event.__subclasses__()}
