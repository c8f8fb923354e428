"""Events of releases: what was deployed, step by step, and which secrets were changed."""

from __future__ import annotations

from dataclasses import dataclass

from sim.observe.events.event import Event


@dataclass(frozen=True)
class SecretsChanged(Event):
    """The app's secrets of these names were set or removed. Machines get them when they boot.

    `staged`: no machine was deployed anew for it, so those that run have the older ones.
    """

    kind = "secrets_changed"
    version: int
    names: tuple[str, ...]
    staged: bool


@dataclass(frozen=True)
class MachineBooted(Event):
    """A machine's program has begun: of this image, with the secrets of this version (truth)."""

    kind = "machine_booted"
    machine: str
    region: str
    image: str
    secrets: int


@dataclass(frozen=True)
class DeployBegan(Event):
    """A release is brought to these machines from now on. Releases are numbered from 2."""

    kind = "deploy_began"
    release: int
    strategy: str
    machines: tuple[str, ...]
    image: str
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class DeployStep(Event):
    """A deploy begins to do this to a machine.

    `update` and `stop` end what it runs; `smoke` and `health` wait for it to come up.
    """

    kind = "deploy_step"
    release: int
    step: str
    machine: str
    region: str


@dataclass(frozen=True)
class DeployEnded(Event):
    """A deploy is over. `outcome` is done or failed; what failed ended it there."""

    kind = "deploy_ended"
    release: int
    outcome: str
    error: str = ""
