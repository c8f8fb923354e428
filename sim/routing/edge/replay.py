"""fly-replay: a machine answers that somebody else should have the request. Pure.

It says so in the header `fly-replay`, whose fields are `;`-separated `key=value` pairs, or in a
JSON body of the type below. Source: Fly.io's "Dynamic Request Routing".
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import h11

from sim.routing.edge.constraints import in_order
from sim.routing.machine_choice import Constraints, MachineView
from sim.streams.http.fields import Headers, values
from sim.topology.units import parse_duration

MAX_REPLAYS = 10
MAX_JSON = 64 * 1024
JSON_TYPE = b"application/vnd.fly.replay+json"

Fallback = Literal["force_self", "prefer_self"]
_FIELDS = frozenset(
    {"region", "instance", "prefer_instance", "app", "state", "elsewhere", "timeout", "fallback"}
)
# A replayed request is framed as the client framed it.
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "upgrade", "host"})
_PAIR = re.compile(r'\s*([\w-]+)\s*=\s*(?:"([^"]*)"|([^;"]*?))\s*(?:;|$)')


class InvalidReplayError(ValueError):
    """A machine asked for a replay in words that mean nothing."""


@dataclass(frozen=True)
class Directive:
    """What a machine asks for. `elsewhere`: anywhere but at the machine that says so."""

    regions: tuple[str, ...] = ()
    instance: str | None = None
    prefer_instance: str | None = None
    app: str | None = None
    state: str | None = None
    elsewhere: bool = False
    timeout_s: float | None = None
    fallback: Fallback | None = None
    path: str | None = None
    delete_headers: tuple[str, ...] = ()
    set_headers: tuple[tuple[str, str], ...] = ()

    def constraints(self, answering: MachineView, regions: Collection[str]) -> Constraints:
        """Where it sends the request. A region is a force: only `any` in its list lets it go on."""
        return Constraints(
            regions=in_order(self.regions, regions) if self.regions else None,
            preferred=self.prefer_instance,
            forced=self.instance,
            never=frozenset({answering.id} if self.elsewhere else ()),
        )

    def transformed(self, request: h11.Request) -> h11.Request:
        """The request as the target gets it. Raises InvalidReplayError."""
        dropped = {name.lower().encode() for name in self.delete_headers}
        dropped |= {name.lower().encode() for name, _ in self.set_headers}
        kept = [(k, v) for k, v in request.headers.raw_items() if k.lower() not in dropped]
        kept += [(name.encode(), value.encode()) for name, value in self.set_headers]
        target = self.path.encode() if self.path else request.target
        try:
            return h11.Request(method=request.method, target=target, headers=kept)
        except h11.LocalProtocolError as error:
            raise InvalidReplayError(str(error)) from error


def is_header(fields: Headers) -> bool:
    """Whether an answer has the header form."""
    return any(key.lower() == b"fly-replay" for key, _ in fields)


def is_json(fields: Headers) -> bool:
    """Whether an answer has the JSON form."""
    return any(kind.partition(b";")[0] == JSON_TYPE for kind in values(fields, b"content-type"))


def in_header(fields: Headers) -> Directive:
    """What an answer's header asks for. Raises InvalidReplayError."""
    text = next(value for key, value in fields if key.lower() == b"fly-replay").decode("latin-1")
    found: dict[str, Any] = {}
    at = 0
    while at < len(text.rstrip()):
        match = _PAIR.match(text, at)
        if not match:
            raise InvalidReplayError(f"cannot read `{text[at:]}`")
        quoted, plain = match[2], match[3]
        found[match[1]] = plain if quoted is None else quoted
        at = match.end()
    return _directive(found)


def in_json(body: bytes) -> Directive:
    """What a JSON answer asks for. Raises InvalidReplayError."""
    try:
        data = json.loads(body)
    except ValueError as error:
        raise InvalidReplayError(f"not JSON: {error}") from error
    if not isinstance(data, dict):
        raise InvalidReplayError("not a JSON object")
    transform = data.pop("transform", None) or {}
    for key in ("cache", "allow_bypass"):  # the replay cache is not simulated: nothing is kept
        data.pop(key, None)
    if not isinstance(transform, dict):
        raise InvalidReplayError("`transform` is no object")
    return _directive(data, transform)


def _directive(data: Mapping[str, Any], transform: Mapping[str, Any] | None = None) -> Directive:
    if unknown := sorted(set(data) - _FIELDS):
        raise InvalidReplayError(f"unknown field `{unknown[0]}`")
    if not data:
        raise InvalidReplayError("it says nothing")
    texts = {key: value for key, value in data.items() if key != "elsewhere"}
    if wrong := [key for key, value in texts.items() if not isinstance(value, str) or not value]:
        raise InvalidReplayError(f"`{wrong[0]}` is no text")
    fallback = texts.get("fallback")
    if fallback not in {None, "force_self", "prefer_self"}:
        raise InvalidReplayError(f"`fallback={fallback}`; allowed: force_self, prefer_self")
    regions = (name.strip().lower() for name in texts.get("region", "").split(","))
    path, removed, added = _transform(transform or {})
    return Directive(
        regions=tuple(name for name in regions if name),
        instance=texts.get("instance"),
        prefer_instance=texts.get("prefer_instance"),
        app=texts.get("app"),
        state=texts.get("state"),
        elsewhere=data.get("elsewhere") in {True, "true"},
        timeout_s=_seconds(texts["timeout"]) if "timeout" in texts else None,
        fallback=cast("Fallback | None", fallback),
        path=path,
        delete_headers=removed,
        set_headers=added,
    )


def _transform(
    transform: Mapping[str, Any],
) -> tuple[str | None, tuple[str, ...], tuple[tuple[str, str], ...]]:
    path = transform.get("path")
    if path is not None and not (isinstance(path, str) and re.fullmatch(r"/[!-~]*", path)):
        raise InvalidReplayError("`transform.path` is no path")
    removed = transform.get("delete_headers") or []
    added = transform.get("set_headers") or []
    try:
        names = tuple(str(name) for name in removed)
        pairs = tuple((str(field["name"]), str(field["value"])) for field in added)
    except (TypeError, KeyError) as error:
        raise InvalidReplayError("`transform` has headers without name or value") from error
    if framing := {name.lower() for name in (*names, *(n for n, _ in pairs))} & _FRAMING:
        raise InvalidReplayError(f"`transform` may not touch `{min(framing)}`")
    return path, names, pairs


def _seconds(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise InvalidReplayError(f"`timeout`: {error}") from error


def source(answering: MachineView, now_s: float, state: str | None) -> tuple[bytes, bytes]:
    """The header that tells the target who replayed. Its time is the simulation's, in µs."""
    parts = [f"instance={answering.id}", f"region={answering.region}", f"t={int(now_s * 1e6)}"]
    parts += [f"state={state}"] if state is not None else []
    return b"fly-replay-src", ";".join(parts).encode()


@dataclass(frozen=True)
class Attempt:
    """A replay under way: who asked for it, for what, and since when."""

    directive: Directive
    origin: MachineView
    began_s: float

    def failed(self, app: str, reason: str, now_s: float) -> tuple[bytes, bytes]:
        """The header by which the origin learns, as its request comes back, that it failed."""
        wanted = self.directive
        parts = [f"instance={wanted.instance}"] if wanted.instance else []
        parts += [f"app={wanted.app or app}"]
        parts += [f"region={','.join(wanted.regions)}"] if wanted.regions else []
        parts += [f"replay_source={self.origin.id}", f"reason={reason}"]
        parts += [f"elapsed_ms={round((now_s - self.began_s) * 1000)}"]
        return b"fly-replay-failed", ";".join(parts).encode()

    def back(self) -> Constraints:
        """Where the request goes when its replay failed."""
        if self.directive.fallback == "force_self":
            return Constraints(forced=self.origin.id)
        return Constraints(preferred=self.origin.id)
