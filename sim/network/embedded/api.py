"""Toxiproxy's HTTP API: routes, status codes, bodies and messages.

Added to it: `POST /proxies/{name}/reset` breaks all connections of one proxy off with an RST,
`POST /links` makes many proxies with their toxics, `/metrics` counts live connections too and is
always there, and a proxy has `half_close`, `buffer_bytes` and `segment_bytes`.
"""

from __future__ import annotations

import json
import posixpath
import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

from aiohttp import web

from sim.network.embedded import gojson, metrics
from sim.network.embedded.collection import (
    ApiError,
    Collection,
    PopulateError,
    Wanted,
    add_toxic,
    update_toxic,
)
from sim.network.embedded.gojson import BodyError
from sim.network.embedded.pipe import LEAST_BUFFER_BYTES, MOST_BUFFER_BYTES
from sim.network.embedded.proxied_connection import Options
from sim.network.embedded.proxy import Applied, Proxy
from sim.network.embedded.toxics import TOXICS, Toxic
from sim.streams.buffers import LEAST_SEGMENT_BYTES, MOST_SEGMENT_BYTES
from sim.streams.silence import has_filters

VERSION = "2.12.0+embedded"
_SIZES = {
    "buffer_bytes": (LEAST_BUFFER_BYTES, MOST_BUFFER_BYTES),
    "segment_bytes": (LEAST_SEGMENT_BYTES, MOST_SEGMENT_BYTES),
}

Handler = Callable[..., Awaitable[web.Response]]


def _json(value: Any, status: int = 200, content_type: str = "application/json") -> web.Response:
    body = json.dumps(value, ensure_ascii=False).encode()
    return web.Response(body=body, status=status, headers={"Content-Type": content_type})


def _error(status: int, message: str) -> web.Response:
    body = json.dumps({"error": message, "status": status}, ensure_ascii=False) + "\n"
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(body=body.encode(), status=status, headers=headers)


class Api:
    """Answers requests by acting on a collection of proxies."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        proxy, toxic = "/proxies/(?P<proxy>[^/]+)", "/toxics/(?P<toxic>[^/]+)"
        routes: list[tuple[str, dict[str, Handler]]] = [
            ("/version", {"GET": self._version}),
            ("/metrics", {"*": self._metrics}),
            ("/reset", {"POST": self._reset}),
            ("/populate", {"POST": self._populate}),
            ("/links", {"POST": self._open_links}),
            ("/proxies", {"GET": self._list, "POST": self._create}),
            (proxy, {"GET": self._show, "POST": self._update, "PATCH": self._update,
                     "DELETE": self._delete}),
            (f"{proxy}/reset", {"POST": self._reset_connections}),
            (f"{proxy}/toxics", {"GET": self._list_toxics, "POST": self._create_toxic}),
            (f"{proxy}{toxic}", {"GET": self._show_toxic, "POST": self._update_toxic,
                                 "PATCH": self._update_toxic, "DELETE": self._delete_toxic}),
        ]  # fmt: skip
        self._routes = [(re.compile(path), methods) for path, methods in routes]

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """The answer to any request, never an exception."""
        path = unquote(request.raw_path.partition("?")[0], errors="replace")
        clean = posixpath.normpath("/" + path.lstrip("/"))
        if path.endswith("/") and clean != "/":
            clean += "/"
        if path != clean and path.startswith("/"):
            return web.Response(status=301, headers={"Location": quote(clean)})
        for pattern, methods in self._routes:
            match = pattern.fullmatch(path)
            if match:
                response = await self._matched(request, methods, match.groupdict())
                response.headers["X-Toxiproxy-Request-Id"] = uuid.uuid4().hex[:20]
                return response
        return web.Response(status=404, text="404 page not found\n")

    async def _matched(
        self, request: web.BaseRequest, methods: dict[str, Handler], names: dict[str, str]
    ) -> web.Response:
        handler = methods.get(request.method) or methods.get("*")
        if handler is None:
            return web.Response(status=405)
        if request.headers.get("User-Agent", "").startswith("Mozilla/"):
            # A page in a browser must not be able to drive the proxies of its reader's machine.
            return web.Response(status=403, text="User agent not allowed\n")
        try:
            return await handler(request, **names)
        except BodyError as error:
            return _error(400, f"bad request body: {error}")
        except ApiError as error:
            return _error(error.status, str(error))
        except web.HTTPRequestEntityTooLarge:
            return _error(413, "request body too large")

    # --- the server --------------------------------------------------------------------------

    async def _version(self, _: web.BaseRequest) -> web.Response:
        silence = "tcp" if has_filters() else "connect"
        body = json.dumps({"version": VERSION, "silence": silence}) + "\n"
        headers = {"Content-Type": "application/json;charset=utf-8"}
        return web.Response(body=body.encode(), headers=headers)

    async def _metrics(self, _: web.BaseRequest) -> web.Response:
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=metrics.text(self._collection.all()).encode(), headers=headers)

    async def _reset(self, _: web.BaseRequest) -> web.Response:
        await self._collection.reset()
        return web.Response(status=204)

    async def _populate(self, request: web.BaseRequest) -> web.Response:
        try:
            entries = _wanted_list(gojson.first_value(await request.read()))
            done = await self._collection.populate(entries)
        except (BodyError, ApiError) as error:
            status = error.status if isinstance(error, ApiError) else 400
            message = str(error) if isinstance(error, ApiError) else f"bad request body: {error}"
            finished = error.done if isinstance(error, PopulateError) else []
            bodies = [proxy.body() for proxy in finished] or None
            return _json({"error": message, "status": status, "proxies": bodies}, status)
        return _json({"proxies": [proxy.body() for proxy in done] or None}, 201)

    async def _open_links(self, request: web.BaseRequest) -> web.Response:
        """Proxies that are not there yet, each enabled once its toxics are on it."""
        value = gojson.first_value(await request.read())
        for wanted, entry in zip(_wanted_list(value), value or [], strict=True):
            proxy = await self._collection.create(replace(wanted, enabled=False))
            for toxic in entry.get("toxics") or []:
                _new_toxic(proxy, toxic)
            await self._collection.update(proxy.name, None, None, wanted.enabled)
        return web.Response(status=204)

    # --- proxies -----------------------------------------------------------------------------

    async def _list(self, _: web.BaseRequest) -> web.Response:
        return _json({proxy.name: proxy.body() for proxy in self._collection.all()})

    async def _create(self, request: web.BaseRequest) -> web.Response:
        wanted = _wanted(gojson.first_value(await request.read()), "")
        return _json((await self._collection.create(wanted)).body(), 201)

    async def _show(self, _: web.BaseRequest, proxy: str) -> web.Response:
        return _json(self._collection.get(proxy).body())

    async def _update(self, request: web.BaseRequest, proxy: str) -> web.Response:
        found = self._collection.get(proxy)
        value = gojson.first_value(await request.read())
        values = gojson.fields(value, "toxiproxy.Proxy", "listen", "upstream", "enabled")
        listen = gojson.string(values, "listen", "") if "listen" in values else None
        upstream = gojson.string(values, "upstream", "") if "upstream" in values else None
        enabled = gojson.boolean(values, "enabled", default=found.enabled)
        options = _options(value, found.options)
        updated = await self._collection.update(proxy, listen, upstream, enabled)
        updated.options = options
        return _json(updated.body())

    async def _delete(self, _: web.BaseRequest, proxy: str) -> web.Response:
        self._collection.delete(proxy)
        return web.Response(status=204)

    async def _reset_connections(self, _: web.BaseRequest, proxy: str) -> web.Response:
        return _json({"connections": self._collection.get(proxy).drop_connections(reset=True)})

    # --- toxics ------------------------------------------------------------------------------

    async def _list_toxics(self, _: web.BaseRequest, proxy: str) -> web.Response:
        return _json(self._collection.get(proxy).body()["toxics"])

    async def _create_toxic(self, request: web.BaseRequest, proxy: str) -> web.Response:
        self._collection.get(proxy)
        value = gojson.first_value(await request.read())
        found = self._collection.get(proxy)  # it may have gone while the body came in
        return _json(_new_toxic(found, value).body())

    async def _show_toxic(self, _: web.BaseRequest, proxy: str, toxic: str) -> web.Response:
        return _json(_find_toxic(self._collection.get(proxy), toxic).body())

    async def _update_toxic(self, request: web.BaseRequest, proxy: str, toxic: str) -> web.Response:
        _find_toxic(self._collection.get(proxy), toxic)
        value = gojson.first_value(await request.read())
        found = self._collection.get(proxy)
        applied = _find_toxic(found, toxic)
        values = gojson.fields(value, "toxiproxy.Toxic", "toxicity", "attributes")
        toxicity = gojson.number(values, "toxicity", applied.toxicity)
        update_toxic(found, applied, _attributes(type(applied.toxic), values), toxicity)
        return _json(applied.body())

    async def _delete_toxic(self, _: web.BaseRequest, proxy: str, toxic: str) -> web.Response:
        found = self._collection.get(proxy)
        found.remove_toxics([_find_toxic(found, toxic)])
        return web.Response(status=204)


def _new_toxic(proxy: Proxy, value: Any) -> Applied:
    names = ("name", "type", "stream", "toxicity", "attributes")
    values = gojson.fields(value, "toxiproxy.Toxic", *names)
    stream = gojson.string(values, "stream", "downstream")
    kind = gojson.string(values, "type", "")
    toxicity = gojson.number(values, "toxicity", 1)
    name = gojson.string(values, "name", "") or f"{kind}_{stream}"
    if stream.lower() not in {"upstream", "downstream"}:
        raise ApiError(400, "stream was invalid, can be either upstream or downstream")
    if kind not in TOXICS:
        raise ApiError(400, "invalid toxic type")
    if proxy.find_toxic(name):
        raise ApiError(409, "toxic already exists")
    body = {"name": name, "type": kind, "stream": stream, "toxicity": toxicity}
    return add_toxic(proxy, body, _attributes(TOXICS[kind], values))


def _find_toxic(proxy: Proxy, name: str) -> Applied:
    applied = proxy.find_toxic(name)
    if applied is None:
        raise ApiError(404, "toxic not found")
    return applied


def _attributes(cls: type[Toxic], values: dict[str, Any]) -> dict[str, int]:
    found = gojson.fields(values.get("attributes"), "toxics.Toxic", *cls.units())
    return {name: gojson.integer(found, name) for name in found}


def _wanted(value: Any, where: str) -> Wanted:
    values = gojson.fields(value, "toxiproxy.Proxy", "name", "listen", "upstream", "enabled")
    wanted = Wanted(
        name=gojson.string(values, "name", ""),
        listen=gojson.string(values, "listen", ""),
        upstream=gojson.string(values, "upstream", ""),
        enabled=gojson.boolean(values, "enabled", default=True),
        options=_options(value, Options()),
    )
    for field in ("name", "upstream"):
        if not getattr(wanted, field):
            raise ApiError(400, f"missing required field: {field}{where}")
    return wanted


def _options(value: Any, present: Options) -> Options:
    """What a request says of a proxy's connections, beyond what a stock Toxiproxy knows."""
    values = gojson.fields(value, "toxiproxy.Proxy", *vars(present))
    given = {name: gojson.integer(values, name) for name in _SIZES if name in values}
    for name, size in given.items():
        least, most = _SIZES[name]
        if not least <= size <= most and size != getattr(Options(), name):
            raise ApiError(400, f"bad request body: {name} must be {least} to {most}")
    half_close = gojson.boolean(values, "half_close", default=present.half_close)
    return replace(present, half_close=half_close, **given)


def _wanted_list(value: Any) -> list[Wanted]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise BodyError("json: cannot unmarshal a value that is no array into []toxiproxy.Proxy")
    return [_wanted(entry, f" at proxy {number}") for number, entry in enumerate(value, 1)]
