"""How a declared client connects and what goes before its session, read and checked.

Requests, the handshake, a greeting in steps: what is done first is read first, so that a value can
be used from where it is taken on.
"""

from __future__ import annotations

from typing import Any

from sim.clients.declaration import Opening, Request, Say, Step, Wait
from sim.clients.reply import Source
from sim.clients.template import PLACEHOLDERS
from sim.scenario.driver_heard import OF_READY, Listening
from sim.scenario.driver_said import Said
from sim.scenario.driver_words import IN_PYTHON, Words
from sim.topology.problems import listed
from sim.topology.units import quoted

KEYS = ("before", "websocket", "headers", "subprotocol", "compression", "hello", "ready")
AT_OPENING = tuple(name for name in PLACEHOLDERS if name != "seq")

_METHODS = ("get", "post", "put", "patch", "delete")
_REQUEST = ("headers", "body", "expect", "capture")
_STEPS = ("send", "wait")


class Openings:
    """Reads openings."""

    def __init__(self, words: Words, said: Said, heard: Listening) -> None:
        self._words = words
        self._said = said
        self._heard = heard

    def read(self, data: dict[str, Any], default: Opening, *path: str | int) -> Opening:
        """How to connect; what is left out is as in the default."""
        said = self._said
        return Opening(
            before=self._before(data["before"], *path, "before")
            if "before" in data
            else default.before,
            websocket=said.url_path(data["websocket"], AT_OPENING, *path, "websocket")
            if "websocket" in data
            else default.websocket,
            headers=said.headers(data["headers"], AT_OPENING, *path, "headers")
            if "headers" in data
            else default.headers,
            subprotocols=self._subprotocols(data["subprotocol"], *path, "subprotocol")
            if "subprotocol" in data
            else default.subprotocols,
            compression=self._words.switch(data["compression"], *path, "compression")
            if "compression" in data
            else default.compression,
            hello=self._hello(data["hello"], *path, "hello") if "hello" in data else default.hello,
            ready=self._heard.reply(data["ready"], OF_READY, *path, "ready", takes=True)
            if "ready" in data
            else default.ready,
        )

    def _before(self, value: object, *path: str | int) -> tuple[Request, ...]:
        like = "requests, such as `- {post: /tickets, capture: {ticket: $.ticket}}`"
        items = self._words.list(value, like, *path)
        read = (self._request(item, *path, i) for i, item in enumerate(items))
        return tuple(request for request in read if request is not None)

    def _request(self, value: object, *path: str | int) -> Request | None:
        words = self._words
        data = words.mapping(value, *path)
        if data is None:
            return None
        methods = [method for method in _METHODS if method in data]
        if len(methods) != 1:
            message = f"must have one of {listed(_METHODS, 'or')}, with a path; {IN_PYTHON}"
            words.problem(message, *path)
            return None
        (method,) = methods
        words.unknown_keys(data, (method, *_REQUEST), *path)
        return Request(
            method=method.upper(),
            path=self._said.url_path(data[method], AT_OPENING, *path, method),
            headers=self._said.headers(data.get("headers", {}), AT_OPENING, *path, "headers"),
            body=self._said.template(data["body"], AT_OPENING, *path, "body")
            if "body" in data
            else None,
            expect=self._status(data.get("expect"), *path, "expect"),
            capture=self._capture(data.get("capture", {}), *path, "capture"),
        )

    def _capture(self, value: object, *path: str | int) -> dict[str, Source]:
        """Where in an answer which values are; `session` names the session."""
        found = {}
        for name, where in (self._words.mapping(value, *path) or {}).items():
            if name != "session":
                self._heard.take(name, *path, name)
            source = self._heard.source(where, *path, name)
            if source is not None:
                found[name] = source
        return found

    def _status(self, value: object, *path: str | int) -> int | None:
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599:
            return value
        self._words.problem(f"found {quoted(value)}; must be a status, such as `201`", *path)
        return None

    def _subprotocols(self, value: object, *path: str | int) -> tuple[str, ...]:
        """One, or several of which the gateway chooses."""
        names = value if isinstance(value, list) else [value]
        texts = [self._words.text(name, *path) for name in names]
        return tuple(text for text in texts if text is not None)

    def _hello(self, value: object, *path: str | int) -> tuple[Step, ...]:
        """A message, or a list of steps."""
        if value is None:
            return ()
        if not isinstance(value, list):
            return (Say(self._said.template(value, AT_OPENING, *path)),)
        read = (self._step(item, *path, i) for i, item in enumerate(value))
        return tuple(step for step in read if step is not None)

    def _step(self, value: object, *path: str | int) -> Step | None:
        words = self._words
        kind = next(iter(value)) if isinstance(value, dict) and len(value) == 1 else None
        if not isinstance(value, dict) or kind not in _STEPS:
            means = "a step is `{send: …}` or `{wait: …}`; `hello: {json: […]}` sends a JSON list"
            words.problem(f"found {quoted(value)}; {means}; {IN_PYTHON}", *path)
            return None
        if kind == "send":
            return Say(self._said.template(value["send"], AT_OPENING, *path, "send"))
        reply = self._heard.reply(value["wait"] or {}, ("session",), *path, "wait", takes=True)
        return Wait(reply) if reply else None
