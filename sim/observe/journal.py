"""The journal: the append-only stream of events that everything writes to and reports read.

On disk it is JSON Lines: `{"t": 20.0, "kind": "fault_began", …}`, one event a line, t in
simulated seconds since the world was made.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from sys import intern
from typing import IO, Any, TypeVar

from sim.clock import Clock
from sim.errors import InputError, Problem
from sim.observe.events import KINDS, Event, PartFailed
from sim.observe.records import Record, Records

__all__ = ["Journal", "Record", "Records", "Subscriber", "decode", "encode", "only", "read"]

Subscriber = Callable[[Record], None]
E = TypeVar("E", bound=Event)


class Journal:
    """Stamps events, keeps them, writes them to a file, and tells subscribers.

    `redact` is applied to each line before it is written, so that no secret reaches the disk, and
    to what others said (a gateway's answer, a driver's error), so that none reaches a report.
    Where the disk takes no more, the file ends, the records go on in memory, and one of them
    says so (`PartFailed`): a run is never ended by its own record, nor green without one.
    """

    def __init__(
        self,
        clock: Clock,
        path: Path | None = None,
        redact: Callable[[str], str] = str,
    ) -> None:
        self.records = Records()
        self.path = path
        self._clock = clock
        self._redact = redact
        self._subscribers: list[Subscriber] = []
        self._file: IO[str] | None = path.open("w", encoding="utf-8") if path else None

    def __repr__(self) -> str:
        return f"<Journal {len(self.records)} events, {self.path or 'in memory'}>"

    def write(self, event: Event) -> None:
        """Append an event at this instant."""
        record = Record(round(self._clock.now(), 6), self._masked(event))
        self.records.append(record)
        if self._file:
            try:
                self._file.write(self._redact(encode(record)) + "\n")
            except OSError as error:
                self._give_up(error)
        for tell in self._subscribers:
            tell(record)

    def _masked(self, event: Event) -> Event:
        """The event without secrets in its free text; names have to stay as they are."""
        said = {
            name: masked
            for name in _FREE_TEXT[type(event)]
            if (text := getattr(event, name)) and (masked := self._redact(text)) != text
        }
        return dataclasses.replace(event, **said) if said else event

    def redact(self, text: str) -> str:
        """The text with every secret masked that the journal masks."""
        return self._redact(text)

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call `subscriber` with every record from now on, in order, as it is written."""
        self._subscribers = [*self._subscribers, subscriber]

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Call it no longer."""
        self._subscribers = [one for one in self._subscribers if one is not subscriber]

    def flush(self) -> None:
        """Hand what was written to the operating system."""
        if self._file:
            try:
                self._file.flush()
            except OSError as error:
                self._give_up(error)

    def close(self) -> None:
        """Close the file; the records stay readable."""
        self.flush()
        if self._file:
            self._file.close()
            self._file = None

    def _give_up(self, error: OSError) -> None:
        """Write to the file no more. What is left of it is like that of a writer who was killed."""
        file, self._file = self._file, None
        if file:
            with contextlib.suppress(OSError):  # it tries once more to write what it has
                file.close()
        self.write(PartFailed("journal", f"{self.path} ends here: {error.strerror or error}"))


_FIELDS: dict[type[Event], tuple[str, ...]] = {
    cls: tuple(f.name for f in dataclasses.fields(cls)) for cls in KINDS.values()
}
_FREE_TEXT: dict[type[Event], tuple[str, ...]] = {
    cls: tuple(name for name in fields if name in ("reason", "close_reason", "output", "error"))
    for cls, fields in _FIELDS.items()
}
_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode


def encode(record: Record) -> str:
    """One line of a journal file, without its newline."""
    event = record.event
    line: dict[str, Any] = {"t": record.t, "kind": event.kind}
    for name in _FIELDS[type(event)]:
        line[name] = getattr(event, name)
    return _dumps(line)


def decode(line: str) -> Record:
    """The record of one line. Raises ValueError where it is none."""
    data = json.loads(line)
    if not isinstance(data, dict) or "t" not in data:
        raise ValueError("not a journal record")
    t, kind = data.pop("t"), data.pop("kind", None)
    if kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r}")
    try:
        event = KINDS[kind](**{name: _kept(value) for name, value in data.items()})
    except TypeError as error:
        raise ValueError(str(error)) from error
    return Record(float(t), event)


def _kept(value: Any) -> Any:
    """A value as an event has it; a text that many events have is there once."""
    if isinstance(value, str):
        return intern(value)
    return tuple(value) if isinstance(value, list) else value


def read(path: Path) -> Records:
    """The records of a journal file.

    A last line that was cut off (the writer was killed) is left out; any other bad line raises
    InputError with its number.
    """
    try:
        with path.open(encoding="utf-8") as lines:
            return Records(_decode_lines(lines, path))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(Problem(f"cannot be read: {error}", file=str(path))) from error


def _decode_lines(lines: Iterable[str], path: Path) -> Iterator[Record]:
    for number, line in enumerate(lines, 1):
        if line == "\n":
            continue
        try:
            yield decode(line)
        except ValueError as error:
            if not line.endswith("\n"):
                return
            message = f"not a record of a journal ({error})"
            raise InputError(Problem(message, file=str(path), line=number)) from error


def only(records: Iterable[Record], kind: type[E]) -> Iterator[tuple[float, E]]:
    """The events of one type, each with its time."""
    return ((r.t, r.event) for r in records if isinstance(r.event, kind))
