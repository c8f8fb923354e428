"""The client of a link server: Toxiproxy's HTTP API with timeouts and one error type.

Speaks to stock servers from 2.4 on and to the embedded one alike. Updates are sent by POST, which
every version understands (PATCH came with 2.6).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import aiohttp
from yarl import URL

from sim.errors import SimError
from sim.network.embedded.toxics import attributes_problem
from sim.network.link_spec import ProxySpec, ToxicSpec

NO_ANSWER = 0

Silence = Literal["tcp", "connect", "data"]
"""What a cut link keeps from its ends: every segment, SYNs and data, or data alone."""

_TIMEOUT_S = 5.0
_HEADERS = {"User-Agent": "multi-region-sim"}


class LinkServerError(SimError):
    """The link server refused a request, or did not answer (status 0)."""

    exit_code = 3

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(f"link server: {message}" + (f" ({status})" if status else ""))


@dataclass(frozen=True)
class ServerInfo:
    """What a link server says of itself. `embedded`: ours; `silence`: how far a cut link's goes."""

    version: str
    embedded: bool
    silence: Silence


class LinkServerClient:
    """Talks to the link server at `url`. Every call raises LinkServerError."""

    def __init__(self, url: str, timeout_s: float = _TIMEOUT_S) -> None:
        self.url = url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"<LinkServerClient {self.url}>"

    async def about(self) -> ServerInfo:
        """What the server is."""
        found = await self._call("GET", "version")
        embedded = str(found["version"]).endswith("+embedded")
        return ServerInfo(str(found["version"]), embedded, found.get("silence", "data"))

    async def proxies(self) -> dict[str, dict[str, Any]]:
        """Every proxy by name, as the server describes it."""
        return dict(await self._call("GET", "proxies"))

    async def proxy(self, name: str) -> dict[str, Any] | None:
        """One proxy as the server describes it, or None."""
        try:
            return dict(await self._call("GET", "proxies", name))
        except LinkServerError as error:
            if error.status == 404:
                return None
            raise

    async def upsert(self, spec: ProxySpec) -> dict[str, Any]:
        """Create the proxy, or make the existing one like this; its toxics stay."""
        _refuse(spec.problem())
        body = vars(spec)
        try:
            return dict(await self._call("POST", "proxies", body=body))
        except LinkServerError as error:
            if error.status != 409:
                raise
        return dict(await self._call("POST", "proxies", spec.name, body=body))

    async def open_links(self, links: Sequence[tuple[ProxySpec, Sequence[ToxicSpec]]]) -> None:
        """Create proxies that are not there yet, with their toxics, at once. Embedded server only.

        Status 409 where one is there; those before it are made.
        """
        for proxy, toxics in links:
            _refuse(proxy.problem())
            for toxic in toxics:
                _refuse(toxic.problem())
        body = [{**vars(proxy), "toxics": [t.body() for t in toxics]} for proxy, toxics in links]
        await self._call("POST", "links", body=body)

    async def set_enabled(self, name: str, on: bool) -> dict[str, Any]:
        """Let the proxy listen, or refuse connections and drop the present ones."""
        return dict(await self._call("POST", "proxies", name, body={"enabled": on}))

    async def delete(self, name: str) -> None:
        """Remove a proxy; it need not exist."""
        await self._delete("proxies", name)

    async def toxics(self, proxy: str) -> dict[str, dict[str, Any]]:
        """The toxics of a proxy by name."""
        return {
            toxic["name"]: toxic for toxic in await self._call("GET", "proxies", proxy, "toxics")
        }

    async def put_toxic(self, proxy: str, spec: ToxicSpec) -> dict[str, Any]:
        """Create the toxic, or give the existing one of that name these attributes."""
        _refuse(spec.problem())
        try:
            return dict(await self._call("POST", "proxies", proxy, "toxics", body=spec.body()))
        except LinkServerError as error:
            if error.status != 409:
                raise
        found = dict(await self._call("GET", "proxies", proxy, "toxics", spec.key))
        if (found["type"], found["stream"].lower()) != (spec.type, spec.stream):
            # Type and stream of a toxic cannot be changed.
            await self.remove_toxic(proxy, spec.key)
            return dict(await self._call("POST", "proxies", proxy, "toxics", body=spec.body()))
        _refuse(attributes_problem(spec.type, {**found["attributes"], **spec.attributes}))
        return dict(
            await self._call("POST", "proxies", proxy, "toxics", spec.key, body=spec.body())
        )

    async def remove_toxic(self, proxy: str, name: str) -> None:
        """Remove a toxic; it need not exist."""
        await self._delete("proxies", proxy, "toxics", name)

    async def reset(self) -> None:
        """Enable every proxy and remove every toxic."""
        await self._call("POST", "reset")

    async def reset_connections(self, proxy: str) -> int:
        """Break all connections of a proxy off with an RST. Only the embedded server can."""
        return int((await self._call("POST", "proxies", proxy, "reset"))["connections"])

    async def metrics(self) -> str:
        """The counters in Prometheus's text format; empty where the server keeps none."""
        try:
            return str(await self._call("GET", "metrics", text=True))
        except LinkServerError as error:
            if error.status == 404:
                return ""
            raise

    async def close(self) -> None:
        """Give the connections up. A later call opens new ones."""
        if self._session:
            await self._session.close()
            self._session = None

    async def _delete(self, *path: str) -> None:
        try:
            await self._call("DELETE", *path)
        except LinkServerError as error:
            if error.status != 404:
                raise

    async def _call(self, method: str, *path: str, body: object = None, text: bool = False) -> Any:
        if self._session is None:
            # trust_env stays off: a proxy of the user's has no business between us and loopback.
            self._session = aiohttp.ClientSession(timeout=self._timeout, headers=_HEADERS)
        url = "/".join((self.url, *(quote(part, safe="") for part in path)))
        try:
            async with self._session.request(method, URL(url, encoded=True), json=body) as response:
                status, answer = response.status, (await response.read()).decode("utf-8", "replace")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = str(error) or type(error).__name__
            raise LinkServerError(NO_ANSWER, f"no answer to {method} {url}: {reason}") from error
        if status >= 400:
            raise LinkServerError(status, _message(answer) or f"{method} {url} failed")
        if text or not answer:
            return answer
        try:
            return json.loads(answer)
        except ValueError as error:
            raise LinkServerError(status, f"{method} {url}: not JSON: {answer[:100]}") from error


def _refuse(problem: str | None) -> None:
    if problem:
        raise LinkServerError(400, problem)


def _message(answer: str) -> str:
    """Toxiproxy's message of an error; its content type is text, its body JSON."""
    try:
        return str(json.loads(answer)["error"])
    except (ValueError, KeyError, TypeError):
        return answer.strip()[:200]
