"""What befalls a fleet's machines though nobody here asked for it, journaled as that."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from sim.errors import StartError
from sim.lens.lens import Uncovered
from sim.machines.breaking import lose_host
from sim.machines.fleet import Fleet
from sim.machines.lifecycle import Action, State
from sim.machines.runtime import Instance, MachineSpec
from sim.observe.events import HostLost, PartFailed, RealTimeSeen
from sim.observe.journal import Journal


class Mishaps:
    """The overseer whom a world's runtime tells."""

    def __init__(self, fleet: Fleet, journal: Journal) -> None:
        self._fleet = fleet
        self._journal = journal

    def befell(
        self,
        machine_id: str,
        what: str,
        *,
        frozen: bool | None = None,
        cut_off: bool | None = None,
    ) -> None:
        """Journal what somebody else did to a machine that goes on running."""
        if machine := self._fleet.machines.get(machine_id):
            machine.frozen = machine.frozen if frozen is None else frozen
            machine.cut_off = machine.cut_off if cut_off is None else cut_off
            self._fleet.recorder.tell(machine, what)
        else:
            self.part_failed(machine_id, what)  # a service's container: nobody was asked for that

    async def returned(self, machine_id: str, instance: Instance) -> None:
        """Somebody else has started a machine that had ended."""
        machine = self._fleet.machines.get(machine_id)
        if machine and machine.state in (State.STOPPED, State.FAILED):
            self._fleet.recorder.change(machine, Action.START, "started by somebody else")
            self._fleet.runs.begin(machine, instance)

    async def host_lost(
        self, host: str, machine_ids: Sequence[str], reason: str, unheard_s: float
    ) -> None:
        """Journal that a host went away by itself, and lose it."""
        machines = [m for m in self._fleet.machines.values() if m.id in machine_ids]
        ids = tuple(machine.id for machine in machines)
        self._journal.write(HostLost(host, ids, reason, round(unheard_s, 3)))
        with suppress(StartError):  # one that stands by did not come up: its state says so
            await lose_host(self._fleet, machines, f"its host is gone: {reason}")

    def part_failed(self, part: str, reason: str) -> None:
        """Journal that something that machines depend on is gone."""
        self._journal.write(PartFailed(part, reason))

    def real_time(self, spec: MachineSpec, seen: Uncovered) -> None:
        """Journal that a machine uses time that it cannot be shown as the world's."""
        self._journal.write(RealTimeSeen(spec.id, spec.region, seen.what, seen.whole))
