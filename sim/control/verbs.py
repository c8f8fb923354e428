"""What a running world answers to other commands, verb by verb."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from typing import Any, Self

from sim import registry
from sim.control.app_verbs import AppVerbs
from sim.control.machine_verbs import MachineVerbs
from sim.control.machines_api.machines_api_site import MachinesApi
from sim.control.metrics_site import MetricsSite
from sim.control.underway import telling
from sim.control_server.control_server import ControlServer
from sim.control_server.exposure import further_listeners
from sim.dashboard.dashboard_site import Dashboard
from sim.errors import InputError
from sim.machines import machine_listing
from sim.places.containers import ClientNetworks
from sim.scenario.faults import inflict
from sim.scenario.live import live_fault
from sim.scenario.save import file_from, scenario_text
from sim.topology.units import quoted
from sim.upkeep import Part
from sim.world import World

_PART = "control server"


class Control:
    """What a running world answers while this context lasts. Other commands find the world by it.

    Each verb takes the request's object and gives the answer's.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._client_networks = ClientNetworks(
            world.topology, world.plan, world.record.folder, world.resolver, world.links
        )
        self._server = ControlServer(
            [world.listener, *further_listeners()],
            world.record.token,
            partial(telling, world.journal),
        )
        machines = MachineVerbs(world)
        app = AppVerbs(world)
        for verb in (
            *(self.status, self.links, self.fault, self.explain, self.authority),
            *(self.quarters, self.page, self.save_scenario),
            *(machines.machines, machines.machine, machines.checks),
            *(app.deploy, app.scale, app.scaled, app.secrets, app.set_secrets, app.regions),
        ):
            self._server.verb(verb.__name__, verb)
        self._server.mount(MetricsSite(world, self._server.guard))
        self._machines_api = MachinesApi(world)
        self._server.mount(self._machines_api)
        self.dashboard = Dashboard(world)
        self._server.mount(self.dashboard)
        self._server.before_stop(self.dashboard.hang_up)
        self._server.guard.admit_also(self.dashboard.door.admits)
        for name, handler in self.dashboard.verbs().items():
            self._server.verb(name, handler)

    async def __aenter__(self) -> Self:
        await self._server.start()
        registry.save(self._world.record)
        self._world.upkeep.watch(Part(_PART, self._server.ping, self._server.restart))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.dashboard.close()
        await self._world.upkeep.unwatch(_PART)
        await self._client_networks.close()
        await self._server.stop()
        await self._machines_api.close()

    async def status(self, _: Mapping[str, Any]) -> dict[str, Any]:
        """What is so, beside what is believed and what is served."""
        world, record = self._world, self._world.record
        return {
            "world": record.id,
            "app": record.app,
            "topology": record.topology,
            "pid": record.pid,
            "seed": world.seed,
            "speed": world.speed,
            "up_s": round(world.clock.now(), 1),
            "hostname": world.topology.hostname,
            "url": world.url,
            "image": world.fleet.default.image,
            "control": record.control_url,
            "machines": [
                {
                    **machine_listing.listed(machine, world.health),
                    **machine_listing.now(machine, world.health),
                    "address": str(machine.endpoint),
                    "process": machine.config.process_group,
                }
                for machine in world.fleet.machines.values()
            ],
            "locations": [
                {
                    "location": name,
                    "nameserver": f"{world.plan.nameserver(name)}:{world.resolver.port}",
                    "entry": str(world.plan.entry(name)),
                    "led_to": list(world.resolver.regions(name)),
                }
                for name in world.topology.locations
            ],
            "regions": [
                {"region": region, "nameserver": address}
                for region, address in world.nameservers.items()
            ],
            "services": world.services.told(),
            "alerts": [
                {
                    "alert": alert.alert,
                    "subject": alert.subject,
                    "region": alert.region,
                    "since_s": round(alert.since, 1),
                    "for_s": round(world.clock.now() - alert.since, 1),
                    "reason": alert.reason,
                }
                for alert in world.alarm.standing
            ],
        }

    async def links(self, _: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Every link as it is now."""
        stats = await self._world.links.stats()
        return [
            {
                "link": link.name,
                "state": link.state,
                "rtt_ms": round(link.rtt_ms, 1),
                "jitter_ms": link.conditions.jitter_ms,
                **dataclasses.asdict(stats[link.name]),
                "faults": link.conditions.detail(),
            }
            for link in self._world.links.all()
        ]

    async def fault(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Do a fault, written as in a scenario's timeline."""
        world = self._world
        entry = live_fault(body, world.topology)
        if entry.when:
            raise InputError("a fault by hand is done now; `when` is for timelines and tests")
        await inflict(world, world.journal, entry.fault, entry.target, entry.params)
        return {"done": entry.fault}

    async def page(self, _: Mapping[str, Any]) -> dict[str, str]:
        """An address that opens the live page, once."""
        return {"url": self.dashboard.url()}

    async def save_scenario(self, body: Mapping[str, Any]) -> dict[str, str]:
        """The faults so far as a scenario file's text.

        `since` is first_fault (the default) or start. `folder` is where the file will be, from
        which it names the topology; without one it is to be put beside it.
        """
        world = self._world
        since = body.get("since", "first_fault")
        if since not in ("first_fault", "start"):
            raise InputError(f"since: found {quoted(since)}; allowed: `first_fault` or `start`")
        folder = body.get("folder")
        file = file_from(world.topology, folder if isinstance(folder, str) else None)
        text = scenario_text(world.journal.records, world.topology, file, since)
        return {"text": world.journal.redact(text)}

    async def explain(self, body: Mapping[str, Any]) -> list[str]:
        """Why a name is answered as it is, in lines."""
        explained = self._world.resolver.explain(str(body["name"]), body.get("place"))
        return explained.lines()

    async def authority(self, _: Mapping[str, Any]) -> dict[str, str]:
        """Whom to trust: the authority's certificate, and the hash of the edges' key."""
        credentials = await self._world.authority.credentials()
        return {"certificate": credentials.certificate, "spki": credentials.spki}

    async def quarters(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Where a container is put to be in a location."""
        return dataclasses.asdict(await self._client_networks.open(str(body["location"])))
