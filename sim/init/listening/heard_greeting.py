"""What comes before a session stands: the greeting, its answer, and the names in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sim.init.listening.heard_numbering import Numbering, Spoken
from sim.init.listening.leaves import (
    Place,
    json_path,
    keeps_alive,
    leaves,
    parsed,
    replaced,
    sendable,
    tags,
)
from sim.init.listening.transcript import Connection

_SESSION = re.compile(r"(?i)session|room|conversation|^sid$")
_NAME = re.compile(r"(?i)session|room|conversation|^s?id$|client|conn|resume")
_ACKED = re.compile(r"(?i)ack|last|seen|seq|offset|position|cursor")


@dataclass(frozen=True)
class Greeting:
    """The messages before the first that counts.

    `session` is where the gateway names the session, `values` what texts of this session stand for.
    """

    hello: tuple[Spoken, ...] = ()
    ready: Any | None = None
    session: Place | None = None
    acked: Place | None = None
    values: dict[str, str] = field(default_factory=dict)

    def document(self, values: Mapping[str, str]) -> dict[str, Any]:
        """The keys `hello` and `ready`."""
        document: dict[str, Any] = {}
        if self.hello:
            document["hello"] = _steps(self.hello, values)
        if self.ready is not None:
            document["ready"] = self._ready()
        return document

    def _ready(self) -> Any:
        if not isinstance(self.ready, dict):
            return f"^{re.escape(str(self.ready)[:12])}"
        first = next(iter(self.ready))
        ready: dict[str, Any] = {"match": tags(self.ready)}
        if not ready["match"] and self.session is None:
            ready["match"] = {first: self.ready[first]}
        if self.session is not None:
            ready["session"] = json_path(self.session)
        if self.acked is not None:
            ready["acked"] = json_path(self.acked)
        return ready if ready["match"] else {k: v for k, v in ready.items() if k != "match"}

    def resumption(self, later: Sequence[Connection], values: Mapping[str, str]) -> dict[str, Any]:
        """The key `resume`, where a later connection names this one's session again."""
        names = [text for text, placeholder in values.items() if placeholder == "{session}"]
        for connection in later:
            client = [m for m in connection.messages if m.by == "client"]
            first = parsed(client[0]) if client else None
            if any(name in str(first) for name in names):
                return {"resume": {"hello": sendable(_without(first, values))}}
            if any(name in connection.path for name in names) and self.session:
                return {"resume": {"websocket": _text(connection.path, values)}}
        return {}


def find_greeting(
    spoken: Sequence[Spoken], numbering: Numbering, first: Connection, later: Sequence[Connection]
) -> Greeting:
    """What was said before the first message that counts, and the session's name in it."""
    before = [(by, value) for by, value in spoken[: numbering.first] if not keeps_alive(value)]
    heard = [value for by, value in before if by == "gateway"]
    ready = heard[-1] if heard else None
    hello = tuple(before)
    while hello and hello[-1][0] == "gateway":
        hello = hello[:-1]
    if not any(by == "client" for by, _ in hello):
        hello = ()
    values, session = _session(ready, first, later)
    return Greeting(hello, ready, session, _acked(ready), values)


def _session(
    ready: Any, first: Connection, later: Sequence[Connection]
) -> tuple[dict[str, str], Place | None]:
    """A name that the gateway gives, or that the client chose and the gateway repeats."""
    given = dict(parse_qsl(urlsplit(first.path).query))
    again = "\n".join(
        text
        for c in later
        for text in (c.path, *(str(m.data) for m in c.messages if m.by == "client"))
    )
    mine = "\n".join(str(m.data) for m in first.messages if m.by == "client")
    best: tuple[int, Place, str] | None = None
    for place, value in leaves(ready) if isinstance(ready, dict) else ():
        if (
            not isinstance(value, str)
            or len(value) < 4
            or not place
            or value in tags(ready).values()
        ):
            continue
        key = str(place[-1])
        rank = 0
        rank += 4 if value in again and len(value) >= 6 else 0
        rank += 3 if value in given.values() and _NAME.search(key) else 0
        rank += 2 if _SESSION.search(key) else 0
        rank += 1 if value in mine and _NAME.search(key) and len(value) >= 6 else 0
        if rank and (best is None or rank > best[0]):
            best = (rank, place, value)
    return ({best[2]: "{session}"}, best[1]) if best else ({}, None)


def _acked(ready: Any) -> Place | None:
    numbers = leaves(ready) if isinstance(ready, dict) else ()
    return next(
        (
            place
            for place, value in numbers
            if isinstance(value, int)
            and not isinstance(value, bool)
            and _ACKED.search(str(place[-1]))
        ),
        None,
    )


def _steps(hello: Sequence[Spoken], values: Mapping[str, str]) -> Any:
    if len(hello) == 1:
        return sendable(_without(hello[0][1], values))
    steps: list[Any] = []
    for by, value in hello:
        if by == "client":
            steps.append({"send": sendable(_without(value, values))})
        elif isinstance(value, dict):
            steps.append(
                {"wait": {"match": tags(value) or {next(iter(value)): value[next(iter(value))]}}}
            )
        else:
            steps.append({"wait": f"^{re.escape(str(value)[:12])}"})
    return steps


def _without(message: Any, values: Mapping[str, str]) -> Any:
    return replaced(message, lambda _, value: _text(value, values))


def _text(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for text, placeholder in values.items():
            value = value.replace(text, placeholder)
    return value
