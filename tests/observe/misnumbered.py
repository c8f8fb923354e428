"""Drivers that number rightly and wrongly against gateways that keep, lose, double and reorder.

What is true is known by an identity that each message has here besides its number. Run as a program
(`python -m tests.observe.misnumbered`) it prints the matrix of numbering and gateway.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, pairwise

from sim.observe.events import Acked, Audited, Disconnected, Event, LoadStarted, Sent, Stored
from sim.observe.history import History
from sim.observe.journal import Record
from sim.observe.ledger import balance
from sim.rng import Rng

KINDS = ("lost", "duplicated", "reordered")


@dataclass(frozen=True)
class Turn:
    """A message of a client: which of its connections, which of its turns on it and in all."""

    client: int
    connection: int
    on_it: int
    of_all: int


# Right: each number is new to the session, and rises. Wrong: it may not be.
RIGHT: Mapping[str, Callable[[Turn], int]] = {
    "counts on": lambda turn: turn.of_all + 1,
    "skips": lambda turn: 7 * turn.of_all + 3,
    "from far": lambda turn: 1_000_000 + turn.of_all,
    "negative": lambda turn: turn.of_all - 50,
}
WRONG: Mapping[str, Callable[[Turn], int]] = {
    "again from 0": lambda turn: turn.on_it,
    "by connection": lambda turn: 10 * (turn.connection % 2) + turn.on_it,
    "constant": lambda _turn: 1,
    "a ring": lambda turn: turn.of_all % 4,
    "each twice": lambda turn: turn.of_all // 2,
    "sometimes": lambda turn: turn.of_all - (turn.of_all % 5 == 4),
    "down": lambda turn: 1000 - turn.of_all,
    "to and fro": lambda turn: turn.of_all ^ 1,
    "the answered anew": lambda turn: turn.of_all + 1,  # and see Script.anew
    "shared by two": lambda turn: turn.of_all + 1,  # and see Script.session
    "shared, apart": lambda turn: 100 * turn.client + turn.of_all,
}


@dataclass(frozen=True)
class Connection:
    """How many messages go out on it, how many before an answer, and what became of the last."""

    turns: int
    window: int = 1
    end: str = "answered"  # or "arrived": stored, and cut off before the answer; or "cut"


@dataclass(frozen=True)
class Script:
    """What two clients do, one after the other. `resends` what was not answered."""

    numbering: str
    connections: tuple[Connection, ...]
    resends: bool = True

    @property
    def shared(self) -> bool:
        return self.numbering.startswith("shared")

    def number(self, turn: Turn) -> int:
        return {**RIGHT, **WRONG}[self.numbering](turn)


@dataclass(frozen=True)
class Gateway:
    """What it does to the messages that arrive, by their place in a session; else it keeps them.

    It may forget all at the end of a connection, and take a number that it has for one that it has
    (`known`), or one below the highest (`passed`).
    """

    loses: frozenset[int] = frozenset()
    doubles: frozenset[int] = frozenset()
    delays: frozenset[int] = frozenset()
    forgets_after: frozenset[int] = frozenset()
    dedupes: str = ""


@dataclass
class Message:
    identity: int
    number: int
    attempts: list[tuple[int, int]] = field(default_factory=list)  # connection and place
    acked: int | None = None
    anew: bool = False
    taken_for_another: bool = False


class Run:
    """Plays a script against a gateway: `journal` and what is true."""

    def __init__(self, script: Script, gateway: Gateway) -> None:
        self.script, self.gateway = script, gateway
        self.events: list[Event] = []
        self.rooms: dict[str, list[Message]] = {}
        self.sent: dict[str, list[Message]] = {}
        self._late: dict[str, list[Message]] = {}
        self._arrived: Counter[str] = Counter()
        self._identities, self._places = count(), count()
        self._turns: Counter[int] = Counter()
        self._waiting: dict[int, list[Message]] = {0: [], 1: []}
        for number, connection in enumerate(script.connections):
            for client in (0, 1):
                self._converse(client, number, connection)

    def _session(self, client: int) -> str:
        return "room" if self.script.shared else f"room {client}"

    def _converse(self, client: int, number: int, connection: Connection) -> None:
        session, name = self._session(client), f"london/{client}"
        waiting, self._waiting[client] = self._waiting[client], []
        under_way = list(waiting) if self.script.resends else []
        for message in under_way:
            self._send(client, number, message, arrives=True)
        for on_it in range(connection.turns):
            turn = Turn(client, number, on_it, self._turns[client])
            self._turns[client] += 1
            message = self._message(client, number, self.script.number(turn))
            last = on_it >= connection.turns - connection.window
            arrives = not (last and connection.end == "cut")
            self._send(client, number, message, arrives=arrives)
            under_way.append(message)
            if len(under_way) >= connection.window and not last:
                self._answer(client, under_way)
        if self.script.numbering == "the answered anew" and number:
            for message in [m for m in self.sent[session] if m.acked is not None][:2]:
                message.anew = True
                self._send(client, number, message, arrives=True)
                self._answer(client, [message])
        if connection.end == "answered":
            self._answer(client, under_way)
        self._waiting[client] = under_way
        self._store(session, self._late.pop(session, []))
        self.events.append(Disconnected(name, "london", "fra", "m1", "reset"))
        if number in self.gateway.forgets_after:
            self.rooms[session] = []

    def _message(self, client: int, connection: int, number: int) -> Message:
        """A new one; or one that was not answered on an earlier connection, if it has that number.

        Nobody can tell these apart then, not the gateway either: that is sending it again.
        """
        sent = self.sent.setdefault(self._session(client), [])
        on = 2 * connection + client
        for message in sent:
            began = message.attempts[-1][0]
            if (
                message.number == number
                and message.acked is None
                and began < on
                and began % 2 == client
            ):
                return message
        sent.append(Message(next(self._identities), number))
        return sent[-1]

    def _send(self, client: int, connection: int, message: Message, *, arrives: bool) -> None:
        session = self._session(client)
        message.attempts.append((2 * connection + client, next(self._places)))
        self.events.append(Sent(f"london/{client}", session, message.number))
        if arrives:
            self._arrive(session, message)

    def _arrive(self, session: str, message: Message) -> None:
        place = self._arrived[session]
        self._arrived[session] += 1
        if place in self.gateway.loses:
            return
        late = self._late.pop(session, [])
        if place in self.gateway.delays:
            self._late[session] = [message]
            self._store(session, late)
            return
        self._store(session, [message] * (2 if place in self.gateway.doubles else 1) + late)

    def _store(self, session: str, messages: list[Message]) -> None:
        room = self.rooms.setdefault(session, [])
        copies = Counter(m.identity for m in messages)
        for message in messages:
            others = [m for m in room if m.identity != message.identity]
            same = len(room) > len(others)
            dedupes = self.gateway.dedupes
            known = dedupes == "known" and any(m.number == message.number for m in others)
            passed = dedupes == "passed" and any(m.number >= message.number for m in others)
            if known or passed:
                message.taken_for_another |= not same and any(
                    other.number >= message.number and other.identity < message.identity
                    for other in others
                )
            elif not (dedupes and same and copies[message.identity] == 1):
                room.append(message)

    def _answer(self, client: int, under_way: list[Message]) -> None:
        for message in under_way:
            if message.acked is None:
                message.acked = next(self._places)
            session = self._session(client)
            self.events.append(
                Acked(f"london/{client}", session, message.number, "fra", "m1", 20.0)
            )
        under_way.clear()

    # --- what is true, and what is said ---

    @property
    def wrong(self) -> bool:
        """Whether any number was used wrongly, as it went."""
        if self.script.numbering in RIGHT:
            return False
        return any(
            m.anew or self.script.shared or b.number <= a.number
            for messages in self.sent.values()
            for m in messages
            for a, b in pairwise(messages)
        ) or any(m.anew for messages in self.sent.values() for m in messages)

    def truth(self) -> tuple[set[str], set[str]]:
        """What befell messages, by their identity, and what of it the gateway has done."""
        befell: set[str] = set()
        guilty: set[str] = set()
        for session, messages in self.sent.items():
            room = self.rooms.get(session, [])
            for message in messages:
                copies = sum(1 for kept in room if kept is message)
                if message.acked is not None and not copies:
                    befell.add("lost")
                    guilty |= set() if message.taken_for_another else {"lost"}
                if copies > 1:
                    befell.add("duplicated")
                    guilty |= set() if message.anew else {"duplicated"}
            if any(self._overtaken(room)):
                befell.add("reordered")
                guilty.add("reordered")
        return befell, guilty

    def _overtaken(self, room: list[Message]) -> Iterator[bool]:
        first = list({message.identity: message for message in room}.values())
        for place, late in enumerate(first):
            for early in first[:place]:
                begun = dict(reversed(late.attempts))
                promised = late.acked is not None and late.acked < early.attempts[0][1]
                yield promised or all(
                    connection in begun
                    and begun[connection] < min(p for c, p in early.attempts if c == connection)
                    for connection, _ in early.attempts
                )

    def verdict(self) -> tuple[str, set[str]]:
        """What the ledger makes of the journal, as the check `messages` judges it."""
        kept = [
            Stored(session, message.number, "", "")
            for session, room in self.rooms.items()
            for message in room
        ]
        events = [LoadStarted(clients=2), *self.events, *kept, Audited()]
        ledger = balance(History(Record(float(t), event) for t, event in enumerate(events)))
        found = {anomaly.kind for anomaly in ledger.anomalies}
        if found:
            return "failed", {str(kind) for kind in found}
        return ("unknown" if ledger.mistakes else "held"), set()


GATEWAYS: Mapping[str, Callable[[Rng], Gateway]] = {
    "keeps": lambda _rng: Gateway(),
    "keeps, known": lambda _rng: Gateway(dedupes="known"),
    "keeps, passed": lambda _rng: Gateway(dedupes="passed"),
    "loses": lambda rng: Gateway(loses=_some(rng)),
    "forgets": lambda rng: Gateway(forgets_after=frozenset({rng.randrange(3)})),
    "doubles": lambda rng: Gateway(doubles=_some(rng)),
    "reorders": lambda rng: Gateway(delays=_some(rng)),
    "loses and doubles": lambda rng: Gateway(loses=_some(rng), doubles=_some(rng)),
}


def _some(rng: Rng) -> frozenset[int]:
    return frozenset(rng.sample(range(20), 3))


def script_of(rng: Rng, numbering: str) -> Script:
    """Three connections of some messages each."""
    connections = tuple(
        Connection(
            rng.randint(1, 9), rng.choice((1, 1, 3)), rng.choice(("answered", "arrived", "cut"))
        )
        for _ in range(3)
    )
    return Script(numbering, connections, rng.random() < 0.7)


def matrix(times: int = 200) -> tuple[list[str], int]:
    """Lines of a table, and how many verdicts were false."""
    lines = [f"{'':20}" + "".join(f"{name:>19}" for name in GATEWAYS)]
    false = 0
    for numbering in (*RIGHT, *WRONG):
        cells = []
        for name, gateway in GATEWAYS.items():
            rng = Rng(7, f"{numbering} {name}")
            seen: Counter[str] = Counter()
            for _ in range(times):
                run = Run(script_of(rng, numbering), gateway(rng))
                befell, guilty = run.truth()
                said, _ = run.verdict()
                seen["false held"] += said == "held" and bool(befell)
                seen["false failed"] += said == "failed" and not guilty
                seen[said] += 1
            false += seen["false held"] + seen["false failed"]
            cells.append(
                "{held}/{failed}/{unknown}".format(**{"held": 0, "failed": 0, "unknown": 0, **seen})
            )
        lines.append(f"{numbering:20}" + "".join(f"{cell:>19}" for cell in cells))
    return lines, false


if __name__ == "__main__":
    table, wrong = matrix()
    print("held/failed/unknown of 200 runs each", *table, f"false verdicts: {wrong}", sep="\n")  # noqa: T201
