"""Server-Sent Events, read from bytes as they come.

Source: the HTML standard, 9.2.6, "Interpreting an event stream". Pure.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

# The end of a line. A CR at the end of what is there may be half of a CRLF.
_LINE_END = re.compile(r"\r\n|\n|\r(?!\Z)")


@dataclass(frozen=True)
class Event:
    """One event: its name is `message` where it has none."""

    name: str
    data: str


class EventReader:
    """Makes events of bytes. `last_id` is that of the last event that had one."""

    def __init__(self) -> None:
        self.last_id = ""
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
        self._rest = ""
        self._name = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that are complete with these bytes."""
        *lines, self._rest = _LINE_END.split(self._rest + self._decode(chunk))
        for line in lines:
            if line:
                self._field(line)
            elif event := self._dispatch():
                yield event

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._name = value
        elif name == "id" and "\0" not in value:
            self.last_id = value

    def _dispatch(self) -> Event | None:
        name, data = self._name or "message", self._data
        self._name, self._data = "", []
        return Event(name, "\n".join(data)) if data else None
