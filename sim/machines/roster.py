"""Who is there: the machines of a world by id, and who is meant by a name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sim.errors import InputError
from sim.machines.machine import Machine


class Roster:
    """Machines that were made and not destroyed."""

    def __init__(self) -> None:
        self._machines: dict[str, Machine] = {}

    @property
    def machines(self) -> Mapping[str, Machine]:
        """Every machine that was not destroyed, by id, in the order of creation."""
        return MappingProxyType(self._machines)

    def in_region(self, region: str) -> list[Machine]:
        """The machines of a region, the first one first."""
        found = [m for m in self._machines.values() if m.region == region]
        return sorted(found, key=lambda machine: machine.number)

    def find(self, target: str) -> list[Machine]:
        """The machines meant by an id, by `fra/1`, by a name as Fly gives them, or by a region.

        Raises InputError for none.
        """
        if target in self._machines:
            return [self._machines[target]]
        found = [m for m in self._machines.values() if target in (m.name, m.fly_name)]
        if found := found or self.in_region(target):
            return found
        there_are = ", ".join(f"{m.name} ({m.id})" for m in self._machines.values()) or "none"
        raise InputError(
            f"no machine or region with machines is {target!r}; there are: {there_are}"
        )

    def named(self, fly_name: str) -> Machine | None:
        """The machine of that name as Fly gives them, or None."""
        found = (m for m in self._machines.values() if m.fly_name == fly_name)
        return next(found, None)

    def free_number(self, region: str) -> int:
        """The first number, from 1 on, that no machine of the region has."""
        taken = {machine.number for machine in self.in_region(region)}
        return next(n for n in range(1, len(taken) + 2) if n not in taken)
