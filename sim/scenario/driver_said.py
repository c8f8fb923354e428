"""What a declared client says, read and checked: messages, paths and headers with placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sim.clients.binary import parse_bytes
from sim.clients.template import PLACEHOLDER, Base64, Hex, Json, Template, Text, decode_base64
from sim.scenario.driver_words import IN_PYTHON, Words
from sim.suggestions import listed
from sim.topology.units import quoted

_OCTETS = ("hex", "base64")
_FORMS = (*_OCTETS, "json")

# A mapping of nothing but these is no message but a step that stands in the wrong place, or that
# there is not. Who means the words themselves writes `json:`.
DIRECTIVES = frozenset(
    {
        *("send", "say", "wait", "receive", "expect", "match", "capture", "answer", "hello"),
        *("get", "post", "put", "patch", "delete", "request", "body", "headers", "websocket"),
        *("binary", "bytes", "octets", "frame", *_FORMS),
        *("repeat", "loop", "times", "every", "sleep", "pause", "delay", "if", "when"),
    }
)


class Said:
    """Reads what is said. `allowed` are the placeholders that stand for something there."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def template(self, value: Any, allowed: Iterable[str], *path: str | int) -> Template:
        """A message of the client, whose placeholders must all be known."""
        match value:
            case str():
                self._placeholders(value, allowed, *path)
                return Text(value)
            case None:
                self._words.problem("is empty; write a message", *path)
            case dict() if len(value) == 1 and (form := next(iter(value))) in _FORMS:
                return self._form(form, value[form], allowed, *path, form)
            case dict() if value and DIRECTIVES.issuperset(value):
                words = listed(value)
                means = f"`{{json: {{{next(iter(value))}: …}}}}` sends the words themselves"
                message = f"found a mapping of {words}, which is no message; {means}; {IN_PYTHON}"
                self._words.problem(message, *path)
            case list() if any(isinstance(v, dict) and _is_step(v) for v in value):
                means = "steps stand in `hello` and `before`"
                message = f"found a list of steps, which is no message; {means}; {IN_PYTHON}"
                self._words.problem(message, *path)
            case _:
                self._json(value, allowed, *path)
        return Json(value)

    def _form(self, form: str, value: Any, allowed: Iterable[str], *path: str | int) -> Template:
        if form == "json":
            self._json(value, allowed, *path, literal=True)
            return Json(value)
        if not isinstance(value, str):
            self._words.problem(
                f"found {quoted(value)}; must be text in quotes, such as `'0a ff'`", *path
            )
            return Text("")
        try:
            if form == "base64":
                self._placeholders(value, allowed, *path)
                if not PLACEHOLDER.search(value):
                    decode_base64(value)
                return Base64(value)
            written = parse_bytes(value)
        except ValueError as error:
            self._words.problem(str(error), *path)
            return Text("")
        for slot in written.slots:
            self._words.use(slot.name, allowed, *path)
            if slot.form is None and slot.name in {"seq", "acked"}:
                message = f"`{{{slot.name}}}` needs a width, such as `{{{slot.name}:u16}}`"
                self._words.problem(message, *path)
        return Hex(written)

    def _json(
        self, value: Any, allowed: Iterable[str], *path: str | int, literal: bool = False
    ) -> None:
        match value:
            case dict():
                if not literal and len(value) == 1 and next(iter(value)) in {*_OCTETS, "binary"}:
                    means = "`{payload}` can be base64 (`payload_as: base64`)"
                    message = f"JSON holds no bytes; {means}; `json:` around it all sends the words"
                    self._words.problem(message, *path, next(iter(value)))
                for name, part in value.items():
                    self._json(part, allowed, *path, name, literal=literal)
            case list():
                for i, part in enumerate(value):
                    self._json(part, allowed, *path, i, literal=literal)
            case str():
                self._placeholders(value, allowed, *path)

    def _placeholders(self, text: str, allowed: Iterable[str], *path: str | int) -> None:
        for name, form in PLACEHOLDER.findall(text):
            self._words.use(name, allowed, *path)
            if form not in {"", "text"}:
                means = "`{name:text}` is text even alone; numbers of bytes stand in `{hex: …}`"
                self._words.problem(f"unknown form `{form}`; {means}", *path)

    def url_path(self, value: object, allowed: Iterable[str], *path: str | int) -> str:
        """The path of a URL, with its query."""
        if isinstance(value, str) and re.fullmatch(r"/[!-~]*", value):
            self._placeholders(value, allowed, *path)
            return value
        self._words.problem(
            f"found {quoted(value)}; write a path such as `/ws?id={{session}}`", *path
        )
        return "/"

    def headers(self, value: object, allowed: Iterable[str], *path: str | int) -> dict[str, str]:
        """The headers of a request."""
        data = self._words.mapping(value, *path) or {}
        return {name: self._header(text, allowed, *path, name) for name, text in data.items()}

    def _header(self, value: object, allowed: Iterable[str], *path: str | int) -> str:
        text = self._words.text(value, *path) or ""
        self._placeholders(text, allowed, *path)
        return text

    def text(self, value: object, *path: str | int) -> str | None:
        """The value, if it is text."""
        if isinstance(value, str):
            return value
        self._words.problem(f"found {quoted(value)}; must be text", *path)
        return None


def _is_step(value: dict[str, Any]) -> bool:
    return bool(value) and DIRECTIVES.issuperset(value)
