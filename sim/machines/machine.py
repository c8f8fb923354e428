"""A regional machine: who it is, where it is reached, what state it is in."""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.machines import lifecycle
from sim.machines.lifecycle import Action, State
from sim.machines.runtime import Instance, MachineSpec
from sim.topology.addresses import Endpoint


@dataclass(eq=False)
class Machine:
    """One machine. `number` counts a region's machines from 1; `frozen` while it is stopped dead.

    `instance` is its last run, None before the first.
    """

    spec: MachineSpec
    number: int
    state: State = State.CREATED
    instance: Instance | None = field(default=None, repr=False)
    frozen: bool = False

    def __repr__(self) -> str:
        return f"<Machine {self.name} {self.id} {self.state}{' frozen' if self.frozen else ''}>"

    @property
    def id(self) -> str:
        """Fly's kind of id: 14 hexadecimal digits."""
        return self.spec.id

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

    def apply(self, action: Action) -> None:
        """Go to the state that follows. Raises IllegalTransitionError."""
        self.state = lifecycle.after(self.state, action, self.name)
