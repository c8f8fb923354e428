"""The ledger: the life of every message, held against what the database has at the end.

A message is one (session, seq). It was sent, perhaps more than once; it was acknowledged by a
machine, or refused, or its fate is unknown to the client; and the database holds it never, once
or more often. Only an acknowledgement is a promise, so only acknowledged messages can be lost
(Jepsen's reading of a history: an operation of unknown outcome proves nothing either way).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sim.observe.events import Acked, Stored
from sim.observe.history import History

AnomalyKind = Literal["lost", "duplicated", "reordered"]


@dataclass
class _Life:
    """What is known of one message."""

    client: str
    sent_t: float
    acked_t: float | None = None
    acked_by: str | None = None
    refused: bool = False
    stored: int = 0
    stored_by: str | None = None


@dataclass(frozen=True)
class Anomaly:
    """One message that did not fare as promised. Times are seconds from the load's start."""

    kind: AnomalyKind
    session: str
    seq: int
    client: str | None
    sent_t: float | None
    acked_t: float | None
    machine: str | None
    text: str


@dataclass(frozen=True)
class Ledger:
    """The sum of all messages' lives."""

    sent: int
    acked: int
    unknown: int
    anomalies: Sequence[Anomaly]
    audited: bool
    why_not_audited: str = ""

    def count(self, kind: AnomalyKind) -> int:
        """How many messages suffered this."""
        return sum(1 for anomaly in self.anomalies if anomaly.kind == kind)


def balance(history: History) -> Ledger:
    """Draw up the ledger of a run."""
    lives = _lives(history)
    audit = history.audit
    audited = audit is not None and audit.error is None
    anomalies: list[Anomaly] = []
    if audited:
        anomalies += _misstored(history, lives)
        anomalies += _lost(lives, audit.asked if audit else "")
        anomalies.sort(key=lambda a: (a.acked_t is None, a.acked_t or 0.0, a.session, a.seq))
    why = ""
    if audit is None:
        why = "nobody asked what is stored"
    elif audit.error is not None:
        why = f"it could not be found out what is stored: {audit.error}"
    return Ledger(
        sent=len(lives),
        acked=sum(1 for life in lives.values() if life.acked_t is not None),
        unknown=sum(1 for life in lives.values() if life.acked_t is None and not life.refused),
        anomalies=anomalies,
        audited=audited,
        why_not_audited=why,
    )


def _lives(history: History) -> dict[tuple[str, int], _Life]:
    lives: dict[tuple[str, int], _Life] = {}
    for t, sent in history.sent:
        lives.setdefault((sent.session, sent.seq), _Life(sent.client, t))
    for t, acked in history.of(Acked):
        life = lives.get((acked.session, acked.seq))
        if life and life.acked_t is None:
            life.acked_t, life.acked_by = t, acked.machine
    for _, failed in history.failed:
        if life := lives.get((failed.session, failed.seq)):
            life.refused = True
    for _, stored in history.stored:
        if life := lives.get((stored.session, stored.seq)):
            life.stored += 1
            life.stored_by = life.stored_by or stored.machine or None
    return lives


def _lost(lives: dict[tuple[str, int], _Life], asked: str) -> list[Anomaly]:
    return [
        _anomaly("lost", key, life, f"acknowledged by {life.acked_by}, not in {asked}")
        for key, life in lives.items()
        if life.acked_t is not None and not life.stored
    ]


def _misstored(history: History, lives: dict[tuple[str, int], _Life]) -> list[Anomaly]:
    """Messages stored more than once, and messages first stored after a later one."""
    found: list[Anomaly] = []
    highest: dict[str, int] = defaultdict(int)
    times: dict[tuple[str, int], int] = defaultdict(int)
    for _, stored in history.stored:
        key = (stored.session, stored.seq)
        times[key] += 1
        if times[key] == 2:
            found.append(_anomaly("duplicated", key, lives.get(key), f"stored again{_by(stored)}"))
        if times[key] == 1:
            if stored.seq < highest[stored.session]:
                text = f"stored{_by(stored)} after message {highest[stored.session]}"
                found.append(_anomaly("reordered", key, lives.get(key), text))
            highest[stored.session] = max(highest[stored.session], stored.seq)
    return found


def _by(stored: Stored) -> str:
    return f" by {stored.machine}" if stored.machine else ""


def _anomaly(kind: AnomalyKind, key: tuple[str, int], life: _Life | None, text: str) -> Anomaly:
    return Anomaly(
        kind=kind,
        session=key[0],
        seq=key[1],
        client=life.client if life else None,
        sent_t=life.sent_t if life else None,
        acked_t=life.acked_t if life else None,
        machine=(life.acked_by or life.stored_by) if life else None,
        text=text,
    )
