"""Releases as flyctl makes them: it takes the steps of a deploy itself, and says when it is over.

The journal has such a deploy as it has one of `sim deploy`: what is done to machines while it is
under way are its steps.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from sim.control.machines_api.api_context import ApiContext, number
from sim.control.machines_api.api_refusals import Refusal
from sim.control.machines_api.api_shapes import ORGANIZATION, USER
from sim.control.machines_api.bodies import parsed
from sim.control.machines_api.configs import full_image, plain_image
from sim.deploys.deployer import Release
from sim.errors import InputError
from sim.machines.config import MachineConfig

_STRATEGIES = {
    "ROLLING": "rolling",
    "ROLLING_ONE": "rolling",
    "IMMEDIATE": "immediate",
    "SIMPLE": "immediate",
    "CANARY": "canary",
    "BLUEGREEN": "bluegreen",
}
_BUILD = {"id": 1, "status": "completed", "wallclock_time_ms": 0}


class _Given(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _ReleaseGiven(_Given):
    app_name: str
    image: str = ""
    strategy: str = "ROLLING"


class _DeploymentInfo(_Given):
    error: str | None = None


class _Metadata(_Given):
    post_deployment_info: _DeploymentInfo | None = None


class _ReleaseChange(_Given):
    status: Literal["pending", "running", "complete", "failed", "interrupted"]
    metadata: _Metadata | None = None


class Releases:
    """The endpoints of releases and builds below /api/v1."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._deploys = context.world.deploys

    async def build(self, request: web.Request) -> web.Response:
        """Nothing is built here: a build is over once it begins."""
        del request
        return web.json_response(_BUILD)

    async def create(self, request: web.Request) -> web.Response:
        """A new release, whose deploy is under way from now on."""
        given = parsed(_ReleaseGiven, await request.read())
        if given.app_name != self._context.topology.app:
            raise Refusal(404, f"app {given.app_name} not found")
        strategy = _STRATEGIES.get(given.strategy.upper())
        if strategy is None:
            raise Refusal(400, f"strategy {given.strategy!r} is none of {', '.join(_STRATEGIES)}")
        config = self._context.fleet.default
        if given.image:
            config = replace(config, image=plain_image(given.image))
        try:
            release = self._deploys.begin(strategy, config, client=True)
        except InputError as error:
            raise Refusal(409, str(error)) from None
        return web.json_response({"release": self._shown(release)}, status=201)

    async def change(self, request: web.Request) -> web.Response:
        """How far a release has come. Its end is the deploy's."""
        given = parsed(_ReleaseChange, await request.read())
        wanted = request.match_info["release"]
        for release in self._deploys.releases:
            if str(release.number) == wanted:
                break
        else:
            raise Refusal(404, f"release {wanted} not found")
        under_way = self._deploys.under_way is release and release.client
        if under_way and given.status == "complete":
            self._deploys.end(default=self._brought(release))
        elif under_way and given.status in ("failed", "interrupted"):
            info = given.metadata and given.metadata.post_deployment_info
            self._deploys.end((info and info.error) or f"flyctl says that it {given.status}")
        return web.json_response(self._shown(release))

    async def list(self, request: web.Request) -> web.Response:
        """The newest first."""
        self._context.app(request)
        limit = number(request, "limit") or len(self._deploys.releases)
        newest = list(reversed(self._deploys.releases))[:limit]
        return web.json_response({"releases": [self._shown(release) for release in newest]})

    async def current(self, request: web.Request) -> web.Response:
        """The newest."""
        self._context.app(request)
        return web.json_response(self._shown(self._deploys.releases[-1]))

    async def all_current(self, request: web.Request) -> web.Response:
        """When each app's newest was made."""
        del request
        began_s = self._deploys.releases[-1].began_s
        return web.json_response({self._context.topology.app: self._context.view.date(began_s)})

    def _brought(self, release: Release) -> MachineConfig | None:
        """What machines of the topology's group have now, where they have the release."""
        group = self._context.fleet.default.process_group
        return next(
            (
                machine.config
                for machine in self._context.fleet.machines.values()
                if machine.config.release == str(release.number)
                and machine.config.process_group == group
            ),
            None,
        )

    def _shown(self, release: Release) -> dict[str, Any]:
        return {
            "id": str(release.number),
            "version": release.number,
            "stable": release.status == "complete",
            "in_progress": release.status == "running",
            "status": release.status,
            "strategy": release.strategy.upper(),
            "user": USER["email"],
            "created_at": self._context.view.date(release.began_s),
            "image_ref": full_image(release.image or None),
        }


class Organizations:
    """The endpoints of organizations below /api/v1: there is one."""

    async def list(self, request: web.Request) -> web.Response:
        """A list of the one organization."""
        del request
        return web.json_response({"organizations": [_organization()]})

    async def get(self, request: web.Request) -> web.Response:
        """The organization, by its name."""
        wanted = request.match_info["organization"]
        if wanted != ORGANIZATION["slug"]:
            raise Refusal(404, f"organization {wanted} not found; it is {ORGANIZATION['slug']}")
        return web.json_response({"organization": _organization()})


def _organization() -> dict[str, Any]:
    return {
        **ORGANIZATION,
        "id": "1",
        "internal_numeric_id": 1,
        "raw_slug": ORGANIZATION["slug"],
        "paid_plan": False,
        "personal": True,
        "billing_status": "CURRENT",
        "billable": True,
        "remote_builder_image": "",
        "provisions_beta_extensions": False,
    }
