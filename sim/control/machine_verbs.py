"""What a running world answers of its machines, and does to them: flyctl's `machine` commands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from sim.control.as_faults import as_fault, as_scale
from sim.errors import InputError
from sim.machines.lifecycle import State
from sim.machines.machine import Machine
from sim.machines.machine_listing import listed
from sim.topology.sizes import DEFAULT_SIZE
from sim.world import World

Row = dict[str, Any]
Action = Callable[[Machine, Mapping[str, Any]], Awaitable[Row]]


class MachineVerbs:
    """The verbs `machines`, `machine` and `checks`. A target is an id, a name or `fra/1`."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def machines(self, _: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Every machine, with the columns of flyctl. Times are simulated seconds of the world."""
        return [self.row(machine) for machine in self._world.fleet.machines.values()]

    def row(self, machine: Machine) -> dict[str, Any]:
        """A machine as listings show it."""
        return {
            **listed(machine, self._world.health),
            "name": machine.fly_name,
            "place": machine.name,
            "state": machine.condition + (" (cordoned)" if machine.cordoned else ""),
            "image": machine.config.image,
            "ip_address": self._world.machine_runtime.private_host(machine.spec),
            "volume": None,
            "created_s": round(machine.created_s, 1),
            "process_group": machine.config.process_group,
            "size": size_of(self._world, machine),
        }

    async def checks(self, _: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Every check of every machine, and what it found last."""
        return [
            {
                "name": f"servicecheck-{number:02}-{state.check.type}-{machine.config.port}",
                "status": str(state.status),
                "machine": machine.id,
                "region": machine.region,
                "last_updated_s": round(state.changed_s, 1),
                "output": state.output,
            }
            for machine in self._world.fleet.machines.values()
            for number, state in enumerate(self._world.health.checks(machine.id))
        ]

    async def machine(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Do `action` to the machine that `machine` names; returns how it is afterwards."""
        actions = self._actions()
        action = actions.get(str(body.get("action")))
        if action is None:
            raise InputError(f"no action {body.get('action')!r}; there are: {', '.join(actions)}")
        found = self._world.fleet.find(str(body.get("machine")))
        if len(found) > 1:
            there = ", ".join(f"{m.name} ({m.id})" for m in found)
            raise InputError(f"{body['machine']} has {len(found)} machines, name one: {there}")
        return await action(found[0], body)

    def _actions(self) -> Mapping[str, Action]:
        fleet = self._world.fleet
        awaited: dict[str, Callable[[Machine], Awaitable[None]]] = {
            "start": fleet.start,
            "stop": fleet.stop,
            "kill": fleet.kill,
            "restart": fleet.restart,
            "suspend": fleet.suspend,
        }
        at_once = {"cordon": fleet.cordon, "uncordon": fleet.uncordon}

        async def do(machine: Machine, body: Mapping[str, Any]) -> dict[str, Any]:
            name = str(body["action"])
            if name in at_once:
                at_once[name](machine)
            else:
                with as_fault(self._world, name, machine):
                    await awaited[name](machine)
            return self.row(machine)

        return {
            **dict.fromkeys((*awaited, *at_once), do),
            "clone": self._clone,
            "destroy": self._destroy,
        }

    async def _clone(self, source: Machine, body: Mapping[str, Any]) -> dict[str, Any]:
        """Another one with the same config, release included; it is waited for until it passes.

        One that stands by for a machine, `standby_for`, is not started before that one's host is
        lost.
        """
        command = body.get("command")
        config = replace(source.config, command=tuple(command)) if command else source.config
        if watched := body.get("standby_for"):
            (one,) = self._world.fleet.find(str(watched))
            env = {**config.env, "FLY_STANDBY_FOR": one.id}
            config = replace(config, standbys=(one.id,), env=env)
        region = body.get("region") or source.region
        fleet = self._world.fleet
        if config.standbys:
            return self.row(fleet.create(region, config, body.get("name")))
        with as_scale(self._world, region, len(fleet.in_region(region)) + 1):
            machine = fleet.create(region, config, body.get("name"))
            await fleet.start(machine)
        return self.row(machine)

    async def _destroy(self, machine: Machine, body: Mapping[str, Any]) -> dict[str, Any]:
        """One that runs is destroyed by force only, as flyctl has it."""
        if machine.state is State.STARTED and not body.get("force"):
            raise InputError(
                f"{machine.name} is started; stop it first, or destroy it by force (--force)"
            )
        row = self.row(machine)  # afterwards nobody watches it any more
        region = machine.region
        with as_scale(self._world, region, len(self._world.fleet.in_region(region)) - 1):
            await self._world.fleet.destroy(machine)
        return {**row, "state": str(machine.state)}


def size_of(world: World, machine: Machine) -> str:
    """A machine's size as flyctl writes it: `shared-cpu-1x:256MB`."""
    size = world.topology.gateway.size or DEFAULT_SIZE
    return f"{size}:{(machine.config.memory_bytes or 256 * 1024**2) >> 20}MB"
