"""The driver that a YAML declaration describes (docs/drivers.md): any numbered WebSocket protocol.

Where the gateway says at a resume up to which message it has all (`acked`), that is a promise like
an acknowledgement: those messages are not sent again. The others are.

A session's numbers go on wherever its name comes back, resumed or not: what was acknowledged under
them stays promised. Only a new name begins at 1.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from sim.clients.client import Client
from sim.clients.conversation import Conversation, SessionRecord
from sim.clients.declaration import Declaration, Opening, Request
from sim.clients.driver import Question
from sim.clients.drivers.greeting import (
    ask,
    expected,
    fill_headers,
    greet,
    send_request,
    wait_for,
)
from sim.clients.drivers.lines import Line, ended, open_line
from sim.clients.ending import ConnectionOverError
from sim.clients.reply import Heard, plain
from sim.clients.template import Value, Values, fill_path

_OF_READY = ("session", "acked")


class Declared:
    """A client's sessions, one after another, as the declaration has them."""

    def __init__(self, declaration: Declaration) -> None:
        self._is = declaration
        self._record: SessionRecord | None = None
        self._taken: dict[str, Value] = {}
        self._since: dict[str, str] = {}
        self._records: dict[str, SessionRecord] = {}  # by the gateway's names for them

    async def run(self, client: Client) -> None:
        """Open or resume the session and send until something fails or the load ends."""
        if self._record is not None and self._record.opened and self._is.resume is None:
            self._leave(client, self._record)
        record = self._record = self._record or SessionRecord(client.rng.hex_id(16))
        resume = self._is.resume if record.opened else None
        opening = resume or self._is.opening
        said: dict[str, Any] = {}

        def take(taken: Mapping[str, Value]) -> dict[str, Value]:
            """Keep what the gateway gave; a new session's name is used at once."""
            nonlocal record
            if "session" in taken:
                said["session"] = taken["session"]
                record = self._entered(record, said)
            self._taken |= taken
            return _values(self._is, client, record, self._taken)

        values = take(
            await ask(client, opening.before, _values(self._is, client, record, self._taken))
        )
        async with open_line(client, opening, values, self._since) as line:
            talk = _Talk(self._is, client, record, line, self._taken)
            of = "" if opening.hello == self._is.opening.hello else " of `resume`"
            values = take(await greet(client, opening.hello, talk, values, of))
            ready = await self._ready(client, opening, talk)
            take({name: value for name, value in ready.items() if name not in _OF_READY})
            said |= ready
            record, acked = self._settle(client, self._entered(record, said), said)
            talk.record = record
            for seq in [seq for seq in record.waiting if seq <= acked]:
                talk.acked(seq)
            try:
                await talk.hold(begin_after=acked)
            except TimeoutError:
                talk.unanswered()
                raise

    async def _ready(self, client: Client, opening: Opening, talk: _Talk) -> Mapping[str, Any]:
        """Wait for the gateway to take the session up; the values of the message that says so."""
        if opening.ready is None:
            return {}
        forgotten = self._is.forgotten if opening is self._is.resume else None
        replies = (forgotten, opening.ready) if forgotten else (opening.ready,)
        of = "" if opening.ready == self._is.opening.ready else " of `resume`"
        came, values = await wait_for(client, replies, talk, f"`ready`{of}")
        return {"acked": 0} if came is forgotten else values

    def _entered(self, record: SessionRecord, said: Mapping[str, Any]) -> SessionRecord:
        """The record of the session that the gateway let a client into, who may know it already."""
        if "session" in said and not record.opened:
            record = self._record = self._records.setdefault(str(said["session"]), record)
            record.session = str(said["session"])
        return record

    def _settle(
        self, client: Client, record: SessionRecord, said: Mapping[str, Any]
    ) -> tuple[SessionRecord, int]:
        """The session that goes on, and up to which message the gateway has all of it.

        Where it names another session than was asked for, that one goes on in place, as with a
        client of a library's. Raises ConnectionOverError where it has less than it acknowledged.
        """
        known, named = record.acked_up_to, str(said.get("session", record.session))
        if named != record.session:
            if known:  # else there was nothing to forget: it is replaced
                client.session_ready(record.session, resumed=True, acked=0, remembered=known)
            self._leave(client, record)
            begun = self._record = self._records.setdefault(named, SessionRecord(named))
            client.session_ready(named, resumed=False, acked=0, remembered=0)
            begun.opened = True
            return begun, 0
        acked = _number(said["acked"], "`acked`") if "acked" in said else known
        client.session_ready(record.session, resumed=record.opened, acked=acked, remembered=known)
        record.opened = True
        if acked < known:
            self._leave(client, record)
            record.remembered = acked  # forgetting counts once
            raise ConnectionOverError(f"the gateway forgot: it has {acked} of {known}")
        return record, acked

    def _leave(self, client: Client, record: SessionRecord) -> None:
        """The session is over: what nobody answered is not held against the next one."""
        for seq in record.waiting:
            client.unknown(record.session, seq)
        record.waiting.clear()
        record.opened = False
        if self._is.names_sessions:
            self._record = None


class DeclaredLedger(Declared):
    """A declared driver that says how to ask what is stored."""

    def __init__(self, declaration: Declaration) -> None:
        super().__init__(declaration)
        if declaration.stored is None:
            raise ValueError(f"{declaration.name} does not say what is stored")
        self._asked = declaration.stored
        self.settles_within_s = declaration.stored.settles_within_s

    async def stored(self, session: Question) -> list[int] | None:
        """What the gateway says that it kept of a session; None where it knows none of that name.

        Raises ValueError where the answer cannot be read.
        """
        asked = self._asked
        values: Values = {**self._taken, "session": session.id, "client": session.client}
        path = fill_path(asked.path, values)
        headers = fill_headers(asked.headers, values)
        async with session.http.get(path, headers=headers) as answer:
            if answer.status == HTTPStatus.NOT_FOUND:
                return None
            if answer.status != HTTPStatus.OK:
                raise ValueError(f"GET {path} was answered with status {answer.status}")
            heard = Heard(await answer.text())
        if heard.data is None:
            raise ValueError(f"GET {path} was not answered with JSON")
        if not asked.sequence.is_in(heard.data):
            raise ValueError(f"GET {path}: nothing at {asked.sequence.text} in {heard}")
        return [
            _number(value, f"GET {path}: {asked.sequence.text}")
            for value in asked.sequence.find(heard.data)
        ]


class _Talk(Conversation[Heard]):
    """The messages that the declaration describes."""

    def __init__(
        self,
        declaration: Declaration,
        client: Client,
        record: SessionRecord,
        line: Line,
        taken: Mapping[str, Value],
    ) -> None:
        super().__init__(client, record, line)
        self._is = declaration
        self._line = line
        self._taken = taken
        self._strange = 0
        self._first_strange = ""

    async def deliver(self, seq: int) -> None:
        send, values = self._is.send, {**self._values, "seq": seq}
        if not isinstance(send, Request):
            await self.say(send.frame(values))
            return
        answer = await send_request(self._client, send, values)
        self._client.connected(answer.headers)
        heard = Heard(await answer.read(), status=answer.status, seq=seq)
        fine = expected(send, answer.status)
        promises = fine or self._is.ack.status is not None
        if not self._is_about_messages(heard, promises=promises) and not fine:
            raise ended(self._client, answer.status, f"{send}: {heard}")

    async def say(self, frame: str | bytes) -> None:
        """Say it to the gateway."""
        await self._line.say(frame)

    async def receive(self) -> Heard:
        """The next message. Raises ConnectionOverError where the connection ended instead."""
        return await self._line.receive()

    async def heard(self, message: Heard) -> None:
        if not self._is_about_messages(message) and not await self.besides(message):
            self._strange += 1
            self._first_strange = self._first_strange or str(message)

    def unanswered(self) -> None:
        """No answer came in time: take note where messages came that the driver has no name for."""
        if self._strange:
            self._client.missed("`ack`", self._strange, self._first_strange)

    def _is_about_messages(self, heard: Heard, *, promises: bool = True) -> bool:
        """Take in what acknowledges or refuses messages; whether it does.

        An error's page may look like an acknowledgement, so it `promises` nothing by itself.
        """
        if promises and (ack := self._is.ack.read(heard)) is not None:
            for seq in self._meant(ack, heard, "`ack`"):
                self.acked(seq)
        elif self._is.refused and (refusal := self._is.refused.read(heard)) is not None:
            for seq in self._meant(refusal, heard, "`refused`"):
                self.record.waiting.pop(seq, None)
                self._client.failed(self.record.session, seq, str(heard))
        else:
            return False
        self._client.matched("`ack`")
        return True

    async def besides(self, heard: Heard) -> bool:
        """Whatever is about no message: answer what wants an answer, leave where told to go.

        Whether it was one of these.
        """
        if self._is.goodbye and self._is.goodbye.read(heard) is not None:
            self._client.going_away()
            raise ConnectionOverError(f"the gateway said goodbye: {heard}")
        for asked, answer in self._is.answers:
            if (values := asked.read(heard)) is not None:
                given = {name: plain(value) for name, value in values.items()}
                await self.say(answer.frame({**self._values, **given}))
                return True
        return False

    @property
    def _values(self) -> dict[str, Value]:
        return _values(self._is, self._client, self.record, self._taken)

    def _meant(self, values: Mapping[str, Any], heard: Heard, pattern: str) -> list[int]:
        """Which messages an answer is about: one, all up to one, or else the oldest that waits.

        The answer to a request is about the message that it carried, unless it says otherwise.
        Raises ValueError for a message that was never sent: whatever is taken for its answer may
        as well be taken for another's.
        """
        waiting = list(self.record.waiting)
        if "sequence" in values:
            seq = _number(values["sequence"], "`sequence`")
            if not 0 < seq <= self.record.own:
                raise ValueError(
                    f"{pattern} took number {seq} from {heard}, and no such message was sent in"
                    " this session: what is said to others, or about something else, must not match"
                )
            return [seq]
        if "up_to" in values:
            last = _number(values["up_to"], "`up_to`")
            return [seq for seq in waiting if seq <= last]
        return waiting[:1] if heard.seq is None else [heard.seq]


def _values(
    declaration: Declaration, client: Client, record: SessionRecord, taken: Mapping[str, Value]
) -> dict[str, Value]:
    payload = "x" * client.payload
    if declaration.payload_as == "base64":
        payload = base64.b64encode(payload.encode()).decode()
    return {
        **taken,
        "session": record.session,
        "client": client.name,
        "acked": record.remembered,
        "payload": payload,
    }


def _number(value: Any, what: str) -> int:
    """A message's number, which may have come as text. Raises ValueError."""
    if not re.fullmatch(r"-?[0-9]{1,18}", str(value)):
        raise ValueError(f"{what} gave {value!r}, which is no whole number")
    return int(value)
