"""A regional machine: who it is, where it is reached, what state it is in and what befell it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from sim.machines import lifecycle
from sim.machines.config import MachineConfig
from sim.machines.lease import Lease
from sim.machines.lifecycle import Action, State
from sim.machines.runtime import Instance, MachineSpec
from sim.processes.exit import Exit
from sim.topology.addresses import Endpoint

Source = Literal["user", "flyd"]
_EVENTS_KEPT = 100
_VERSIONS_KEPT = 20
_SUSPENSION = (State.SUSPENDING, State.SUSPENDED)


@dataclass(frozen=True)
class MachineEvent:
    """Something that happened to a machine: by `source`, at a simulated instant.

    `number` counts the machine's events from 1. `end` is how a run ended; it was `asked` for, or
    not, and `restarts` counts how often the policy has started the machine since.
    """

    number: int
    type: str
    status: str
    source: Source
    at_s: float
    end: Exit | None = None
    asked: bool = False
    restarts: int = 0


@dataclass(eq=False)
class Machine:
    """One machine. `number` counts a region's machines from 1.

    `spec` is what its runtime was told last, `config` what it is to be from the next start on.
    `instance` is its last run, None before the first. `events` are the latest, newest first, as are
    the versions that it was `before`, each with its instance id.
    A frozen one is stopped dead, one that is cut off has no network, a cordoned one gets no new
    traffic, one whose host is lost cannot run until that is back. Times are simulated seconds.
    """

    spec: MachineSpec
    number: int
    state: State = State.CREATED
    config: MachineConfig = field(default_factory=MachineConfig, repr=False)
    fly_name: str = ""
    created_s: float = 0.0
    updated_s: float = 0.0
    instance: Instance | None = field(default=None, repr=False)
    frozen: bool = False
    cut_off: bool = False
    host_lost: bool = False
    cordoned: bool = False
    lease: Lease | None = None
    secrets_version: int = 0
    events: deque[MachineEvent] = field(
        default_factory=lambda: deque(maxlen=_EVENTS_KEPT), repr=False
    )
    before: deque[tuple[str, MachineConfig]] = field(
        default_factory=lambda: deque(maxlen=_VERSIONS_KEPT), repr=False
    )

    def __repr__(self) -> str:
        cordoned = " cordoned" if self.cordoned else ""
        return f"<Machine {self.name} {self.id} {self.condition}{cordoned}>"

    @property
    def condition(self) -> str:
        """Its state, or what Fly has no state for: `frozen`, `disconnected`, `host lost`."""
        if self.host_lost:
            return "host lost"
        return "frozen" if self.frozen else "disconnected" if self.cut_off else str(self.state)

    @property
    def died(self) -> bool:
        """Whether it is down because its last run ended by itself."""
        last = self.events[0] if self.events else None
        return self.state is State.STOPPED and bool(last and last.end and not last.asked)

    @property
    def id(self) -> str:
        """Fly's kind of id: 14 hexadecimal digits."""
        return self.spec.id

    @property
    def instance_id(self) -> str:
        """Fly's name for the machine's version: a ULID that changes with each update."""
        return self.spec.instance_id

    @property
    def region(self) -> str:
        """The code of the region it is in."""
        return self.spec.region

    @property
    def name(self) -> str:
        """What people call it: `fra/1` is the first of fra."""
        return f"{self.region}/{self.number}"

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens."""
        return self.spec.endpoint

    @property
    def takes_traffic(self) -> bool:
        """Whether new connections may be led to it, as far as was asked for. Health is apart."""
        return self.config.serves and not self.cordoned and self.state not in _SUSPENSION

    def apply(self, action: Action) -> None:
        """Go to the state that follows. Raises IllegalTransitionError."""
        self.state = lifecycle.after(self.state, action, self.name)

    def happened(
        self,
        kind: str,
        at_s: float,
        *,
        source: Source = "user",
        end: Exit | None = None,
        asked: bool = False,
        restarts: int = 0,
    ) -> None:
        """Add to its events."""
        number = self.events[0].number + 1 if self.events else 1
        self.updated_s = at_s
        self.events.appendleft(
            MachineEvent(number, kind, str(self.state), source, at_s, end, asked, restarts)
        )
