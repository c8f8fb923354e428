"""What accounts sum up is what the lives of all messages come to, however odd a run was."""

from __future__ import annotations

import pytest

from sim.observe import ledger
from sim.observe.accounts import Account, keep_accounts
from sim.observe.events import Acked, Audited, Disconnected, Event, Failed, Sent, Stored, Unknown
from sim.observe.lives import lives_of
from sim.rng import Rng

CLIENTS = ("london/0", "london/1")
SESSIONS = ("a", "b", "c")


def oddly(seed):
    """A short run in which nearly anything may be sent, answered and stored."""
    rng = Rng(seed).fork("accounts")
    odd = rng.choice([0.0, 0.02, 0.3])  # some runs are as they should be
    turn = dict.fromkeys(SESSIONS, 0)
    pairs: list[tuple[float, Event]] = []
    for k in range(rng.randint(1, 60)):
        session = rng.choice(SESSIONS)
        client = rng.choice(CLIENTS) if rng.random() < odd else CLIENTS[SESSIONS.index(session) % 2]
        turn[session] += 1
        seq = rng.randint(1, 9) if rng.random() < odd else turn[session]
        told: list[Event] = [Sent(client, session, seq)]
        if rng.random() < 0.1:
            told += [
                Disconnected(client, "london", "fra", "m1", "broke"),
                Sent(client, session, seq, 2),
            ]
        if rng.random() < 0.9:
            told.append(Acked(client, session, seq, "fra", "m1", 20.0))
        elif rng.random() < 0.5:
            told.append(Unknown(client, session, seq))
        if rng.random() < odd:
            told.append(Failed(client, session, seq, "fra", "503"))
        if rng.random() < odd:
            told.append(Sent(client, session, seq, 3))
        pairs += [(k + n / 100, one) for n, one in enumerate(told)]
    for session in SESSIONS:
        rows = [n for n in range(1, turn[session] + 1) if rng.random() >= odd / 3]
        rows += [rng.randint(1, 12) for _ in range(3) if rng.random() < odd]
        pairs += [(100.0, Stored(session, n, "fra", "m1")) for n in rows]
    return pairs if rng.random() < 0.1 else [*pairs, (149.0, Audited())]


@pytest.mark.parametrize("seed", range(400))
def test_no_session_is_left_out_that_has_a_mistake_or_an_anomaly(history, monkeypatch, seed):
    run = history(*oddly(seed))
    seen = ledger.balance(run)

    def all_closely(run):
        accounts = keep_accounts(run)
        for account in accounts.sent.values():
            account.plain = False
        return accounts

    monkeypatch.setattr(ledger, "keep_accounts", all_closely)
    assert seen == ledger.balance(run)

    lives = lives_of(run, SESSIONS).values()
    assert (seen.sent, seen.acked) == (len(lives), sum(life.acked_t is not None for life in lives))
    assert seen.unknown == sum(life.acked_t is None and not life.refused for life in lives)
    acked = sorted(life.sent_t for life in lives if life.acked_t is not None)
    assert sorted(seen.acked_sent_t) == acked


def test_the_runs_are_of_all_sorts(history):
    ledgers = [ledger.balance(history(*oddly(seed))) for seed in range(400)]
    assert any(not found.anomalies and not found.mistakes for found in ledgers)
    assert any(found.mistakes for found in ledgers)
    for kind in ("lost", "duplicated", "reordered"):
        assert any(found.count(kind) for found in ledgers), kind


def test_an_ordinary_session_keeps_no_message():
    account = Account()
    for seq in range(1, 1001):
        account.send(float(seq), Sent("london/0", "a", seq), 0)
        del account.open[seq]
        account.acked.add(seq)
        account.store(seq)
    assert account.plain
    assert not account.lacks
    assert (account.sent.ranges, account.stored.ranges) == (((1, 1001),), ((1, 1001),))
