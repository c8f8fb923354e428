"""The Machines API's paths, and those of Fly's other APIs that its clients ask beside it."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from sim.control.machines_api.api_context import ApiContext, ApiWorld
from sim.control.machines_api.api_refusals import Handler, Refusal, answering
from sim.control.machines_api.apps import Apps
from sim.control.machines_api.graphql import Graphql
from sim.control.machines_api.ips import Addresses
from sim.control.machines_api.leases import Leases
from sim.control.machines_api.logs import Logs
from sim.control.machines_api.machines import Machines
from sim.control.machines_api.metadata import Metadata
from sim.control.machines_api.regions import Regions
from sim.control.machines_api.releases import Organizations, Releases
from sim.control.machines_api.secrets import Secrets
from sim.control.machines_api.verbs import Verbs
from sim.control.machines_api.volumes import Volumes
from sim.control.machines_api.wait import Waiting

_APP = "/v1/apps/{app}"
_MACHINE = _APP + "/machines/{id}"


class MachinesApi:
    """A site of the control server. Close it before the fleet: it has verbs under way."""

    def __init__(self, world: ApiWorld) -> None:
        self._context = ApiContext(world)

    async def close(self) -> None:
        """End what was asked for and is not done."""
        await self._context.close()

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Every path; what is none of them below /v1 is refused in Fly's shape too."""
        routes = [web.route(method, path, answering(h)) for method, path, h in self.table()]
        return [*routes, web.route("*", "/v1/{tail:.*}", answering(_nowhere))]

    def table(self) -> list[tuple[str, str, Handler]]:
        """Methods, paths and who answers them."""
        context = self._context
        apps, regions, secrets = Apps(context), Regions(context), Secrets(context)
        machines, verbs, leases = Machines(context), Verbs(context), Leases(context)
        releases, organizations = Releases(context), Organizations()
        metadata, volumes, addresses = Metadata(context), Volumes(context), Addresses(context)
        return [
            ("GET", "/v1/apps", apps.list),
            ("POST", "/v1/apps", apps.create),
            ("GET", _APP, apps.get),
            ("DELETE", _APP, apps.delete),
            ("GET", f"{_APP}/machines", machines.list),
            ("POST", f"{_APP}/machines", machines.create),
            ("GET", _MACHINE, machines.get),
            ("POST", _MACHINE, machines.update),
            ("DELETE", _MACHINE, machines.destroy),
            ("GET", f"{_MACHINE}/events", machines.events),
            ("GET", f"{_MACHINE}/versions", machines.versions),
            ("POST", f"{_MACHINE}/start", verbs.start),
            ("POST", f"{_MACHINE}/stop", verbs.stop),
            ("POST", f"{_MACHINE}/restart", verbs.restart),
            ("POST", f"{_MACHINE}/suspend", verbs.suspend),
            ("POST", f"{_MACHINE}/signal", verbs.signal),
            ("POST", f"{_MACHINE}/cordon", verbs.cordon),
            ("POST", f"{_MACHINE}/uncordon", verbs.uncordon),
            ("POST", f"{_MACHINE}/exec", verbs.execute),
            ("GET", f"{_MACHINE}/ps", verbs.processes),
            ("GET", f"{_MACHINE}/wait", Waiting(context).wait),
            ("GET", f"{_MACHINE}/lease", leases.find),
            ("POST", f"{_MACHINE}/lease", leases.acquire),
            ("DELETE", f"{_MACHINE}/lease", leases.release),
            ("GET", f"{_MACHINE}/metadata", metadata.get),
            ("POST", f"{_MACHINE}/metadata/{{key}}", metadata.set),
            ("DELETE", f"{_MACHINE}/metadata/{{key}}", metadata.unset),
            ("GET", f"{_APP}/secrets", secrets.list),
            ("POST", f"{_APP}/secrets", secrets.set_all),
            ("GET", f"{_APP}/secrets/{{name}}", secrets.get),
            ("POST", f"{_APP}/secrets/{{name}}", secrets.set),
            ("DELETE", f"{_APP}/secrets/{{name}}", secrets.unset),
            ("GET", f"{_APP}/volumes", volumes.list),
            ("POST", f"{_APP}/volumes", volumes.create),
            ("*", f"{_APP}/volumes/{{volume}}", volumes.one),
            ("*", f"{_APP}/volumes/{{volume}}/{{what}}", volumes.one),
            ("GET", f"{_APP}/ip_assignments", addresses.list),
            ("POST", f"{_APP}/ip_assignments", addresses.change),
            ("DELETE", f"{_APP}/ip_assignments/{{ip}}", addresses.change),
            ("GET", "/v1/platform/regions", regions.list),
            ("POST", "/v1/platform/placements", regions.placements),
            ("POST", "/graphql", Graphql(context).answer),
            ("GET", "/api/v1/apps/{app}/logs", Logs(context).answer),
            ("GET", "/api/v1/organizations", organizations.list),
            ("GET", "/api/v1/organizations/{organization}", organizations.get),
            ("POST", "/api/v1/builds", releases.build),
            ("POST", "/api/v1/builds/finish", releases.build),
            ("POST", "/api/v1/releases", releases.create),
            ("GET", "/api/v1/releases/all_current", releases.all_current),
            ("PATCH", "/api/v1/releases/{release}", releases.change),
            ("GET", "/api/v1/apps/{app}/releases", releases.list),
            ("GET", "/api/v1/apps/{app}/releases/current", releases.current),
        ]


async def _nowhere(request: web.Request) -> web.StreamResponse:
    raise Refusal(404, f"no endpoint {request.method} {request.path}; see docs/machines-api.md")
