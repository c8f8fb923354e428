"""What the engines of a world are told of that world."""

from __future__ import annotations

from dataclasses import dataclass

from sim.clock import Clock
from sim.lens.lens import Lens
from sim.machines.ports import Ports
from sim.secrets import NO_SECRETS, Redactor
from sim.topology.addresses import AddressPlan


@dataclass(frozen=True)
class SiteContext:
    """What sites are given of their world. `redact` is applied to each line that machines print.

    Through `lens` machines see the world's time.
    """

    plan: AddressPlan
    ports: Ports
    clock: Clock
    world: str
    redact: Redactor = NO_SECRETS
    lens: Lens | None = None
