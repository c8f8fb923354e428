"""How a declared client connects and what goes before its session, read and checked.

Requests, the connection, a greeting in steps: what is done first is read first, so that a value can
be used from where it is taken on.
"""

from __future__ import annotations

from typing import Any

from sim.clients.declaration import Events, Opening, Poll, Request, Say, Socket, Step, Wait
from sim.clients.template import PLACEHOLDERS
from sim.scenario.driver_heard import OF_READY, Listening
from sim.scenario.driver_requests import ASKED, Requests, is_request
from sim.scenario.driver_said import Said
from sim.scenario.driver_words import IN_PYTHON, Words
from sim.suggestions import listed
from sim.topology.units import quoted

LINES = ("websocket", "events", "poll")
KEYS = ("before", *LINES, "headers", "subprotocol", "compression", "hello", "ready")
AT_OPENING = tuple(name for name in PLACEHOLDERS if name != "seq")

_STEPS = ("send", "wait")


class Openings:
    """Reads openings."""

    def __init__(self, words: Words, said: Said, heard: Listening, requests: Requests) -> None:
        self._words = words
        self._said = said
        self._heard = heard
        self._requests = requests

    def read(self, data: dict[str, Any], default: Opening, *path: str | int) -> Opening:
        """How to connect; what is left out is as in the default."""
        opening = Opening(
            before=self._before(data["before"], *path, "before")
            if "before" in data
            else default.before,
            line=self._line(data, default.line, *path),
            headers=self._said.headers(data["headers"], AT_OPENING, *path, "headers")
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
        if not isinstance(opening.line, Socket):
            self._one_way(opening, data, *path)
        return opening

    def _before(self, value: object, *path: str | int) -> tuple[Request, ...]:
        like = "requests, such as `- {post: /tickets, capture: {ticket: $.ticket}}`"
        items = self._words.list(value, like, *path)
        read = (self._requests.read(item, AT_OPENING, *path, i) for i, item in enumerate(items))
        return tuple(request for request in read if request is not None)

    # --- the connection ---

    def _line(
        self, data: dict[str, Any], default: Socket | Events | Poll, *path: str | int
    ) -> Socket | Events | Poll:
        """The way on which messages come back."""
        named = [key for key in LINES if key in data]
        if len(named) > 1:
            message = f"has {listed(named)}; messages come back one way; {IN_PYTHON}"
            self._words.problem(message, *path, named[1])
        if not named:
            return default
        value, path = data[named[0]], (*path, named[0])
        if named[0] == "websocket":
            return Socket(self._said.url_path(value, AT_OPENING, *path))
        if named[0] == "events":
            return Events(self._said.url_path(value, AT_OPENING, *path))
        return self._poll(value, *path) or default

    def _poll(self, value: object, *path: str | int) -> Poll | None:
        """A path to get, or a request with how often it is made."""
        if isinstance(value, str):
            return Poll(Request("GET", self._said.url_path(value, AT_OPENING, *path)))
        data = self._words.mapping(value, *path)
        keys = (*ASKED, "every", "each")
        request = data and self._requests.read(data, AT_OPENING, *path, keys=keys)
        if not data or not request:
            return None
        return Poll(
            request=request,
            every_s=self._words.duration(data, "every", 0.0, *path),
            each=self._heard.json_path(data["each"], *path, "each") if "each" in data else None,
        )

    def _one_way(self, opening: Opening, data: dict[str, Any], *path: str | int) -> None:
        """What only a WebSocket has, and what polling needs."""
        words = self._words
        for key in ("subprotocol", "compression"):
            if key in data:
                words.problem("is of WebSockets alone; leave it out", *path, key)
        for i, step in enumerate(opening.hello):
            if isinstance(step, Say) and not isinstance(step.what, Request):
                at = ("hello", i) if isinstance(data.get("hello"), list) else ("hello",)
                words.problem(ONE_WAY, *path, *at)
        if isinstance(opening.line, Poll) and not opening.before:
            message = "is missing; `poll` needs a request before it, whose answer says who serves"
            words.problem(message, *path, "before")

    def _subprotocols(self, value: object, *path: str | int) -> tuple[str, ...]:
        """One, or several of which the gateway chooses."""
        names = value if isinstance(value, list) else [value]
        texts = [self._words.text(name, *path) for name in names]
        return tuple(text for text in texts if text is not None)

    # --- the greeting ---

    def _hello(self, value: object, *path: str | int) -> tuple[Step, ...]:
        """A message, or a list of steps."""
        if value is None:
            return ()
        if not isinstance(value, list):
            return (Say(self._said.template(value, AT_OPENING, *path)),)
        read = (self._step(item, *path, i) for i, item in enumerate(value))
        return tuple(step for step in read if step is not None)

    def _step(self, value: object, *path: str | int) -> Step | None:
        kind = next(iter(value)) if isinstance(value, dict) and len(value) == 1 else None
        if not isinstance(value, dict) or kind not in _STEPS:
            means = "a step is `{send: …}` or `{wait: …}`; `hello: {json: […]}` sends a JSON list"
            self._words.problem(f"found {quoted(value)}; {means}; {IN_PYTHON}", *path)
            return None
        if kind == "wait":
            names = ("found", "session")
            reply = self._heard.reply(value["wait"] or {}, names, *path, "wait", takes=True)
            return Wait(reply) if reply else None
        if is_request(value["send"]):
            request = self._requests.read(value["send"], AT_OPENING, *path, "send")
            return Say(request) if request else None
        return Say(self._said.template(value["send"], AT_OPENING, *path, "send"))


ONE_WAY = (
    "nothing can be said on this connection, which only brings messages;"
    " write it as a request: `{post: PATH, body: …}`"
)
