"""The little of Fly's GraphQL that clients cannot do without: whole queries known by a word.

No query is parsed: each of these is answered with all that its callers have been seen to read.
What is not known is an error in GraphQL's shape, which flyctl tells or passes over.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from sim.control.machines_api.api_context import ApiContext
from sim.control.machines_api.api_shapes import ORGANIZATION, USER, app_json
from sim.control.machines_api.bodies import M, checked, parsed
from sim.control.machines_api.configs import full_image, image_ref, plain_image
from sim.deploys.deployer import Release
from sim.errors import InputError

Variables = Mapping[str, Any]
_Data = dict[str, Any] | Awaitable[dict[str, Any]]


class GraphqlRequest(BaseModel):
    """A query and its variables."""

    model_config = ConfigDict(extra="ignore")
    query: str
    variables: dict[str, Any] | None = None


class _SecretGiven(BaseModel):
    key: str
    value: str


class _SetSecrets(BaseModel):
    app_id: str = Field(alias="appId")
    secrets: list[_SecretGiven]


class _UnsetSecrets(BaseModel):
    app_id: str = Field(alias="appId")
    keys: list[str]


class NoAnswerError(Exception):
    """The query is of something that there is not."""


class Graphql:
    """The endpoint /graphql."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        # The first whose pattern is in the query answers it.
        self._known: tuple[tuple[str, Callable[[Variables], _Data]], ...] = (
            (r"\bunsetSecrets\b", self._unset_secrets),
            (r"\bsetSecrets\b", self._set_secrets),
            (r"\bmutation\b", self._unknown),
            (r"\bappcompact\s*:", self._compact),
            (r"\breleasesUnprocessed\b", self._releases),
            (r"\bcurrentReleaseUnprocessed\b", self._current),
            (r"\blatestImageDetails\b", self._latest_image),
            (r"\bcanPerformBluegreenDeployment\b", self._bluegreen),
            (r"\bapps\s*\(", self._apps),
            (r"\bimage\s*\(", self._image),
            (r"\begressIpAddresses\b", self._egress),
            (r"\bplatform\b", self._platform),
            (r"\borganization\s*\(", self._organization),
            (r"\bapp\s*\(", self._app),
        )

    async def answer(self, request: web.Request) -> web.Response:
        """A query's data, or an error with status 200."""
        given = parsed(GraphqlRequest, await request.read())
        variables = given.variables or {}
        try:
            for pattern, answer in self._known:
                if re.search(pattern, given.query):
                    found = answer(variables)
                    data = await found if isinstance(found, Awaitable) else found
                    return web.json_response({"data": data})
            self._unknown(variables)
        except (NoAnswerError, InputError) as error:
            return web.json_response({"errors": [{"message": str(error)}]})
        raise AssertionError("what is unknown is refused")

    def _unknown(self, _: Variables) -> dict[str, Any]:
        raise NoAnswerError("not implemented")

    def _compact(self, variables: Variables) -> dict[str, Any]:
        return {"appcompact": self._details(variables)}

    def _app(self, variables: Variables) -> dict[str, Any]:
        plan, topology = self._context.world.plan, self._context.topology
        address = plan.edge(topology.primary.code).host
        node = {"id": "1", "type": "shared_v4", "region": "global", "address": address}
        return {"app": {**self._details(variables), "ipAddresses": {"nodes": [node]}}}

    def _releases(self, variables: Variables) -> dict[str, Any]:
        """The releases, the newest first, under both names that there are for the list."""
        newest = reversed(self._context.world.deploys.releases)
        releases = {"nodes": [self._release(release) for release in newest]}
        details = self._details(variables)
        return {"app": {**details, "releases": releases, "releasesUnprocessed": releases}}

    def _current(self, variables: Variables) -> dict[str, Any]:
        """The newest. No release has a config of its own: flyctl then reads the machines'."""
        release = {
            **self._release(self._context.world.deploys.releases[-1]),
            "configDefinition": None,
        }
        details = self._details(variables)
        current = {"currentReleaseUnprocessed": release, "currentRelease": release}
        return {"app": {**details, **current}}

    def _latest_image(self, variables: Variables) -> dict[str, Any]:
        """The image itself: nobody publishes another."""
        ref = image_ref(str(variables.get("image") or "none"))
        names = ("registry", "repository", "tag")
        known = {name: ref[name] for name in names}
        return {"latestImageDetails": {**known, "version": "", "digest": ""}}

    def _bluegreen(self, _: Variables) -> dict[str, Any]:
        return {"canPerformBluegreenDeployment": True}

    def _apps(self, _: Variables) -> dict[str, Any]:
        release = self._context.world.deploys.releases[-1]
        node = {
            **self._details({"name": self._context.topology.app}),
            "currentRelease": self._release(release),
        }
        return {"apps": {"pageInfo": {"hasNextPage": False, "endCursor": ""}, "nodes": [node]}}

    async def _image(self, variables: Variables) -> dict[str, Any]:
        """An image as flyctl resolves one before a deploy; null where there is none."""
        name = plain_image(str(variables.get("imageRef") or ""))
        ref = full_image(name or None)
        image = {"id": ref, "digest": "", "ref": ref, "compressedSize": "0", "manifest": None}
        known = await self._context.world.machine_runtime.has_image(name)
        return {"app": {**self._details(variables), "image": image if known else None}}

    def _egress(self, variables: Variables) -> dict[str, Any]:
        return {"app": {**self._details(variables), "egressIpAddresses": {"nodes": []}}}

    def _platform(self, _: Variables) -> dict[str, Any]:
        regions = self._context.topology.regions.values()
        return {
            "platform": {
                "requestRegion": self._context.topology.primary.code,
                "regions": [
                    {
                        "name": region.city,
                        "code": region.code,
                        "latitude": region.at.lat,
                        "longitude": region.at.lon,
                        "gatewayAvailable": False,
                        "requiresPaidPlan": False,
                    }
                    for region in regions
                ],
            }
        }

    def _organization(self, variables: Variables) -> dict[str, Any]:
        if variables.get("slug") != ORGANIZATION["slug"]:
            raise NoAnswerError("Could not find Organization")
        return {"organization": _organization()}

    def _set_secrets(self, variables: Variables) -> dict[str, Any]:
        given = self._input(_SetSecrets, variables)
        self._context.change_secrets({secret.key: secret.value for secret in given.secrets})
        return {"setSecrets": {"release": None, "app": {"name": given.app_id}}}

    def _unset_secrets(self, variables: Variables) -> dict[str, Any]:
        given = self._input(_UnsetSecrets, variables)
        self._context.change_secrets(dict.fromkeys(given.keys))
        return {"unsetSecrets": {"release": None, "app": {"name": given.app_id}}}

    def _input(self, model: type[M], variables: Variables) -> M:
        given = checked(model, variables.get("input"))
        self._demand_app(getattr(given, "app_id", None))
        return given

    def _demand_app(self, name: object) -> None:
        if name != self._context.topology.app:
            raise NoAnswerError("Could not find App")

    def _details(self, variables: Variables) -> dict[str, Any]:
        """An app as several queries read it. They name it by different variables."""
        names = [variables[key] for key in ("appName", "name", "app") if key in variables]
        self._demand_app(names[0] if names else None)
        topology = self._context.topology
        app = app_json(topology, len(self._context.fleet.machines))
        return {
            "id": app["id"],
            "internalNumericId": app["internal_numeric_id"],
            "name": app["name"],
            "status": app["status"],
            "network": app["network"],
            "hostname": topology.hostname,
            "cnameTarget": "",
            "appUrl": f"https://{topology.hostname}",
            "deployed": True,
            "platformVersion": "machines",
            "organization": _organization(),
            "postgresAppRole": None,
        }

    def _release(self, release: Release) -> dict[str, Any]:
        return {
            "id": str(release.number),
            "version": release.number,
            "status": release.status,
            "description": "Release" if release.number > 1 else "the world's topology",
            "reason": "",
            "user": USER,
            "evaluationId": "",
            "createdAt": self._context.view.date(release.began_s),
            "imageRef": full_image(release.image or None),
            "stable": release.status == "complete",
            "inProgress": release.status == "running",
            "deploymentStrategy": release.strategy.upper(),
            "metadata": None,
        }


def _organization() -> dict[str, Any]:
    return {
        **ORGANIZATION,
        "id": "1",
        "internalNumericId": "1",
        "rawSlug": ORGANIZATION["slug"],
        "type": "PERSONAL",
        "viewerRole": "admin",
        "paidPlan": False,
    }
