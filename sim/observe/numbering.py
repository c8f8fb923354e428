"""The driver's own bookkeeping, checked as the gateway's is: does a number mean one message?

What is stored is compared with what was sent by numbers. Where two messages have one number, or a
number that is stored was never given, the comparison proves nothing: a new message can stand in
for a lost one, and two good ones look like one that is stored twice. Such messages are of unknown
fate, and the driver is told which number it was.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sim.observe.events import Stored
from sim.observe.lives import Key, Life

HOW = "docs/drivers.md#how-messages-are-numbered"


@dataclass(frozen=True)
class Mistake:
    """A number that proves nothing, and why. `t` is when it was sent so, if it was sent."""

    session: str
    seq: int
    t: float | None
    text: str

    def __str__(self) -> str:
        return f"{self.text}; {HOW} says how"


@dataclass(frozen=True)
class Numbering:
    """The mistakes of a run's drivers, and of which messages they leave the fate unknown."""

    mistakes: Sequence[Mistake]
    keys: frozenset[Key]
    sessions: frozenset[str]

    def doubts(self, key: Key) -> bool:
        """Whether what is stored under this number says nothing of the message."""
        return key in self.keys or key[0] in self.sessions


def check_numbering(lives: Mapping[Key, Life], stored: Mapping[str, Sequence[Stored]]) -> Numbering:
    """Find every mistake: of single numbers in what was sent, of sessions in what is stored."""
    sent = list(_sent_wrongly(lives))
    asked = list(_asked_wrongly(lives, stored))
    mistakes = sorted(sent + asked, key=lambda m: (m.t is None, m.t or 0.0))
    return Numbering(
        mistakes,
        frozenset((mistake.session, mistake.seq) for mistake in sent),
        frozenset(mistake.session for mistake in asked),
    )


def told(mistakes: Sequence[Mistake]) -> str:
    """Mistakes in one sentence: the first, and how many more there are."""
    more = f" (and {len(mistakes) - 1} more such messages)" if len(mistakes) > 1 else ""
    return f"{mistakes[0]}{more}"


def _sent_wrongly(lives: Mapping[Key, Life]) -> Iterator[Mistake]:
    for (session, seq), life in lives.items():
        message = f"message {seq} of session {session}"
        for sending in life.sendings[1:]:
            if sending.client != life.client:
                why = (
                    f"{life.client} and {sending.client} both sent {message}: two clients must"
                    " not number one session alike"
                )
            elif sending.acked_before:
                why = (
                    f"the driver sent {message} anew at {sending.t:.1f} s, though it had been"
                    f" acknowledged at {life.acked_t:.1f} s: a new message needs a new number"
                )
            elif sending.unanswered:
                why = (
                    f"the driver sent {message} again at {sending.t:.1f} s, on the connection on"
                    " which it still waited for its answer: a new message needs a new number, and"
                    " one that is given up is told by `client.unknown` first"
                )
            else:
                continue
            yield Mistake(session, seq, sending.t, why)
            break


def _asked_wrongly(
    lives: Mapping[Key, Life], stored: Mapping[str, Sequence[Stored]]
) -> Iterator[Mistake]:
    """Sessions for which `stored` told of something else, as far as that matters.

    A number that nobody sent is no harm where all is there that was: a greeting may be stored too.
    """
    sent: dict[str, set[int]] = defaultdict(set)
    clients: dict[str, str] = {}
    amiss: set[str] = set()
    for (session, seq), life in lives.items():
        sent[session].add(seq)
        clients[session] = life.client
        if life.stored > 1 or (life.acked_t is not None and not life.stored):
            amiss.add(session)
    alike: dict[tuple[int, ...], list[str]] = defaultdict(list)
    strange: dict[str, int] = {}
    for session, rows in stored.items():
        alike[tuple(row.seq for row in rows)].append(session)
        never_sent = next((row.seq for row in rows if row.seq not in sent[session]), None)
        if never_sent is not None:
            strange[session] = never_sent
    for session, seq in strange.items():
        if session in amiss:
            why = (
                f"message {seq} is stored of session {session}, and the driver never sent one of"
                " that number: the number that goes out must be the one given to `client.send`,"
                " and `stored` must tell of this session alone"
            )
            yield Mistake(session, seq, None, why)
    for numbers, sessions in alike.items():
        for session in _asked_alike(numbers, sessions, strange.keys(), clients):
            why = (
                f"the very same is stored of session {session} as of another, from message"
                f" {numbers[0]} on: `stored` must tell of one session alone"
            )
            yield Mistake(session, numbers[0], None, why)


def _asked_alike(
    numbers: Sequence[int],
    sessions: Sequence[str],
    strange: Collection[str],
    clients: Mapping[str, str],
) -> Sequence[str]:
    """Those sessions of which the same is stored because they were not asked for apart.

    One answer for several has what all of them sent once for each; or it is one client's, and has
    what another of its sessions sent.
    """
    if len(sessions) > 1 and max(Counter(numbers).values()) >= len(sessions):
        return sessions
    owners = Counter(clients.get(session) for session in sessions)
    of_several = [session for session in sessions if owners[clients.get(session)] > 1]
    suspected = {clients.get(session) for session in of_several if session in strange}
    return [session for session in of_several if clients.get(session) in suspected]
