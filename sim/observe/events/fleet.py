"""Machines: what is so of them (truth), and what the health checker believes."""

from __future__ import annotations

from dataclasses import dataclass

from sim.observe.events.event import Event

NO_ANSWER = "no answer within"  # how a health check tells that its time ran out


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
