"""What each session's messages come to, from one reading of a run.

Of a session it is kept which numbers were sent, acknowledged and stored, and what is known of each
message that is not acknowledged. Where all went as it should that says everything (`plain`): one
client sent its messages by rising numbers, again only on another connection and unacknowledged, and
what is stored rises too. The other sessions are to be looked at more closely.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field

from sim.observe.events import Acked, ConnectFailed, Disconnected, Failed, Sent, Stored, Unknown
from sim.observe.history import History
from sim.observe.numbers import Numbers


@dataclass(slots=True)
class _Open:
    """A message that is not acknowledged. `on`: the connection on which it waits for an answer."""

    sent_t: float
    client: str
    on: int | None
    refused: bool = False


@dataclass(slots=True)
class Account:
    """One session. `client` sent its latest new message, `first_client` its first."""

    first_client: str | None = None
    client: str | None = None
    plain: bool = True
    sent: Numbers = field(default_factory=Numbers)
    acked: Numbers = field(default_factory=Numbers)
    stored: Numbers = field(default_factory=Numbers)
    open: dict[int, _Open] = field(default_factory=dict)
    rows: list[int] | None = None  # what is stored, in its order, where that does not rise
    again: list[int] = field(default_factory=list)  # what is stored anew
    not_sent_yet: list[int] = field(default_factory=list)  # what was stored before it was sent

    @property
    def lacks(self) -> bool:
        """Whether something acknowledged is not stored."""
        return not self.acked.within(self.stored)

    @property
    def amiss(self) -> bool:
        """Whether something acknowledged is not stored, or something that was sent is twice."""
        return self.lacks or any(seq in self.sent for seq in self.again)

    @property
    def strange(self) -> int | None:
        """The first stored number that nobody sent."""
        return next((seq for seq in self.not_sent_yet if seq not in self.sent), None)

    @property
    def told(self) -> Hashable:
        """All that is stored of it, in its order: alike where that is."""
        return self.stored.ranges if self.rows is None else tuple(self.rows)

    @property
    def first_row(self) -> int:
        """The number that was stored first."""
        return self.stored.starts[0] if self.rows is None else self.rows[0]

    def send(self, t: float, event: Sent, on: int) -> None:
        """A message goes out, on the client's connection of that number."""
        seq, client = event.seq, event.client
        if self.first_client is None:
            self.first_client = client
        if client != self.first_client:
            self.plain = False
        if waiting := self.open.get(seq):
            if waiting.on == on and waiting.client == client:
                self.plain = False
            waiting.client, waiting.on = client, on
        elif seq in self.acked:
            self.plain = False
        else:
            highest = self.sent.highest
            if highest is not None and seq < highest:
                self.plain = False
            self.sent.add(seq)
            self.open[seq] = _Open(t, client, on)
            self.client = client

    def store(self, seq: int) -> None:
        """A message is found stored."""
        highest = self.stored.highest
        if self.rows is None and highest is not None and seq <= highest:
            self.plain = False
            self.rows = [*self.stored]
        if self.rows is not None:
            self.rows.append(seq)
        if seq in self.stored:
            self.again.append(seq)
        if seq not in self.sent:
            self.not_sent_yet.append(seq)
        self.stored.add(seq)


@dataclass
class Accounts:
    """All sessions of which messages were sent, and those of which some are stored.

    Each in the order in which it came. `acked_sent_t`: when acknowledged messages went out first.
    """

    sent: dict[str, Account] = field(default_factory=dict)
    stored: dict[str, Account] = field(default_factory=dict)
    acked_sent_t: array[float] = field(default_factory=lambda: array("d"))

    def sent_of(self, session: str) -> Account:
        """The account of a session of which a message is sent."""
        if session not in self.sent:
            self.sent[session] = self.stored.get(session) or Account()
        return self.sent[session]

    def stored_of(self, session: str) -> Account:
        """The account of a session of which a message is stored."""
        if session not in self.stored:
            self.stored[session] = self.sent.get(session) or Account()
        return self.stored[session]

    def answer(self, event: Acked | Failed | Unknown) -> None:
        """A message waits no longer."""
        account = self.sent.get(event.session)
        if account is None or event.seq not in account.open:
            return
        message = account.open[event.seq]
        message.on = None
        if isinstance(event, Failed):
            message.refused = True
        elif isinstance(event, Acked):
            del account.open[event.seq]
            account.acked.add(event.seq)
            self.acked_sent_t.append(message.sent_t)


def keep_accounts(history: History) -> Accounts:
    """Read a run's messages once."""
    found = Accounts()
    connections: Counter[str] = Counter()
    kinds = (Sent, Acked, Failed, Unknown, Stored, Disconnected, ConnectFailed)
    for t, event in history.among(*kinds):
        match event:
            case Disconnected() | ConnectFailed():
                connections[event.client] += 1
            case Sent():
                found.sent_of(event.session).send(t, event, connections[event.client])
            case Stored():
                found.stored_of(event.session).store(event.seq)
            case Acked() | Failed() | Unknown():
                found.answer(event)
    return found
