"""What a running world answers of its app, and does to it: deploys, scale, secrets, regions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

from sim.control.as_faults import as_scale
from sim.control.machine_verbs import size_of
from sim.deploys.release import Order
from sim.deploys.scale_counts import spread, wanted
from sim.errors import InputError
from sim.machines.lifecycle import State
from sim.machines.machine import Machine
from sim.machines.scaling import scale
from sim.scenario.faults import inflict
from sim.scenario.live import live_fault
from sim.suggestions import suggest
from sim.topology.geography import REGIONS
from sim.topology.sizes import DEFAULT_SIZE, SIZES
from sim.world import World


class AppVerbs:
    """The verbs `deploy`, `scale`, `scaled`, `secrets`, `set_secrets` and `regions`."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def deploy(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Deploy; the parameters are those of the fault `deploy`. Comes back when it is over."""
        world = self._world
        entry = live_fault({"fault": "deploy", **body}, world.topology)
        await inflict(world, world.journal, entry.fault, entry.target, entry.params)
        return asdict(world.deploys.last) if world.deploys.last else {}

    async def scale(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Have `count` machines (`2`, `+1`) in all of `regions`; returns what was done, by region.

        A new one has the first machine's config.
        """
        machines = self._managed()
        have = Counter(machine.region for machine in machines)
        regions = self._regions_of(body.get("regions"), have)
        total = wanted(str(body.get("count")), sum(have[region] for region in regions))
        after = spread(have, regions, total, body.get("max_per_region"))
        template = machines[0].config if machines else None
        with ExitStack() as journal:
            for region, count in after.items():
                if count != have[region]:
                    journal.enter_context(as_scale(self._world, region, count))
            done = await scale(self._world.fleet, machines, after, template)
        return [
            {"action": action, "machine": machine.id, "region": machine.region}
            for action, machine in done
        ]

    async def scaled(self, _: Mapping[str, Any]) -> list[dict[str, Any]]:
        """How many machines each process group has, and where."""
        size = SIZES[self._world.topology.gateway.size or DEFAULT_SIZE]
        rows = []
        for group in dict.fromkeys(m.config.process_group for m in self._managed()):
            members = [m for m in self._managed() if m.config.process_group == group]
            places = Counter(machine.region for machine in members)
            regions = (f"{code}({n})" if n > 1 else code for code, n in places.items())
            rows.append(
                {
                    "name": group,
                    "count": len(members),
                    "kind": size.kind,
                    "cpus": members[0].config.cpus or size.cpus,
                    "memory": f"{size_of(self._world, members[0]).rpartition(':')[2]}",
                    "regions": ",".join(regions),
                }
            )
        return rows

    async def secrets(self, _: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The secrets by name and digest; `staged` is one that a machine that runs has not read."""
        running = [m for m in self._managed() if m.state in (State.STARTED, State.SUSPENDED)]
        oldest = min((machine.secrets_version for machine in running), default=0)
        return [
            {"name": secret.name, "digest": secret.digest, "staged": oldest < secret.version}
            for secret in self._world.fleet.secrets.digests()
        ]

    async def set_secrets(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Set `values`; None removes one. Unless to `stage`, all machines are deployed anew."""
        secrets = self._world.fleet.secrets
        values = dict(body.get("values") or {})
        for name, value in values.items():
            if value is None and name not in secrets:
                raise InputError(f"there is no secret {name!r}{suggest(name, secrets)}")
        stage = bool(body.get("stage"))
        self._world.fleet.change_secrets(values, staged=stage)
        return {} if stage else asdict(await self._world.deploys.deploy(Order()))

    async def regions(self, _: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The regions of Fly that take machines, those of the topology, and how many are there."""
        topology = self._world.topology
        counts = Counter(machine.region for machine in self._world.fleet.machines.values())
        own = [
            {"name": region.city, "code": code, "continent": "-"}
            for code, region in topology.regions.items()
            if code not in REGIONS
        ]
        return [
            {
                **row,
                "machines": counts[row["code"]] if row["code"] in topology.regions else None,
                "primary": row["code"] == topology.primary.code,
            }
            for row in [*fly_regions(topology.regions), *own]
        ]

    def _managed(self) -> list[Machine]:
        return [m for m in self._world.fleet.machines.values() if m.config.managed]

    def _regions_of(self, named: list[str] | None, have: Mapping[str, int]) -> list[str]:
        """The regions that are meant: those named, else those with machines, else the primary."""
        topology = self._world.topology
        for code in named or ():
            if code not in topology.regions:
                raise InputError(f"no region {code!r}{suggest(code, topology.regions)}")
        primary = topology.primary.code
        inhabited = sorted((c for c in topology.regions if have[c]), key=lambda c: c != primary)
        return list(dict.fromkeys(named or inhabited or [primary]))


def fly_regions(also: Container[str] = ()) -> list[dict[str, Any]]:
    """Fly's regions that take machines, and those of `also`, by continent."""
    shown = [r for r in REGIONS.values() if r.active or r.code in also]
    return [
        {"name": region.city, "code": region.code, "continent": region.continent}
        for region in sorted(shown, key=lambda region: region.continent)
    ]
