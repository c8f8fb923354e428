"""A world's machines as its edges see them, and what the edges do with them by themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sim.clock import Clock
from sim.machines.checker import HealthChecker
from sim.machines.fleet import Fleet
from sim.machines.machine import Machine
from sim.routing.edge.loads import Loads
from sim.routing.knowledge import Belief
from sim.routing.machine_choice import MachineView
from sim.routing.waking import AutoStop, Waker, has_rested
from sim.topology.model import Topology


class MachinePool:
    """What the edges know of the machines: by what the checks say, and by their loads.

    With anycast requests may wake machines, and idle ones may be stopped. With geodns DNS leads
    nobody to a region whose machines sleep, so there neither is done.
    """

    def __init__(
        self, topology: Topology, fleet: Fleet, health: HealthChecker, clock: Clock
    ) -> None:
        anycast = topology.routing.mode == "anycast"
        self._fleet = fleet
        self._health = health
        self._clock = clock
        self._waker = Waker(fleet)
        self._delay_s = topology.routing.knowledge_s if anycast else 0.0
        self._beliefs: list[Belief] = []
        stops = anycast and topology.gateway.auto_stop != "off"
        self.loads = Loads(self._waker.wake if anycast else None, stops=stops)
        self._autostop = AutoStop(topology, fleet, self.loads, clock) if stops else None

    def __repr__(self) -> str:
        return f"<MachinePool of {len(self._fleet.machines)}, {self.loads}>"

    def views(self) -> Sequence[MachineView]:
        """All machines, as of now."""
        return [self._view(machine) for machine in self._fleet.machines.values()]

    def of_worker(self, region: str, machine: str) -> MachineView | None:
        """A machine as its region's worker knows it, as of now; None for one that is not there."""
        found = self._fleet.machines.get(machine)
        return self._view(found) if found and found.region == region else None

    def _view(self, machine: Machine) -> MachineView:
        asleep = self._waker.asleep(machine)
        return MachineView(
            machine.id,
            machine.endpoint,
            self._health.serves(machine.id),
            machine.region,
            cordoned=machine.cordoned or not machine.config.serves,
            asleep=asleep,
            rested=not asleep or has_rested(machine, self._clock.now()),
        )

    def seen_from(self, is_up: Callable[[str], bool]) -> Callable[[], Sequence[MachineView]]:
        """The machines as one edge knows them; `is_up` says whether a region's news reaches it."""
        if not self._delay_s:
            return self.views
        told = self.loads.changed
        belief = Belief(self.views, is_up, self._delay_s, self._clock, told)
        self._beliefs.append(belief)
        return belief.views

    def changed(self) -> None:
        """Tell the edges that what decides where requests go has changed, such as health."""
        for belief in self._beliefs:
            belief.changed()
        self.loads.changed()

    def start(self) -> None:
        """Begin to stop what is idle, where the topology asks for that."""
        if self._autostop:
            self._autostop.start()

    async def stop(self) -> None:
        """Start and stop nothing any more."""
        if self._autostop:
            await self._autostop.stop()
        await self._waker.stop()
