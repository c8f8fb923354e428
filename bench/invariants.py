"""What must be so at every moment of a run, asked of the parts themselves and not of a report."""

from __future__ import annotations

from sim.errors import SimError
from sim.machines.health import Status
from sim.machines.lifecycle import State
from sim.observe.events import FaultBegan, MachineChanged, PartFailed
from sim.observe.journal import Record
from sim.routing.router import Router
from sim.world import World

_EVERY_S = 0.5
_SLACK_REAL_S = 3.0  # a busy machine may be late with a check


class Watch:
    """Asks a world. `broken` has what was found to be otherwise, each thing once."""

    def __init__(self, world: World) -> None:
        self.broken: dict[str, None] = {}
        self._world = world
        self._router = Router(world.topology)
        self._since: dict[str, tuple[bool, float]] = {}
        self._sick: set[str] = set()
        self._stale: set[str] = set()
        check = world.topology.gateway.checks[0]
        # A check that began just before a change may still tell of what was before it.
        self._belief_within_s = (
            check.interval_s + 2 * check.timeout_s + check.grace_period_s
        ) + _SLACK_REAL_S * world.speed
        world.journal.subscribe(self._hear)

    async def watch(self) -> None:
        """Ask again and again, until cancelled."""
        while True:
            self.belief_follows_truth()
            self._names_follow_belief()
            await self._world.clock.sleep(_EVERY_S)

    async def at_rest(self) -> list[str]:
        """What is wrong with a world in which everything was healed."""
        world, found = self._world, []
        try:
            await world.links.check_all(world.links.all())
        except SimError as error:
            found.append(str(error))
        found += [
            f"{machine.name} is {machine.state}, {world.health.status(machine.id)}"
            for machine in world.fleet.machines.values()
            if machine.state is not State.STARTED
            or world.health.status(machine.id) is not Status.PASSING
        ]
        return found

    def belief_follows_truth(self) -> None:
        """Who serves is passing and who does not is not, as soon as checks can have found out."""
        world, now = self._world, self._world.clock.now()
        for machine in world.fleet.machines.values():
            serves = machine.state is State.STARTED and not machine.frozen
            serves = serves and machine.region not in self._sick
            was, since = self._since.get(machine.id, (not serves, now))
            if was is not serves:
                self._since[machine.id] = (serves, now)
            elif now - since > self._belief_within_s:
                status = world.health.status(machine.id)
                if (status is Status.PASSING) is not serves:
                    truth = "serves" if serves else "does not serve"
                    self._tell(f"{machine.name} {truth} since {since:.1f} s, but is {status}")

    def _names_follow_belief(self) -> None:
        """A location is led where the router says, unless a fault keeps it from learning."""
        world = self._world
        for location in world.topology.locations:
            led = world.resolver.regions(location)
            meant = tuple(self._router.route(world.steering.healthy_regions, location))
            if location not in self._stale and led != meant:
                self._tell(f"{location} is led to {led}, not to {meant}")

    def _hear(self, record: Record) -> None:
        match record.event:
            case PartFailed() as failed:
                self._tell(f"{failed.part} failed: {failed.reason}")
            case MachineChanged() as changed:
                # A deploy may stop and start a machine between two looks.
                self._since.pop(changed.machine, None)
            case FaultBegan(fault="sicken") as fault:
                self._sick.add(fault.target)
            case FaultBegan(fault="stale_dns") as fault:
                self._stale.add(fault.target)
            case FaultBegan(fault="heal"):
                self._sick.clear()
                self._stale.clear()

    def _tell(self, what: str) -> None:
        self.broken[what] = None
