"""The proxies of a server by name: what each request of the API does to them.

Names are resolved before anything is touched; the rest of an operation has no await in it and is
therefore whole for every other request.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sim.network.embedded import go_addresses
from sim.network.embedded.go_addresses import AddressError
from sim.network.embedded.pipe import Engine
from sim.network.embedded.proxied_connection import Options
from sim.network.embedded.proxy import Applied, Proxy
from sim.network.embedded.toxics import TOXICS, attributes_problem
from sim.network.link_spec import Stream
from sim.rng import Rng


class ApiError(Exception):
    """A request that cannot be done: HTTP status and Toxiproxy's message."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


@dataclass(frozen=True)
class Wanted:
    """A proxy as a request describes it."""

    name: str
    listen: str
    upstream: str
    enabled: bool = True
    options: Options = field(default_factory=Options)


class Collection:
    """Every proxy of a server."""

    def __init__(self, engine: Engine, rng: Rng) -> None:
        self._engine = engine
        self._rng = rng
        self._proxies: dict[str, Proxy] = {}

    def all(self) -> list[Proxy]:
        """The proxies in the order of their creation."""
        return list(self._proxies.values())

    def get(self, name: str) -> Proxy:
        """The proxy of that name. Raises ApiError 404."""
        proxy = self._proxies.get(name)
        if proxy is None:
            raise ApiError(404, "proxy not found")
        return proxy

    async def create(self, wanted: Wanted) -> Proxy:
        """Add a proxy. Raises ApiError 409 or 500; then nothing has changed."""
        where = await _place(wanted, "listen tcp: ") if self._is_free(wanted) else None
        if not self._is_free(wanted):  # someone else's request may have come in between
            raise ApiError(409, "proxy already exists")
        return self._add(wanted, where)

    def _is_free(self, wanted: Wanted) -> bool:
        return wanted.name not in self._proxies

    def _add(self, wanted: Wanted, where: tuple[str, int] | None) -> Proxy:
        rng = self._rng.fork(wanted.name)
        proxy = Proxy(self._engine, rng, wanted.name, wanted.listen, wanted.upstream)
        proxy.options = wanted.options
        if where:
            _bind(proxy, where)
        self._proxies[wanted.name] = proxy
        return proxy

    async def update(
        self, name: str, listen: str | None, upstream: str | None, enabled: bool | None
    ) -> Proxy:
        """Change a proxy. Raises ApiError; then it is as it was.

        Another `listen` or `upstream` ends its connections; the same ones do not.
        """
        proxy = self.get(name)
        wanted = Wanted(
            name,
            proxy.listen if listen is None else listen,
            proxy.upstream if upstream is None else upstream,
            proxy.enabled if enabled is None else enabled,
        )
        where = await _place(wanted, "")
        if self._proxies.get(name) is not proxy:
            raise ApiError(404, "proxy not found")
        moved = where is not None and go_addresses.join(*where) != proxy.listen
        if wanted.enabled and (moved or not proxy.enabled):
            _rebind(proxy, where)
        if moved or wanted.upstream != proxy.upstream:
            proxy.drop_connections()
        if not wanted.enabled:
            proxy.stop()
            if moved:
                proxy.listen = wanted.listen
        proxy.upstream = wanted.upstream
        return proxy

    async def populate(self, entries: list[Wanted]) -> list[Proxy]:
        """Create what is new and replace what differs, in order.

        Raises PopulateError with the proxies that were done before the first failure.
        """
        done: list[Proxy] = []
        for wanted in entries:
            try:
                done.append(await self._populate_one(wanted))
            except ApiError as error:
                raise PopulateError(error, done) from error
        return done

    async def _populate_one(self, wanted: Wanted) -> Proxy:
        old = self._proxies.get(wanted.name)
        if old is None:
            return await self.create(wanted)
        where = await _place(Wanted(wanted.name, wanted.listen, wanted.upstream), "")
        same_place = wanted.listen == old.listen or (
            where and go_addresses.join(*where) == old.listen
        )
        if same_place and wanted.upstream == old.upstream:
            return old
        old.stop()
        return self._add(wanted, where if wanted.enabled else None)

    def delete(self, name: str) -> None:
        """Remove a proxy and end its connections. Raises ApiError 404."""
        self.get(name).stop()
        del self._proxies[name]

    async def reset(self) -> None:
        """Enable every proxy and remove every toxic. Raises ApiError 500."""
        failures: list[ApiError] = []
        for proxy in self.all():
            try:
                await self.update(proxy.name, None, None, enabled=True)
            except ApiError as error:
                failures.append(error)
            proxy.remove_toxics(list(proxy.toxics))
        if failures:
            raise failures[0]

    def close(self) -> None:
        """Stop and forget everything."""
        for proxy in self.all():
            proxy.stop()
        self._proxies.clear()


class PopulateError(ApiError):
    """Populating stopped at the first failure; `done` stays."""

    def __init__(self, error: ApiError, done: list[Proxy]) -> None:
        self.done = done
        super().__init__(error.status, str(error))


async def _place(wanted: Wanted, prefix: str) -> tuple[str, int] | None:
    """Where an enabled proxy is to listen; None for a disabled one, which is not checked."""
    if not wanted.enabled:
        return None
    try:
        host, port = go_addresses.split(wanted.listen or ":0")
        hosts = await go_addresses.resolve(host)
    except AddressError as error:
        raise ApiError(500, f"{prefix}{error}") from error
    return hosts[0], port


def _bind(proxy: Proxy, where: tuple[str, int]) -> None:
    try:
        proxy.bind(*where)
    except AddressError as error:
        raise ApiError(500, str(error)) from error


def _rebind(proxy: Proxy, where: tuple[str, int] | None) -> None:
    """Listen elsewhere, or go on listening where it was if that cannot be."""
    if where is None:
        return
    was = go_addresses.split(proxy.listen) if proxy.enabled else None
    proxy.unbind()
    try:
        _bind(proxy, where)
    except ApiError:
        if was:
            _bind(proxy, was)
        raise


def add_toxic(proxy: Proxy, body: dict[str, Any], attributes: dict[str, int]) -> Applied:
    """Create a toxic from a checked request. Raises ApiError."""
    toxic = TOXICS[body["type"]]().merged(attributes)
    _refuse_dangerous(toxic.kind, {name: getattr(toxic, name) for name in toxic.units()})
    stream: Stream = "upstream" if body["stream"].lower() == "upstream" else "downstream"
    applied = Applied(body["name"], stream, body["stream"], body["toxicity"], toxic)
    proxy.add_toxic(applied)
    return applied


def update_toxic(
    proxy: Proxy, applied: Applied, attributes: dict[str, int], toxicity: float
) -> None:
    """Change some attributes of a toxic. Raises ApiError; then nothing has changed."""
    toxic = applied.toxic.merged(attributes)
    _refuse_dangerous(toxic.kind, {name: getattr(toxic, name) for name in toxic.units()})
    proxy.update_toxic(applied, toxic, toxicity)


def _refuse_dangerous(kind: str, attributes: dict[str, int]) -> None:
    problem = attributes_problem(kind, attributes)
    if problem:
        raise ApiError(400, f"bad request body: {problem}")
