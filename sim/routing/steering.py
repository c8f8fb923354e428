"""Steering: what health checks find decides which regions DNS may name."""

from __future__ import annotations

import math

from sim.machines.checker import HealthChecker
from sim.machines.fleet import Fleet
from sim.machines.health import Status
from sim.routing.machine_pool import MachinePool
from sim.routing.resolver import Resolver


class Steering:
    """Keeps a region in DNS as long as one of its machines passes and may have traffic."""

    def __init__(
        self, fleet: Fleet, health: HealthChecker, resolver: Resolver, pool: MachinePool
    ) -> None:
        self._fleet = fleet
        self._health = health
        self._resolver = resolver
        self._pool = pool

    @property
    def healthy_regions(self) -> frozenset[str]:
        """The regions in which a machine is believed to pass its check, and may have traffic."""
        machines = self._fleet.machines.values()
        return frozenset(machine.region for machine in machines if self._health.serves(machine.id))

    def start(self) -> None:
        """Serve what is believed now, and follow every change."""
        self._resolver.foresee(self._may_change_at)
        self._steer()
        self._health.on_change(lambda *_: self._steer())
        self._fleet.on_change(lambda _: self._steer())

    def _steer(self) -> None:
        self._pool.changed()
        self._resolver.serve(self.healthy_regions)

    def _may_change_at(self, region: str) -> float:
        """The earliest instant at which checks may take a region into DNS, or out of it."""
        machines = [m for m in self._fleet.in_region(region) if m.takes_traffic]
        due = {m.id: self._health.may_change_at(m.id) for m in machines}
        # It stays until the last passing one fails, and comes back with the first that passes.
        passing = [due[m.id] for m in machines if self._health.status(m.id) is Status.PASSING]
        return max(passing) if passing else min(due.values(), default=math.inf)
