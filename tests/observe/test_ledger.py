import pytest

from sim.observe.events import Acked, Audited, Event, Failed, Sent, Stored
from sim.observe.ledger import balance


def message(seq, t, *, acked=True, stored=1, session="s1", client="london/0"):
    """The life of one message that was sent at t, as events."""
    events: list[tuple[float, Event]] = [(t, Sent(client, session, seq))]
    if acked:
        events.append((t + 0.1, Acked(client, session, seq, "fra", "m1", 20.0)))
    events += [(140.0 + seq / 1000, Stored(session, seq, "fra", "m1"))] * stored
    return events


def audited(*lives):
    return [event for life in lives for event in life] + [(149.0, Audited())]


def test_a_clean_run_has_no_anomaly(history):
    ledger = balance(history(*audited(message(1, 1), message(2, 2), message(3, 3))))
    assert (ledger.sent, ledger.acked, ledger.unknown) == (3, 3, 0)
    assert ledger.audited
    assert ledger.anomalies == []


def test_exactly_the_planted_messages_are_found(history):
    """One lost, one duplicated and one reordered message among many others."""
    lives = [message(n, n / 10) for n in range(1, 100) if n not in (17, 42, 60)]
    lives += [message(17, 1.7, stored=0), message(42, 4.2, stored=2)]
    late = message(60, 6.0, stored=0)
    late.append((140.95, Stored("s1", 60, "fra", "m1")))
    found = balance(history(*audited(*lives, late))).anomalies
    assert {(a.kind, a.session, a.seq) for a in found} == {
        ("lost", "s1", 17),
        ("duplicated", "s1", 42),
        ("reordered", "s1", 60),
    }
    lost = next(a for a in found if a.kind == "lost")
    assert (lost.client, lost.machine) == ("london/0", "m1")
    assert lost.sent_t == pytest.approx(1.7)
    assert lost.acked_t == pytest.approx(1.8)


def test_a_message_of_unknown_fate_is_never_lost(history):
    ledger = balance(history(*audited(message(1, 1, acked=False, stored=0))))
    assert ledger.unknown == 1
    assert ledger.anomalies == []


def test_a_message_that_was_refused_is_not_unknown(history):
    sent, failed = Sent("london/0", "s1", 1), Failed("london/0", "s1", 1, "fra", "503")
    ledger = balance(history((1, sent), (1.1, failed)))
    assert (ledger.sent, ledger.acked, ledger.unknown) == (1, 0, 0)


def test_sent_again_is_one_message(history):
    again = [(9.0, Sent("london/0", "s1", 1, attempt=2))]
    ledger = balance(history(*audited(message(1, 1), again)))
    assert (ledger.sent, ledger.acked) == (1, 1)


def test_without_an_audit_nothing_is_called_lost(history):
    ledger = balance(history(*message(1, 1, stored=0)))
    assert not ledger.audited
    assert ledger.anomalies == []
    assert "nobody asked" in ledger.why_not_audited


def test_a_failed_audit_says_why(history):
    ledger = balance(history(*message(1, 1, stored=0), (149, Audited(error="refused"))))
    assert not ledger.audited
    assert "refused" in ledger.why_not_audited


def test_order_is_by_session(history):
    """Two sessions whose messages interleave in the database are each in order."""
    mixed = [(140.0 + n / 100, Stored(f"s{n % 2}", n, "fra", "m1")) for n in range(10)]
    lives = [[(n / 10, Sent(f"x/{n % 2}", f"s{n % 2}", n))] for n in range(10)]
    assert balance(history(*audited(*lives, mixed))).anomalies == []
