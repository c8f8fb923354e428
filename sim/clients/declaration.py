"""How to talk to a gateway, said in data: what a YAML driver says, as plain immutable values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias

from sim.clients.jsonpath import JsonPath
from sim.clients.reply import Reply, Source
from sim.clients.template import Template

PayloadAs: TypeAlias = Literal["text", "base64"]


@dataclass(frozen=True)
class Request:
    """An HTTP request, and what is taken from its answer.

    Without `expect` any 2xx is an answer.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Template | None = None
    expect: int | None = None
    capture: Mapping[str, Source] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Say:
    """A step of a greeting: the client says this, on its connection or by a request."""

    what: Template | Request


@dataclass(frozen=True)
class Wait:
    """A step of a greeting: the client waits for this, and takes its values."""

    reply: Reply


Step: TypeAlias = Say | Wait


@dataclass(frozen=True)
class Socket:
    """A WebSocket: the way there and back."""

    path: str


@dataclass(frozen=True)
class Events:
    """A stream of Server-Sent Events: a way back."""

    path: str


@dataclass(frozen=True)
class Poll:
    """A request again and again: a way back. `each` is where in an answer several messages are."""

    request: Request
    every_s: float = 0.0
    each: JsonPath | None = None


@dataclass(frozen=True)
class Opening:
    """How a connection is made and what is said first: for a new session, or for a known one.

    Without `ready` the session stands once the last step of `hello` is done.
    """

    line: Socket | Events | Poll
    before: tuple[Request, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    subprotocols: tuple[str, ...] = ()
    compression: bool = False
    hello: tuple[Step, ...] = ()
    ready: Reply | None = None

    @property
    def gives(self) -> frozenset[str]:
        """The values that the gateway gives on the way to a session that stands."""
        replies = [step.reply for step in self.hello if isinstance(step, Wait)]
        replies += [self.ready] if self.ready else []
        named = [reply.names for reply in replies]
        return frozenset().union(*named, *(request.capture for request in self.before))


@dataclass(frozen=True)
class Stored:
    """How to ask what is kept of a session: GET `path`, and where in the answer the numbers are.

    `settles_within_s` is how long the store may lag behind an acknowledgement.
    """

    path: str
    sequence: JsonPath
    headers: Mapping[str, str] = field(default_factory=dict)
    settles_within_s: float = 0.0


@dataclass(frozen=True)
class Declaration:
    """A whole driver. `name` is for messages; `document` is what was written, as plain data."""

    name: str
    opening: Opening
    send: Template | Request
    ack: Reply
    payload_as: PayloadAs = "text"
    resume: Opening | None = None
    forgotten: Reply | None = None
    refused: Reply | None = None
    goodbye: Reply | None = None
    answers: tuple[tuple[Reply, Template], ...] = ()
    stored: Stored | None = None
    document: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def __str__(self) -> str:
        return self.name

    @property
    def resumption_tells(self) -> bool:
        """Whether a gateway that has forgotten a session could say so at a resumption.

        It can by naming the session or what it has of it, or where anything else is expected of it
        than of a new one: else it looks the same whether it knows the session or not.
        """
        new, known = self.opening, self.resume
        if known is None:
            return False
        named = {"session", "acked"} & known.gives
        return bool(named or self.forgotten) or _asked(known) != _asked(new)

    @property
    def acks_by_order(self) -> bool:
        """Whether an acknowledgement says no number: it is taken for that of the oldest message."""
        named = {"sequence", "up_to"} & self.ack.names
        return not named and not isinstance(self.send, Request)

    @cached_property
    def names_sessions(self) -> bool:
        """Whether a session has a name that the gateway knows: from the client, or its own.

        Where it has none, all of a client's connections are one session to the gateway.
        """
        said = {key: part for key, part in self.document.items() if key != "stored"}
        if re.search(r"\{session[}:]", json.dumps(said, default=str)):
            return True
        openings = (self.opening, self.resume) if self.resume else (self.opening,)
        return any("session" in opening.gives for opening in openings)


def _asked(opening: Opening) -> tuple[object, ...]:
    """All of an opening by whose failure a gateway may turn a session down."""
    waits = [
        step for step in opening.hello if isinstance(step, Wait) or isinstance(step.what, Request)
    ]
    return opening.line, opening.before, opening.ready, waits
