"""What is numbered wrongly proves nothing, and is said; what is numbered rightly still counts."""

from __future__ import annotations

import pytest

from sim.observe.events import Acked, Audited, ConnectFailed, Disconnected, Failed, Sent, Stored
from sim.observe.events import Unknown as GivenUp
from sim.observe.ledger import balance

A, B = "london/0", "london/1"


def sent(seq, client=A, session="s"):
    return Sent(client, session, seq)


def acked(seq, client=A, session="s"):
    return Acked(client, session, seq, "fra", "m1", 20.0)


def cut(client=A):
    return Disconnected(client, "london", "fra", "m1", "reset")


def stored(*numbers, session="s"):
    return [Stored(session, seq, "", "") for seq in numbers]


@pytest.fixture
def ledger(history):
    """The ledger of events in their order, one a second."""

    def ledger(*events):
        return balance(history(*enumerate((*events, Audited()))))

    return ledger


def found(ledger):
    return [(anomaly.kind, anomaly.seq) for anomaly in ledger.anomalies]


def test_a_number_sent_anew_after_its_acknowledgement_proves_nothing(ledger):
    seen = ledger(sent(1), acked(1), cut(), sent(1), acked(1), *stored(1))
    (mistake,) = seen.mistakes
    assert (mistake.session, mistake.seq) == ("s", 1)
    assert "sent message 1 of session s anew at 3.0 s" in mistake.text
    assert "acknowledged at 1.0 s" in mistake.text
    assert "docs/drivers.md#how-messages-are-numbered" in str(mistake)


def test_what_only_the_drivers_numbering_doubled_is_not_doubled(ledger):
    assert found(ledger(sent(1), acked(1), cut(), sent(1), acked(1), *stored(1, 1))) == []


def test_a_number_sent_again_while_it_is_waited_for_proves_nothing(ledger):
    seen = ledger(sent(1), sent(1), acked(1), *stored(1))
    assert "on which it still waited" in seen.mistakes[0].text


@pytest.mark.parametrize(
    "between",
    [
        [cut()],
        [ConnectFailed(A, "london", "fra", "refused")],
        [GivenUp(A, "s", 1)],
        [Failed(A, "s", 1, "fra", "503")],
    ],
)
def test_what_was_not_acknowledged_is_rightly_sent_again(ledger, between):
    seen = ledger(sent(1), *between, sent(1), acked(1), *stored(1, 1))
    assert not seen.mistakes
    assert found(seen) == [("duplicated", 1)]


@pytest.mark.parametrize("seq", [1, 11])
def test_a_session_of_two_clients_proves_nothing(ledger, seq):
    seen = ledger(sent(1), acked(1), sent(seq, B), acked(seq, B), *stored(1))
    assert f"{A} and {B} both sent messages of session s, such as {seq}" in seen.mistakes[0].text
    assert found(seen) == []


def test_numbers_that_fall_prove_nothing(ledger):
    """A gateway that knows the highest number takes a lower one for one that it has."""
    seen = ledger(sent(3), acked(3), sent(2), acked(2), sent(1), acked(1), *stored(3))
    (mistake,) = seen.mistakes
    assert "sent message 2 of session s at 2.0 s, after message 3" in mistake.text
    assert found(seen) == []


def test_numbers_may_skip(ledger):
    seen = ledger(sent(3), acked(3), sent(7), acked(7), *stored(3))
    assert not seen.mistakes
    assert found(seen) == [("lost", 7)]


def test_beside_a_reused_number_no_other_that_was_sent_again_is_known_to_be_one_message(ledger):
    """One that counts from 1 on each connection, and was not answered everything on the first."""
    first = [sent(1), acked(1), sent(2), cut()]
    seen = ledger(*first, sent(1), acked(1), sent(2), acked(2), *stored(1, 2, 1, 2))
    assert [mistake.seq for mistake in seen.mistakes] == [1]
    assert found(seen) == []


def test_a_loss_of_what_is_rightly_numbered_is_found_beside_a_mistake(ledger):
    again = [sent(1), acked(1), cut(), sent(1), acked(1)]
    seen = ledger(*again, sent(2), acked(2), sent(3), acked(3), *stored(1, 3, 3))
    assert len(seen.mistakes) == 1
    assert found(seen) == [("lost", 2), ("duplicated", 3)]


def test_another_number_on_the_wire_is_no_loss(ledger):
    """The driver told of n and sent n + 1."""
    seen = ledger(sent(1), acked(1), sent(2), acked(2), *stored(2, 3))
    assert "message 3 is stored of session s, and the driver never sent one" in str(
        seen.mistakes[0]
    )
    assert found(seen) == []


def test_what_is_stored_besides_is_no_harm(ledger):
    seen = ledger(sent(1), acked(1), *stored(0, 1))
    assert not seen.mistakes
    assert found(seen) == []


def test_one_answer_for_two_sessions_proves_nothing(ledger):
    """A room that a client entered twice, called by another name each time, and asked as one."""
    first = [sent(1, session="s1"), acked(1, session="s1"), cut()]
    then = [sent(n, session="s2") for n in (1, 2)] + [acked(n, session="s2") for n in (1, 2)]
    for answer in ([1, 2], [1, 1, 2]):  # lost and stood in for, and kept
        both = [*stored(*answer, session="s1"), *stored(*answer, session="s2")]
        seen = ledger(*first, *then, *both)
        assert {mistake.session for mistake in seen.mistakes} == {"s1", "s2"}
        assert found(seen) == []


def test_sessions_that_fared_alike_are_no_mistake(ledger):
    events = [sent(1, client, client) for client in (A, B)]
    events += [acked(1, client, client) for client in (A, B)]
    seen = ledger(*events, *stored(1, session=A), *stored(1, session=B))
    assert not seen.mistakes


@pytest.mark.parametrize(
    ("kept", "kind"), [((1, 2, 2, 3), "duplicated"), ((1, 3), "lost")], ids=["doubled", "lost"]
)
def test_the_same_wrong_done_to_two_sessions_is_the_gateways(ledger, kept, kind):
    """Clients that move together meet the same fate: their answers being alike proves nothing."""
    events = [
        event
        for client in (A, B)
        for seq in (1, 2, 3)
        for event in (sent(seq, client, client), acked(seq, client, client))
    ]
    seen = ledger(*events, *stored(*kept, session=A), *stored(*kept, session=B))
    assert not seen.mistakes
    assert found(seen) == [(kind, 2), (kind, 2)]


class TestOrder:
    def test_on_one_connection_the_earlier_sent_comes_first(self, ledger):
        piped = [sent(1), sent(2), acked(1), acked(2)]
        assert found(ledger(*piped, *stored(2, 1))) == [("reordered", 1)]

    def test_what_was_lost_on_the_way_comes_after_what_was_sent_before_it_again(self, ledger):
        late = [sent(1), cut(), sent(2), acked(2), sent(1), acked(1)]
        assert found(ledger(*late, *stored(2, 1))) == []

    def test_but_not_after_what_it_was_sent_before_on_every_connection(self, ledger):
        twice = [sent(1), sent(2), cut(), sent(1), sent(2), acked(1), acked(2)]
        assert found(ledger(*twice, *stored(2, 1))) == [("reordered", 1)]

    def test_what_was_promised_comes_before_what_was_sent_after_it(self, ledger):
        promised = [sent(1), acked(1), cut(), sent(2), acked(2)]
        assert found(ledger(*promised, *stored(2, 1))) == [("reordered", 1)]
