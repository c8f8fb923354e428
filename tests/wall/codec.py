"""Three protocols for one conversation: lines of text, JSON, and packed bytes.

A session knows frames only; what they look like on the wire is decided here and nowhere else.

    who      frame             text           JSON                        bytes
    client   Open(session)     open S         {"op": "open", "id": S}     01 S
    client   Resume(session)   resume S       {"op": "resume", "id": S}   02 S
    client   Say(n, body)      say N BODY     {"op": "say", "n": N, …}    03 N(4) BODY
    server   Ready             ready          {"op": "ready"}             81
    server   Gone              gone           {"op": "gone"}              82
    server   Kept(n)           kept N         {"op": "kept", "n": N}      83 N(4)
    server   Goodbye           goodbye        {"op": "goodbye"}           84
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Open:
    """Begin this session."""

    session: str


@dataclass(frozen=True)
class Resume:
    """Go on with this session, which was begun before."""

    session: str


@dataclass(frozen=True)
class Say:
    """Keep this message."""

    n: int
    body: str


@dataclass(frozen=True)
class Ready:
    """The session stands."""


@dataclass(frozen=True)
class Gone:
    """There is no such session."""


@dataclass(frozen=True)
class Kept:
    """The message is kept."""

    n: int


@dataclass(frozen=True)
class Goodbye:
    """This machine is going away."""


FromClient = Open | Resume | Say
FromServer = Ready | Gone | Kept | Goodbye


class Codec(Protocol):
    """How frames look on the wire. `read` raises ValueError for what is no frame."""

    def read(self, data: str | bytes) -> FromClient:
        """What a client's frame says."""

    def write(self, frame: FromServer) -> str | bytes:
        """The gateway's frame."""


class Text:
    """A line for each frame."""

    def read(self, data: str | bytes) -> FromClient:
        """What a client's line says."""
        match str(data).split(" ", 2):
            case ["open", session]:
                return Open(session)
            case ["resume", session]:
                return Resume(session)
            case ["say", n, body]:
                return Say(int(n), body)
        raise ValueError(f"no frame: {data!r}")

    def write(self, frame: FromServer) -> str:
        """The gateway's line."""
        word = type(frame).__name__.lower()
        return f"{word} {frame.n}" if isinstance(frame, Kept) else word


class Json:
    """An object for each frame."""

    def read(self, data: str | bytes) -> FromClient:
        """What a client's object says."""
        match json.loads(data):
            case {"op": "open", "id": str(session)}:
                return Open(session)
            case {"op": "resume", "id": str(session)}:
                return Resume(session)
            case {"op": "say", "n": int(n), "body": str(body)}:
                return Say(n, body)
        raise ValueError(f"no frame: {data!r}")

    def write(self, frame: FromServer) -> str:
        """The gateway's object."""
        said = {"op": type(frame).__name__.lower()}
        return json.dumps(said | {"n": frame.n} if isinstance(frame, Kept) else said)


_OPCODES = {Ready: 0x81, Gone: 0x82, Kept: 0x83, Goodbye: 0x84}


class Binary:
    """An opcode, a number of four bytes in network order where there is one, and the rest."""

    def read(self, data: str | bytes) -> FromClient:
        """What a client's bytes say."""
        assert isinstance(data, bytes)
        opcode, rest = data[0], data[1:]
        if opcode == 0x01:
            return Open(rest.decode())
        if opcode == 0x02:
            return Resume(rest.decode())
        if opcode == 0x03:
            return Say(struct.unpack("!I", rest[:4])[0], rest[4:].decode())
        raise ValueError(f"no frame: {data!r}")

    def write(self, frame: FromServer) -> bytes:
        """The gateway's bytes."""
        opcode = bytes([_OPCODES[type(frame)]])
        return opcode + struct.pack("!I", frame.n) if isinstance(frame, Kept) else opcode


CODECS: Mapping[str, Codec] = {"text": Text(), "json": Json(), "binary": Binary()}
