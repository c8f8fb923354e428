"""The driver's own bookkeeping, checked as the gateway's is: does a number mean one message?

What is stored is compared with what was sent by numbers. Where two messages have one number, or a
number that is stored was never given, the comparison proves nothing: a new message can stand in
for a lost one, and two good ones look like one that is stored twice. Such messages are of unknown
fate, and the driver is told which number it was.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sim.observe.accounts import Accounts
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
    """The mistakes of a run's drivers, and the messages whose fate they leave unknown."""

    mistakes: Sequence[Mistake]
    keys: frozenset[Key]
    sessions: frozenset[str]

    def doubts(self, key: Key) -> bool:
        """Whether what is stored under this number says nothing of the message."""
        return key in self.keys or key[0] in self.sessions


def check_numbering(lives: Mapping[Key, Life], accounts: Accounts) -> Numbering:
    """Find every mistake: of single numbers in what was sent, of sessions in what is stored.

    `lives` are those of sessions whose accounts are not plain.
    """
    of_sessions = [*_mixed(lives), *_asked_wrongly(accounts)]
    doubted = frozenset(mistake.session for mistake in of_sessions)
    reused = [mistake for mistake in _reused(lives) if mistake.session not in doubted]
    mistakes = sorted(reused + of_sessions, key=lambda m: (m.t is None, m.t or 0.0))
    # Where one number was used anew, no other that was sent again is known to be one message.
    unsure = {mistake.session for mistake in reused}
    again = (key for key, life in lives.items() if key[0] in unsure and len(life.sendings) > 1)
    return Numbering(mistakes, frozenset(again), doubted)


def told(mistakes: Sequence[Mistake]) -> str:
    """Mistakes in one sentence: the first, and how many more there are."""
    more = f" (and {len(mistakes) - 1} more such messages)" if len(mistakes) > 1 else ""
    return f"{mistakes[0]}{more}"


def _reused(lives: Mapping[Key, Life]) -> Iterator[Mistake]:
    """Numbers under which a client sent more than one message, as far as can be told."""
    for (session, seq), life in lives.items():
        message = f"message {seq} of session {session}"
        for sending in life.sendings[1:]:
            if sending.acked_before:
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


def _mixed(lives: Mapping[Key, Life]) -> Iterator[Mistake]:
    """Sessions that several clients number, and those whose numbers do not rise, once each."""
    last: dict[str, tuple[str, int]] = {}
    told_of: set[str] = set()
    for (session, seq), life in lives.items():
        client, highest = last.setdefault(session, (life.client, seq))
        last[session] = client, max(seq, highest)
        other = next((s for s in life.sendings if s.client != client), None)
        if session in told_of or (other is None and seq >= highest):
            continue
        told_of.add(session)
        if other is not None:
            why = (
                f"{client} and {other.client} both sent messages of session {session}, such as"
                f" {seq}: a session is one client's, for two that count theirs collide"
            )
            yield Mistake(session, seq, other.t, why)
        else:
            why = (
                f"the driver sent message {seq} of session {session} at {life.sent_t:.1f} s, after"
                f" message {highest}: numbers have to rise, for a gateway may take a lower one for"
                " one that it has"
            )
            yield Mistake(session, seq, life.sent_t, why)


def _asked_wrongly(accounts: Accounts) -> Iterator[Mistake]:
    """Sessions for which `stored` told of something else, as far as that matters.

    A number that nobody sent is no harm where all is there that was: a greeting may be stored too.
    """
    clients = {session: account.client for session, account in accounts.sent.items()}
    alike: dict[Hashable, list[str]] = defaultdict(list)
    strange: dict[str, int] = {}
    amiss: set[str] = set()
    for session, account in accounts.stored.items():
        alike[account.told].append(session)
        if (never_sent := account.strange) is not None:
            strange[session] = never_sent
            if account.amiss:
                amiss.add(session)
    for sessions in alike.values():
        for session in _asked_alike(sessions, strange.keys(), amiss, clients):
            if session in amiss and len(sessions) == 1:
                seq = strange[session]
                why = (
                    f"message {seq} is stored of session {session}, and the driver never sent one"
                    " of that number: the number that goes out must be the one given to"
                    " `client.send`, and `stored` must tell of this session alone"
                )
            else:
                seq = accounts.stored[session].first_row
                why = (
                    f"the very same is stored of session {session} as of another, from message"
                    f" {seq} on: `stored` must tell of one session alone"
                )
            yield Mistake(session, seq, None, why)


def _asked_alike(
    sessions: Sequence[str],
    strange: Collection[str],
    amiss: AbstractSet[str],
    clients: Mapping[str, str | None],
) -> Sequence[str]:
    """Those sessions of one answer that it is no answer to.

    All, if it is wrong for one of them; or those of a client, if it has what another of this
    client's sessions sent, which may stand in for what is lost.
    """
    if not amiss.isdisjoint(sessions):
        return sessions
    owners = Counter(clients.get(session) for session in sessions)
    of_several = [session for session in sessions if owners[clients.get(session)] > 1]
    suspected = {clients.get(session) for session in of_several if session in strange}
    return [session for session in of_several if clients.get(session) in suspected]
