"""What a declared client recognises, and where values are in it, read and checked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sim.clients.binary import BytesPattern, parse_pattern
from sim.clients.jsonpath import JsonPath
from sim.clients.reply import Reply
from sim.clients.template import PLACEHOLDERS, decode_base64
from sim.scenario.driver_words import Words
from sim.suggestions import suggest
from sim.topology.units import quoted

# The values that a reply may give, the first being what a bare path means. `found` is no value:
# it only stands for something being there.
OF_READY = ("session", "acked")
OF_ACK = ("sequence", "up_to")
OF_OTHERS = ("found",)

_OCTETS = ("hex", "base64")


class Listening:
    """Reads what is heard."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def reply(
        self, value: object, names: Sequence[str], *path: str | int, takes: bool = False
    ) -> Reply | None:
        """What a message is recognised by: a path, a pattern, bytes, or `match` and paths.

        `names` are the values that it may give; one that `takes` may give others too.
        """
        if value is None:
            return None
        reply = self._recognised(value, names, *path, takes=takes)
        if reply is not None:
            for name in sorted(reply.names - {*_own(names)} - {*OF_OTHERS}):
                self.take(name, *path, takes=takes, known=_own(names))
        return reply

    def take(
        self, name: str, *path: str | int, takes: bool = True, known: Iterable[str] = ()
    ) -> None:
        """A value is taken from what the gateway says."""
        if not takes:
            self._words.problem(f"unknown value `{name}`{suggest(name, known)}", *path)
        elif name in {*PLACEHOLDERS, *OF_ACK} or not re.fullmatch(r"[A-Za-z_]\w*", name):
            self._words.problem(f"`{name}` cannot be the name of a value that is taken", *path)
        else:
            self._words.take(name, *path)

    def _recognised(
        self, value: object, names: Sequence[str], *path: str | int, takes: bool
    ) -> Reply | None:
        written = f"`{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}`"
        if isinstance(value, str):
            if not value.startswith("$"):
                pattern = self.pattern(value, *path)
                return Reply(pattern=pattern, written=written) if pattern else None
            found = self.json_path(value, *path)
            return Reply(paths={names[0]: found}, written=written) if found else None
        data = self._words.mapping(value, *path)
        if data is None:
            return None
        if _is_octets(data):
            octets = self._octets(data, *path)
            return Reply(octets=octets, written=written) if octets else None
        return self._described(data, names, written, *path, takes=takes)

    def _described(
        self,
        data: dict[str, Any],
        names: Sequence[str],
        written: str,
        *path: str | int,
        takes: bool,
    ) -> Reply | None:
        """A reply that is written in full."""
        own = _own(names)
        besides = ("event", "status", *(("capture",) if takes else ()))
        self._words.unknown_keys(data, ("match", *own, *besides), *path)
        reply = Reply(
            event=self._words.text(data["event"], *path, "event") if "event" in data else None,
            status=self.status(data.get("status"), *path, "status"),
            written=written,
        )
        at = {name: (data[name], (*path, name)) for name in own if name in data}
        if takes and "capture" in data:
            more = self._words.mapping(data["capture"], *path, "capture") or {}
            at |= {name: (more[name], (*path, "capture", name)) for name in more}
        paths = {name: found for name, (v, p) in at.items() if (found := self.json_path(v, *p))}
        match = data.get("match")
        if isinstance(match, str) or _is_octets(match):
            if paths:
                places = "`{sequence:u16}`" if _is_octets(match) else "`(?P<sequence>[0-9]+)`"
                what = "bytes give their values" if _is_octets(match) else "a pattern gives its"
                self._words.problem(f"{what} by name inside it, such as {places}", *path, "match")
            if isinstance(match, str):
                pattern = self.pattern(match, *path, "match")
                return replace(reply, pattern=pattern) if pattern else None
            octets = self._octets(match or {}, *path, "match")
            return replace(reply, octets=octets) if octets else None
        if match is not None and not isinstance(match, dict):
            means = "the fields that a JSON message has, a pattern, or `{hex: …}`"
            self._words.problem(f"found {quoted(match)}; must be {means}", *path, "match")
            return None
        if match is None and not at and reply.event is None and reply.status is None:
            message = "is missing; write the fields that the message has, as `{type: ack}`"
            self._words.problem(message, *path, "match")
            return None
        return replace(reply, fields=match, paths=paths)

    def _octets(self, data: dict[str, Any], *path: str | int) -> BytesPattern | None:
        ((form, text),) = data.items()
        if not isinstance(text, str):
            message = f"found {quoted(text)}; must be text in quotes, such as `'0a ff'`"
            self._words.problem(message, *path, form)
            return None
        try:
            return parse_pattern(text) if form == "hex" else _beginning(text)
        except ValueError as error:
            self._words.problem(str(error), *path, form)
            return None

    def pattern(self, value: str, *path: str | int) -> re.Pattern[str] | None:
        """A regular expression."""
        try:
            return re.compile(value)
        except re.error as error:
            message = f"found `{value}`; not a regular expression ({error}), nor a path from `$`"
            self._words.problem(message, *path)
            return None

    def json_path(self, value: object, *path: str | int) -> JsonPath | None:
        """Where in a JSON value something is."""
        try:
            return JsonPath.parse(str(value))
        except ValueError as error:
            self._words.problem(str(error), *path)
            return None

    def status(self, value: object, *path: str | int) -> int | None:
        """The status of an answer."""
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599:
            return value
        self._words.problem(f"found {quoted(value)}; must be a status, such as `201`", *path)
        return None


def _own(names: Sequence[str]) -> tuple[str, ...]:
    """The values that can be named."""
    return tuple(name for name in names if name not in OF_OTHERS)


def _is_octets(value: object) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in _OCTETS


def _beginning(text: str) -> BytesPattern:
    return BytesPattern(re.compile(re.escape(decode_base64(text)), re.DOTALL), {})
