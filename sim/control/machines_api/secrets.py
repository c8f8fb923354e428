"""The app's secrets: set here, read by machines when they boot, shown as digests alone."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sim.control.machines_api.api_context import ApiContext
from sim.control.machines_api.api_refusals import Refusal
from sim.control.machines_api.bodies import SecretRequest, SecretsRequest, parsed
from sim.machines.app_secrets import SecretDigest


class Secrets:
    """The endpoints at /v1/apps/{app}/secrets."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._secrets = context.fleet.secrets

    async def list(self, request: web.Request) -> web.Response:
        """All of them, without values whatever the request says."""
        self._context.app(request)
        return web.json_response({"secrets": [self._shown(s) for s in self._secrets.digests()]})

    async def get(self, request: web.Request) -> web.Response:
        """One of them."""
        self._context.app(request)
        return web.json_response(self._shown(self._find(request.match_info["name"])))

    async def set_all(self, request: web.Request) -> web.Response:
        """Set several at a time; null removes one."""
        self._context.app(request)
        values = parsed(SecretsRequest, await request.read()).values
        version = self._context.change_secrets(values)
        shown = [self._shown(s) for s in self._secrets.digests() if s.name in values]
        return web.json_response({"secrets": shown, "version": version})

    async def set(self, request: web.Request) -> web.Response:
        """Set one of them."""
        self._context.app(request)
        name = request.match_info["name"]
        version = self._context.change_secrets(
            {name: parsed(SecretRequest, await request.read()).value}
        )
        return web.json_response({**self._shown(self._find(name)), "version": version}, status=201)

    async def unset(self, request: web.Request) -> web.Response:
        """Remove one of them."""
        self._context.app(request)
        found = self._find(request.match_info["name"])
        return web.json_response({"version": self._context.change_secrets({found.name: None})})

    def _find(self, name: str) -> SecretDigest:
        for secret in self._secrets.digests():
            if secret.name == name:
                return secret
        raise Refusal(404, f"secret {name} not found")

    def _shown(self, secret: SecretDigest) -> dict[str, Any]:
        """One as flyctl reads it: it is deployed where it is no newer than a machine's release."""
        return {
            "name": secret.name,
            "label": secret.name,
            "digest": secret.digest,
            "updated_at": self._context.view.date(secret.set_s),
        }
