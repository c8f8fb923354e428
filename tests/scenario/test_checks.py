"""Every check: what holds, what fails with which reason, and what cannot be known."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import pytest

from sim.observe.events import (
    Acked,
    Connected,
    ConnectFailed,
    Disconnected,
    EdgeConnection,
    Event,
    Failed,
    FaultBegan,
    HealthChanged,
    HostStalled,
    LinkChanged,
    LinksMeasured,
    MachineChanged,
    ProcessorWaits,
    Resolved,
    RoutingChanged,
    Sent,
    SessionReady,
    Stored,
)
from sim.scenario.verdict import judge

LONDON = "london/0"


def connected(t=0.1, region="fra", client=LONDON):
    return (t, Connected(client, client.split("/")[0], region, f"m-{region}"))


def acked(t, region="fra", seq=None, client=LONDON, latency_ms=20.0):
    seq = int(t * 10) if seq is None else seq
    return (t, Acked(client, f"s-{client}", seq, region, f"m-{region}", latency_ms))


def crash(t):
    return (t, FaultBegan("crash", "fra", {"kind": "region", "region": "fra"}))


def steadily(region="fra", start=0.5, end=150.0, client=LONDON, latency_ms=20.0):
    """An answer a second."""
    count = int(end - start) + 1
    return [acked(start + n, region, n + 1, client, latency_ms) for n in range(count)]


def finding(evidence, *pairs, **expectation):
    """What a single expectation comes to."""
    verdict = judge(evidence(connected(), *pairs, expect=[expectation]))
    return verdict.findings[0][1]


class TestServedBy:
    asked: ClassVar = {"check": "served_by", "location": "london", "region": "fra", "until": "20s"}

    def test_holds_where_all_came_from_the_region(self, evidence):
        assert finding(evidence, *steadily("fra"), **self.asked).held is True

    def test_one_stray_message_breaks_it_and_is_named(self, evidence):
        found = finding(evidence, *steadily("fra"), acked(7.2, "iad"), **self.asked)
        assert found.held is False
        assert "7.2 s" in found.why
        assert "iad" in found.why
        assert LONDON in found.why

    def test_what_is_outside_the_window_does_not_count(self, evidence):
        assert finding(evidence, *steadily("fra"), acked(20.0, "iad"), **self.asked).held is True

    def test_without_a_message_nothing_is_known(self, evidence):
        assert finding(evidence, acked(30.0), **self.asked).held is None


class TestOutage:
    asked: ClassVar = {"check": "outage", "location": "london"}

    def test_no_gap_is_no_outage(self, evidence):
        assert finding(evidence, *steadily(), **self.asked, max="0s").held is True

    @pytest.mark.parametrize(("sent_s", "held"), [(60.0, None), (21.0, False)])
    def test_a_client_that_sent_nothing_was_not_refused_service(self, evidence, sent_s, held):
        session = f"s-{LONDON}"
        sent = [(t - 0.02, Sent(LONDON, session, e.seq)) for t, e in steadily(end=20)]
        late = [(sent_s, Sent(LONDON, session, 61)), acked(60.5, seq=61)]
        pairs = [connected(), *sent, *steadily(end=20), *late]
        found = finding(evidence, *pairs, **self.asked, max="30s")
        assert found.held is held
        assert ("sent nothing beyond its pace" in found.why) == (held is None)

    def test_an_outage_beyond_the_limit_fails_with_its_anatomy(self, evidence):
        gap = [*steadily(end=20), *steadily("iad", start=60.5)]
        found = finding(evidence, *gap, **self.asked, max="30s")
        assert found.held is False
        assert found.observed == "41.0 s"
        assert "reconnect 41.0 s" in found.why

    def test_within_the_limit_it_holds(self, evidence):
        gap = [*steadily(end=20), *steadily("iad", start=60.5)]
        assert finding(evidence, *gap, **self.asked, max="41s").held is True

    def test_one_client_of_many_is_enough(self, evidence):
        crowd = [pair for n in range(1, 40) for pair in steadily(client=f"london/{n}")]
        one = [*steadily(end=20), *steadily(start=60.5)]
        assert finding(evidence, *crowd, *one, **self.asked, max="5s").held is False

    def test_an_expected_outage_that_did_not_happen_fails(self, evidence):
        assert finding(evidence, *steadily(), **self.asked, min="10s").held is False

    def test_clients_that_were_never_served_prove_nothing_good(self, evidence):
        assert finding(evidence, **self.asked, max="500s").held is None
        assert finding(evidence, **self.asked, min="10s").held is None

    def test_a_client_that_is_never_served_is_cut_off_from_its_first_attempt(self, evidence):
        found = finding(evidence, **self.asked, max="30s")
        assert (found.held, found.observed) == (False, "149.9 s")
        assert "no client of london was ever served" in found.why

    def test_where_no_machine_was_reached_it_may_be_us(self, evidence):
        tries = [(10.0 + n, ConnectFailed(LONDON, "london", "fra", "refused")) for n in range(9)]
        asked = {**self.asked, "max": "30s"}
        ran = evidence(connected(client="new-york/0"), *tries, expect=[asked])
        assert judge(ran).findings[0][1].held is None
        ran = evidence(connected(client="new-york/0"), *tries, crash(15.0), expect=[asked])
        assert judge(ran).findings[0][1].held is None
        ran = evidence(connected(client="new-york/0"), crash(5.0), *tries, expect=[asked])
        assert judge(ran).findings[0][1].held is False
        turned_down = (20.0, ConnectFailed(LONDON, "london", "fra", "status 403", "m"))
        ran = evidence(connected(client="new-york/0"), *tries, turned_down, expect=[asked])
        assert judge(ran).findings[0][1].held is False

    def test_a_race_that_the_host_decided_proves_no_short_outage(self, evidence):
        """London's clients would have asked before DNS left Frankfurt, and stayed for a TTL."""
        lost = Disconnected(LONDON, "london", "fra", "m-fra", "reset", how="broken")
        pairs = [
            *(*steadily(end=20), *steadily("iad", start=23.5)),
            *((20.6, HostStalled(1000.0)), (20.9, lost)),
            *((-1.0, RoutingChanged("london", ("fra", "iad"))),),
            (20.8, RoutingChanged("london", ("iad",))),
            (21.0, Resolved(LONDON, "london", "iad", "127.44.1.101", 51.0)),
        ]
        asked = {**self.asked, "max": "30s"}
        found = finding(evidence, *pairs, **asked)
        assert (found.held, found.observed) == (None, "4.0 s")
        assert "london/0 noticed so late that DNS had left fra" in found.why
        assert finding(evidence, *pairs, **self.asked, min="20s").held is None
        assert finding(evidence, *pairs, **self.asked, min="40s").held is False
        assert finding(evidence, *pairs, **self.asked, max="35s").held is True
        quiet = [(t, e) for t, e in pairs if not isinstance(e, HostStalled)]
        assert finding(evidence, *quiet, **asked).held is True

    def test_what_is_no_longer_than_the_floor_does_not_count(self, evidence):
        twice = [*steadily(end=20), *steadily(start=24, end=60), *steadily(start=90.5)]
        asked = {**self.asked, "until": "60s"}
        found = finding(evidence, *twice, **asked, max="0s", longer_than="5s")
        assert found.held is True
        assert found.observed == "0.0 s (1 shorter outage not counted)"
        assert finding(evidence, *twice, **asked, max="0s", longer_than="3s").held is False
        assert finding(evidence, *twice, **self.asked, max="0s", longer_than="5s").held is False


class TestGaps:
    """A message every second and a way of some 15 ms: less than two seconds prove nothing."""

    asked: ClassVar = {"check": "gaps", "location": "london"}

    def test_a_steady_stream_has_gaps_as_long_as_its_pace(self, evidence):
        found = finding(evidence, *steadily(), **self.asked, max="1500ms")
        assert found.held is True
        assert found.observed == "longest 1 s of 1 stream"

    def test_a_silence_fails_where_enough_of_it_is_certain(self, evidence):
        gap = [*steadily(end=20), *steadily(start=26.5)]
        found = finding(evidence, *gap, **self.asked, max="4s")
        assert found.held is False
        assert found.why == "london/0 heard nothing from 19.5 s to 26.5 s"

    def test_what_may_be_the_pace_alone_is_unknown(self, evidence):
        gap = [*steadily(end=20), *steadily(start=26.5)]
        found = finding(evidence, *gap, **self.asked, max="6500ms")
        assert found.held is None
        assert "with a message every 1 s no more than 5.9" in found.why

    def test_less_than_the_load_can_tell_is_unknown_even_in_a_steady_stream(self, evidence):
        assert finding(evidence, *steadily(), **self.asked, max="200ms").held is None

    def test_a_simulator_that_stood_still_is_no_silence(self, evidence):
        gap = [*steadily(end=20), *steadily(start=26.5), (26.0, HostStalled(real_ms=5000.0))]
        assert finding(evidence, *gap, **self.asked, max="4s").held is None

    def test_what_never_came_back_is_silent_to_the_end(self, evidence):
        found = finding(evidence, *steadily(end=100), **self.asked, max="30s")
        assert found.held is False
        assert found.observed == "longest 50.5 s of 1 stream"

    def test_who_was_never_answered_was_silent_all_the_time(self, evidence):
        assert finding(evidence, **self.asked, max="60s").held is False

    def test_a_percentile_is_of_the_streams_by_the_longest_silence_of_each(self, evidence):
        names = [f"london/{n}" for n in range(1, 10)]
        crowd = [connected(client=name) for name in names]
        crowd += [pair for name in names for pair in steadily(client=name)]
        one = [*steadily(end=20), *steadily(start=60.5)]
        found = finding(evidence, *crowd, *one, **self.asked, max="2s", percentile=90)
        assert found.held is True
        assert found.observed == "p90 1 s, longest 41 s of 10 streams"
        assert finding(evidence, *crowd, *one, **self.asked, max="2s", percentile=91).held is False

    def test_a_time_without_a_client_is_unknown(self, evidence):
        asked = {**self.asked, "location": "new-york"}
        assert finding(evidence, *steadily(), **asked, max="2s").held is None

    def test_only_silences_that_touch_the_time_count(self, evidence):
        gap = [*steadily(end=20), *steadily(start=60.5)]
        assert finding(evidence, *gap, **self.asked, max="2s", **{"from": "70s"}).held is True


def life(seq, t, stored=1, acked_too=True):
    """A message's events: sent, acknowledged, stored that many times."""
    pairs: list[tuple[float, Event]] = [(t, Sent(LONDON, "s1", seq))]
    if acked_too:
        pairs.append((t + 0.1, Acked(LONDON, "s1", seq, "fra", "m-fra", 20.0)))
    return pairs + [(150.05, Stored("s1", seq, "fra", "m-fra"))] * stored


class TestMessages:
    asked: ClassVar = {"check": "messages", "lost": 0, "duplicated": 0, "reordered": 0}

    def test_clean(self, evidence):
        assert finding(evidence, *life(1, 1), *life(2, 2), **self.asked).held is True

    def test_lost_after_acknowledgement(self, evidence):
        found = finding(evidence, *life(1, 1), *life(2, 2, stored=0), **self.asked)
        assert found.held is False
        assert "1 lost" in found.observed
        assert "message 2 of session s1" in found.why

    @pytest.mark.parametrize(("latency_ms", "held"), [(0.3, None), (20.0, False)])
    def test_what_was_acknowledged_sooner_than_anybody_can_answer_is_no_loss(
        self, evidence, latency_ms, held
    ):
        sent, (t, answer), *_ = life(2, 2)
        hasty = [sent, (t, replace(answer, latency_ms=latency_ms))]
        found = finding(evidence, *life(1, 1), *hasty, **self.asked)
        assert found.held is held
        assert ("that message 2 of session s1 was acknowledged" in found.why) == (held is None)

    def test_doubled(self, evidence):
        found = finding(evidence, *life(1, 1), *life(2, 2, stored=2), **self.asked)
        assert found.held is False
        assert "1 duplicated" in found.observed

    def test_reordered(self, evidence):
        swapped = [(150.05, Stored("s1", seq, "fra", "m-fra")) for seq in (2, 1)]
        sent = [*life(1, 1, stored=0), *life(2, 2, stored=0)]
        found = finding(evidence, *sent, *swapped, **self.asked)
        assert found.held is False
        assert "1 reordered" in found.observed

    def test_what_is_not_asked_is_not_judged(self, evidence):
        pairs = [*life(1, 1), *life(2, 2, stored=2)]
        assert finding(evidence, *pairs, check="messages", lost=0).held is True

    def test_only_messages_sent_in_the_window_count(self, evidence):
        pairs = [*life(1, 1), *life(2, 30, stored=0)]
        assert finding(evidence, *pairs, **self.asked, until="20s").held is True
        assert finding(evidence, *pairs, **self.asked, **{"from": "20s"}).held is False

    def test_a_time_without_a_message_is_unknown(self, evidence):
        found = finding(evidence, *life(1, 1), *life(2, 30), **self.asked, **{"from": "40s"})
        assert (found.held, found.observed) == (None, "nothing")

    def test_only_those_sent_in_the_window_are_told_of(self, evidence):
        found = finding(evidence, *life(1, 1), *life(2, 30), **self.asked, until="20s")
        assert found.observed.endswith("of 1")

    def test_a_number_that_means_two_messages_is_unknown_and_named(self, evidence):
        pairs = [*life(1, 1), *life(1, 5, stored=0), *life(2, 6)]
        found = finding(evidence, *pairs, **self.asked)
        assert found.held is None
        assert "sent message 1 of session s1 anew" in found.why
        assert "docs/drivers.md#how-messages-are-numbered" in found.why

    def test_a_loss_is_found_beside_a_mistake(self, evidence):
        pairs = [*life(1, 1), *life(1, 5, stored=0), *life(2, 6, stored=0)]
        found = finding(evidence, *pairs, **self.asked)
        assert found.held is False
        assert "message 2" in found.why

    def test_a_mistake_outside_the_window_is_not_held_against_it(self, evidence):
        pairs = [*life(1, 1), *life(2, 30), *life(2, 40, stored=0)]
        assert finding(evidence, *pairs, **self.asked, until="20s").held is True

    @pytest.mark.parametrize(
        ("ack", "held"),
        [("^ok (?P<sequence>[0-9]+)", False), ("^upto (?P<up_to>.)", False), ("ok", None)],
    )
    def test_an_answer_without_a_number_may_be_anothers(self, evidence, ack, held):
        """The gateway answered two of three and keeps two: the third is one that it never took."""
        kept = [*life(1, 1), *life(2, 2, stored=0), *life(3, 3, acked_too=False)]
        driver = {"websocket": "/", "send": "{seq}", "ack": ack}
        ran = evidence(connected(), *kept, driver=driver, expect=[self.asked])
        assert judge(ran).findings[0][1].held is held
        lost = [*life(1, 1), *life(2, 2, stored=0), *life(3, 3, acked_too=False, stored=0)]
        ran = evidence(connected(), *lost, driver=driver, expect=[self.asked])
        assert judge(ran).findings[0][1].held is False

    def test_without_an_audit_unknown(self, evidence):
        ran = evidence(connected(), *life(1, 1), expect=[self.asked], audited=False)
        assert judge(ran).findings[0][1].held is None


def ready(t, acked_, remembered, resumed=True, region="iad"):
    machine = f"m-{region}"
    return (t, SessionReady(LONDON, "s1", region, machine, resumed, acked_, remembered))


def cut(t=20.0, *, expected=False):
    return (t, Disconnected(LONDON, "london", "fra", "m-fra", "reset", expected))


def down(t, machine=None):
    return (t, ConnectFailed(LONDON, "london", "fra", "status 403", machine))


class TestSessions:
    asked: ClassVar = {"check": "sessions", "resumed": "all"}

    def test_resumed_with_all_it_had(self, evidence):
        pairs = [ready(0.2, 0, 0, resumed=False), cut(), ready(50, 57, 57)]
        found = finding(evidence, *pairs, **self.asked)
        assert found.held is True
        assert found.observed == "1 of 1 resumed"

    @pytest.mark.parametrize(
        ("resume", "told"),
        [
            ({"hello": "again {session}"}, False),
            ({"hello": "again {session}", "forgotten": "^gone$"}, True),
            ({"hello": "again {session}", "ready": "^ready at (?P<acked>[0-9]+)$"}, True),
            ({"hello": [{"send": "again"}, {"wait": "^yours$"}]}, True),
            ({"before": [{"get": "/{session}"}]}, True),
        ],
    )
    def test_a_resumption_that_cannot_tell_is_no_proof(self, evidence, resume, told):
        driver = {"websocket": "/", "hello": "{session}", "ready": "^ready", "resume": resume}
        driver |= {"send": "{seq}", "ack": "^(?P<sequence>.)"}
        pairs = [connected(), ready(0.2, 0, 0, resumed=False), *life(1, 1), cut(), ready(50, 1, 1)]
        ran = evidence(*pairs, driver=driver, expect=[self.asked], audited=False)
        assert judge(ran).findings[0][1].held is (True if told else None)
        ran = evidence(*pairs, driver=driver, expect=[self.asked])
        assert judge(ran).findings[0][1].held is True

    def test_a_session_that_forgot_is_named_as_such(self, evidence):
        pairs = [ready(0.2, 0, 0, resumed=False), *life(57, 1), cut(), ready(50, 0, 57)]
        found = finding(evidence, *pairs, **self.asked)
        assert found.held is False
        assert "forgot" in found.why
        assert "57" in found.why
        assert "m-iad" in found.why

    def test_why_it_forgot_is_told_by_what_the_database_holds(self, evidence):
        pairs = [ready(0.2, 0, 0, resumed=False), *life(1, 1), cut(), ready(50, 0, 1)]
        gone = (20.0, MachineChanged("m-fra", "fra", "stopped"))
        said = finding(evidence, *pairs, gone, **self.asked).why
        assert said.endswith("so this state lived on the machine that is gone")
        said = finding(evidence, *pairs, **self.asked).why
        assert said.endswith(
            "on the machine that acknowledged them, or what was read lagged behind"
        )
        pairs = [ready(0.2, 0, 0, resumed=False), *life(1, 1), cut()]
        pairs.append(ready(50, 0, 1, region="fra"))
        drained = [(1.05, MachineChanged("m-fra", "fra", "updating"))]
        drained += [(21.0, MachineChanged("m-fra", "fra", "started"))]
        said = finding(evidence, *pairs, *drained, **self.asked).why
        assert said.endswith("so this state lived on the machine that is gone")
        said = finding(evidence, *pairs, **self.asked).why
        assert said.endswith("the same process acknowledged them: it answered by less")
        pairs = [ready(0.2, 0, 0, resumed=False), *life(1, 1, stored=0), cut(), ready(50, 0, 1)]
        assert "was lost" in finding(evidence, *pairs, **self.asked).why

    def test_only_the_window_counts(self, evidence):
        pairs = [
            ready(0.2, 0, 0, resumed=False),
            *life(57, 1),
            cut(),
            ready(50, 57, 57),
            *life(60, 51),
            cut(90),
            ready(99, 0, 60),
        ]
        assert finding(evidence, *pairs, **self.asked, until="60s").held is True
        assert finding(evidence, *pairs, **self.asked).held is False

    def test_turned_down_each_time_it_comes_back(self, evidence):
        tries = [down(30 + n, machine="m-iad") for n in range(2)]
        found = finding(evidence, ready(0.2, 0, 0, resumed=False), cut(), *tries, **self.asked)
        assert found.held is False
        assert f"never came back, turned down each time: {LONDON}" in found.why

    def test_let_in_and_thrown_out_before_the_session_stands(self, evidence):
        tries = [pair for n in range(2) for pair in (connected(30 + n), cut(30.5 + n))]
        found = finding(evidence, ready(0.2, 0, 0, resumed=False), cut(), *tries, **self.asked)
        assert found.held is False

    def test_once_may_be_the_death_of_a_machine(self, evidence):
        tries = [connected(30), cut(30.5), down(31), down(32)]
        found = finding(evidence, ready(0.2, 0, 0, resumed=False), cut(), *tries, **self.asked)
        assert found.held is None

    @pytest.mark.parametrize("tries", [[], [149.8], range(30, 140)], ids=["none", "one", "many"])
    def test_who_reaches_no_machine_until_the_end_shows_nothing(self, evidence, tries):
        pairs = [ready(0.2, 0, 0, resumed=False), cut(), *map(down, tries)]
        found = finding(evidence, *pairs, **self.asked)
        assert found.held is None
        assert f"had not come back when the load ended: {LONDON}" in found.why

    def test_on_the_way_back_at_the_end_is_left_out_where_others_decide(self, evidence):
        pairs = [ready(0.2, 0, 0, resumed=False), cut(), ready(50, 57, 57), cut(149.5)]
        found = finding(evidence, *pairs, **self.asked)
        assert found.held is True
        assert found.observed == "1 of 1 resumed, 1 on their way back when the load ended"

    def test_on_the_way_back_for_longer_than_an_attempt_takes_is_not_known(self, evidence):
        pairs = [ready(0.2, 0, 0, resumed=False), cut(), ready(50, 57, 57), cut(130)]
        assert finding(evidence, *pairs, **self.asked).held is None

    @pytest.mark.parametrize("remembered", [2, 3])
    def test_what_a_driver_remembers_wrongly_excuses_no_gateway_that_forgot_more(
        self, evidence, remembered
    ):
        pairs = [ready(0.2, 0, 0, resumed=False), *life(1, 1), *life(2, 2)]
        pairs += [*life(3, 3, stored=0, acked_too=False), cut(), ready(50, 0, remembered)]
        assert finding(evidence, *pairs, **self.asked).held is False

    @pytest.mark.parametrize(
        ("acked_", "remembered", "why"),
        [
            (2, 3, "told that 3 is the last message of session s1 that was acknowledged"),
            (0, 0, "by `client.acked` it is 2"),
            (2, 2, ""),
            (2, 0, ""),
        ],
    )
    def test_what_a_driver_remembers_wrongly_is_told_where_it_decides(
        self, evidence, acked_, remembered, why
    ):
        pairs = [ready(0.2, 0, 0, resumed=False), *life(1, 1), *life(2, 2)]
        pairs += [*life(3, 3, stored=0, acked_too=False), cut()]
        found = finding(evidence, *pairs, ready(50, acked_, remembered), **self.asked)
        assert found.held is (None if why else True)
        assert why in found.why

    def test_a_refused_message_hides_nothing_that_was_acknowledged_after_it(self, evidence):
        refused = [
            (2.0, Sent("london/0", "s1", 2)),
            (2.1, Failed("london/0", "s1", 2, "fra", "no")),
        ]
        pairs = [ready(0.2, 0, 0, resumed=False), *life(1, 1), *refused, *life(3, 3), cut()]
        found = finding(evidence, *pairs, ready(50, 1, 0), **self.asked)
        assert found.held is None
        assert "by `client.acked` it is 3" in found.why

    def test_another_session_is_none_that_went_on(self, evidence):
        other = replace(ready(50, 0, 0)[1], session="s2")
        pairs = [ready(0.2, 0, 0, resumed=False), cut(), (50, other)]
        found = finding(evidence, *pairs, **self.asked)
        assert (found.held, found.observed) == (None, "0 of 1 resumed")

    def test_a_new_session_after_an_interruption_is_none_that_went_on(self, evidence):
        pairs = [ready(0.2, 0, 0, resumed=False), cut(), ready(50, 0, 0, resumed=False)]
        found = finding(evidence, *pairs, **self.asked)
        assert (found.held, found.observed) == (None, "0 of 1 resumed")
        assert "resumed=False" in found.why

    def test_a_new_session_after_one_that_was_forgotten_replaces_none(self, evidence):
        pairs = [ready(0.2, 0, 0, resumed=False), *life(57, 1), cut(), ready(50, 0, 57), cut(50.1)]
        found = finding(evidence, *pairs, ready(51, 0, 0, resumed=False), **self.asked)
        assert (found.held, found.observed) == (False, "0 of 1 resumed")

    def test_uninterrupted_sessions_prove_nothing(self, evidence):
        pairs = [ready(0.2, 0, 0, resumed=False), cut(149, expected=True)]
        assert finding(evidence, *pairs, **self.asked).held is None


class TestResidency:
    asked: ClassVar = {"check": "residency", "policy": "eu"}

    def test_holds_inside(self, evidence):
        assert finding(evidence, *steadily("fra"), **self.asked).held is True

    def test_one_message_outside_breaks_it(self, evidence):
        found = finding(evidence, *steadily("fra"), acked(61.5, "iad"), **self.asked)
        assert found.held is False
        assert "61.5 s" in found.why

    def test_others_may_be_served_anywhere(self, evidence):
        pairs = [*steadily("fra"), *steadily("iad", client="new-york/0")]
        assert finding(evidence, *pairs, **self.asked).held is True

    def test_an_edge_outside_breaks_it_even_without_a_message(self, evidence):
        edge = EdgeConnection("iad", "m-iad", "london", "127.44.2.10", 9, 9, 5.0, "closed", 503)
        assert finding(evidence, *steadily("fra"), (30.0, edge), **self.asked).held is False

    def test_so_does_a_machine_outside_behind_an_edge_inside(self, evidence):
        """Anycast: Frankfurt's edge forwards to Ashburn."""

        def through(machine_region):
            return EdgeConnection(
                *("fra", "m", "london", "127.44.2.10", 9, 9, 5.0, "closed", 200),
                machine_region=machine_region,
            )

        inside, outside = (30.0, through("fra")), (31.0, through("iad"))
        assert finding(evidence, *steadily("fra"), inside, **self.asked).held is True
        found = finding(evidence, *steadily("fra"), inside, outside, **self.asked)
        assert found.held is False
        assert "1 connection led to a machine outside fra" in found.why


class TestLatency:
    asked: ClassVar = {"check": "latency", "location": "london", "percentile": 90, "max": "50ms"}

    def test_a_percentile_within(self, evidence):
        slow = [acked(140 + n / 10, latency_ms=500.0) for n in range(5)]
        assert finding(evidence, *steadily(end=100), *slow, **self.asked).held is True

    def test_a_percentile_beyond(self, evidence):
        slow = [acked(110 + n, latency_ms=500.0) for n in range(20)]
        found = finding(evidence, *steadily(end=100), *slow, **self.asked)
        assert found.held is False
        assert "500.0 ms" in found.observed

    def test_nothing_measured(self, evidence):
        assert finding(evidence, **self.asked).held is None


class TestErrors:
    def test_a_share_of_refused_attempts(self, evidence):
        refused = [(50.0 + n, ConnectFailed(LONDON, "london", "fra", "503")) for n in range(10)]
        pairs = [*steadily(end=40), *refused]
        assert finding(evidence, *pairs, check="errors", max="25%").held is True
        assert finding(evidence, *pairs, check="errors", max="10%").held is False

    def test_a_client_that_is_never_let_in_was_refused(self, evidence):
        tries = [pair for n in range(5) for pair in (connected(10 + n), cut(10.5 + n))]
        found = finding(evidence, (0.2, Sent(LONDON, "s1", 1)), *tries, check="errors", max="5%")
        assert (found.held, found.observed) == (False, "100.00% (5 of 5)")
        assert found.why == "most often london → fra: reset"

    def test_one_that_had_said_something_was_let_in(self, evidence):
        tries = [(10.2, Sent(LONDON, "s1", 1)), cut(10.5), acked(30), connected(31), acked(32)]
        assert finding(evidence, *tries, cut(33), check="errors", max="0%").held is True

    def test_the_same_refusal_of_each_message_is_one_kind(self, evidence):
        refused = [(50.0 + n, Failed(LONDON, "s", n, "fra", f"no {n} here")) for n in range(3)]
        found = finding(evidence, *steadily(end=40), *refused, check="errors", max="1%")
        assert found.why == "most often london → fra: no N here"

    def test_a_request_that_was_refused_is_one_error_and_not_its_connection_too(self, evidence):
        one = [
            (50.0, Sent(LONDON, "s", 9)),
            (50.1, Failed(LONDON, "s", 9, "fra", "status 503")),
            (50.2, ConnectFailed(LONDON, "london", "fra", "status 503")),
        ]
        alone = (50.3, ConnectFailed(LONDON, "london", "fra", "refused"))
        asked = {"check": "errors", "max": "100%"}
        ran = evidence(connected(), *steadily(end=40), *one, alone, expect=[asked])
        assert judge(ran).findings[0][1].observed.endswith("(2 of 42)")

    def test_what_waited_for_an_answer_when_its_connection_ended_was_not_served(self, evidence):
        ended = Disconnected(LONDON, "london", "fra", "m", "closed with code 1000", unanswered=2)
        pairs = [connected(10), (50.0, ended), *steadily(end=40)]
        found = finding(evidence, *pairs, check="errors", max="1%")
        assert (found.held, found.observed[-9:]) == (False, "(2 of 42)")
        assert found.why == "most often london → fra: unanswered: closed with code 1000"
        at_the_end = replace(ended, expected=True)
        assert finding(
            evidence, *pairs[:1], (50.0, at_the_end), *steadily(end=40), check="errors", max="0%"
        ).held

    @pytest.mark.parametrize(("stalled_s", "held"), [(9.0, None), (2.0, False)])
    def test_those_in_a_gap_that_may_be_the_hosts_prove_nothing(self, evidence, stalled_s, held):
        ended = Disconnected(LONDON, "london", "fra", "m", "closed with code 1000", unanswered=2)
        served = [*steadily(end=40), *steadily(start=49.5)]
        gave_up = ConnectFailed(LONDON, "london", "fra", "no answer in time")
        spoilt = [(44.0, ended), (48.0, HostStalled(1000.0 * stalled_s)), (48.1, gave_up)]
        found = finding(evidence, *served, *spoilt, check="errors", max="1%")
        assert found.held is held
        assert ("3 of them may be due" in found.why) is (held is None)

    @pytest.mark.parametrize(
        ("waited_s", "speed", "held"),
        [(0.2, 20.0, None), (0.2, 1.0, False), (1.5, 20.0, False), (0.01, 20.0, False)],
    )
    def test_an_answer_that_was_due_within_the_resolution(self, evidence, waited_s, speed, held):
        ended = Disconnected(LONDON, "london", "fra", "m", "closed with code 1000", unanswered=1)
        cuts = [
            pair
            for n in range(50, 60)
            for pair in ((n + 0.6, Sent(LONDON, "s", n)), (n + 0.6 + waited_s, ended))
        ]
        asked = {"check": "errors", "max": "1%"}
        served = steadily(latency_ms=150.0)
        ran = evidence(connected(), *served, *cuts, expect=[asked], speed=speed, clock="lens")
        assert judge(ran).findings[0][1].held is held

    def test_those_outside_such_a_gap_fail_on_a_busy_host_too(self, evidence):
        refused = [(60.2 + n, Failed(LONDON, "s", n, "fra", "503")) for n in range(5)]
        served = [*steadily(end=40), *steadily(start=49.5)]
        stall = (49.0, HostStalled(9000.0))
        found = finding(evidence, *served, stall, *refused, check="errors", max="1%")
        assert found.held is False

    def test_another_locations_errors_do_not_count(self, evidence):
        refused = (50.0, ConnectFailed("new-york/0", "new-york", "iad", "503"))
        asked = {"check": "errors", "location": "london", "max": "0%"}
        assert finding(evidence, *steadily(), refused, **asked).held is True


def led(t, *regions):
    return (t, RoutingChanged("london", regions))


class TestDns:
    def test_within_a_time_of_the_fault(self, evidence):
        pairs = [led(0.0, "fra", "iad"), _crash(20.0), led(44.0, "iad")]
        asked = {"check": "dns", "location": "london", "region": "iad", "until": "100s"}
        assert finding(evidence, *steadily(), *pairs, **asked, within="30s").held is True
        assert finding(evidence, *steadily(), *pairs, **asked, within="20s").held is False

    def test_throughout_a_window(self, evidence):
        pairs = [led(0.0, "fra", "iad"), led(44.0, "iad")]
        asked = {"check": "dns", "location": "london", "region": "fra"}
        assert finding(evidence, *pairs, **asked, until="44s").held is True
        assert finding(evidence, *pairs, **asked, until="50s").held is False


class TestLateness:
    """Our own process waits: what it does by the clock comes that much later."""

    moved = (*steadily(end=44), *steadily(start=44.5, region="iad"))

    @staticmethod
    def late(seconds, t=30.0):
        return (t, HostStalled(seconds * 1000.0))

    @pytest.mark.parametrize(
        ("late_s", "t", "held"),
        [(0.0, 30.0, False), (3.0, 30.0, False), (5.0, 30.0, None), (5.0, 15.0, False)],
    )
    @pytest.mark.parametrize(
        "asked",
        [
            {"check": "dns", "location": "london", "region": "iad", "from": "40s"},
            {"check": "dns", "location": "london", "region": "iad", "within": "20s"},
            {"check": "served_by", "location": "london", "region": "iad", "from": "40s"},
        ],
        ids=["dns", "dns within", "served_by"],
    )
    def test_what_comes_late_by_no_more_is_unknown(self, evidence, asked, late_s, t, held):
        """Asked from 40 s on, seen from 44 s on; only after the fault at 20 s is it its doing."""
        pairs = [led(0.0, "fra", "iad"), _crash(20.0), led(44.0, "iad"), self.late(late_s, t)]
        found = finding(evidence, *self.moved, *pairs, **asked)
        assert found.held is held
        assert ("own process was kept waiting for up to 5.0 s" in found.why) is (held is None)

    def test_what_is_late_while_it_is_asked_for_counts_as_well(self, evidence):
        asked = {"check": "dns", "location": "london", "region": "iad", "from": "40s"}
        pairs = [led(0.0, "fra", "iad"), _crash(20.0), led(44.0, "iad")]
        stalls = [self.late(2.0, 39.0), self.late(1.5, 41.5), self.late(1.5, 43.2)]
        assert finding(evidence, *self.moved, *pairs, *stalls, **asked).held is None
        assert finding(evidence, *self.moved, *pairs, *stalls[1:], **asked).held is False

    @pytest.mark.parametrize(("speed", "held"), [(1.0, False), (10.0, None)])
    def test_a_boot_before_it_takes_as_much_longer(self, evidence, speed, held):
        asked = [{"check": "dns", "location": "london", "region": "iad", "from": "40s"}]
        boot = [
            (35.0, MachineChanged("m-iad", "iad", "starting")),
            (43.0, HealthChanged("m-iad", "iad", "passing")),
        ]
        pairs = [led(0.0, "fra", "iad"), _crash(20.0), *boot, led(44.0, "iad")]
        ran = evidence(connected(), *self.moved, *pairs, expect=asked, speed=speed)
        ((_, found),) = judge(ran).findings
        assert found.held is held
        assert ("machines booted for 4.5 s longer than in life" in found.why) is (held is None)


class TestHerd:
    def test_the_highest_rate_of_new_connections(self, evidence):
        crowd = [connected(60 + n / 100, "iad", f"london/{n}") for n in range(30)]
        asked = {"check": "herd", "region": "iad"}
        assert finding(evidence, *crowd, **asked, max="30/s").held is True
        assert finding(evidence, *crowd, **asked, max="29/s").held is False


def _crash(t, region="fra"):
    return (t, FaultBegan("crash", region, {"kind": "region", "region": region}))


class TestNoise:
    """What a busy host may have done is no failure, and no proof that all is well."""

    asked: ClassVar = {"check": "outage", "location": "london"}
    gap: ClassVar = [*steadily(end=20), *steadily(start=26.5)]  # from 19.5 s to 26.5 s

    def waits(self, *parts, each_ms=400.0, seconds=6):
        """In seconds of the gap, these parts waited for so many ms of each (at speed 1)."""
        waited = dict.fromkeys(parts, each_ms)
        return [(20.5 + n, ProcessorWaits(1000.0, waited)) for n in range(seconds)]

    def test_a_gap_that_one_part_waited_for_is_not_counted(self, evidence):
        noise = self.waits("sim", each_ms=950.0, seconds=7)
        assert finding(evidence, *self.gap, **self.asked, max="0s").held is False
        found = finding(evidence, *self.gap, *noise, **self.asked, max="0s")
        assert (found.held, found.observed) == (True, "0.0 s")

    def test_a_gap_that_its_parts_together_may_explain_is_unknown(self, evidence):
        noise = self.waits("sim", "fra/1", "database")
        found = finding(evidence, *self.gap, *noise, **self.asked, max="0s")
        assert (found.held, found.observed) == (None, "7.0 s")
        assert "this machine was busy: of 7.0 s up to 6.0 s may be the host's" in found.why

    def test_an_outage_is_at_least_what_the_host_does_not_explain(self, evidence):
        noise = self.waits("sim", each_ms=300.0)  # 1.8 s of it
        bounds = {"4s": False, "6s": None, "8s": True}
        for bound, held in bounds.items():
            found = finding(evidence, *self.gap, *noise, **self.asked, max=bound)
            assert found.held is held, bound

    def test_what_tcp_may_have_added_at_this_speed_is_unknown(self, evidence):
        silent = LinkChanged("london:fra", "silent", 15.0, 0.0, {"silence": "tcp"})
        ends = [(19.6, silent), (24.0, LinkChanged("london:fra", "up", 15.0))]
        asked = [{**self.asked, "max": bound} for bound in ("5s", "6s", "8s")]
        ran = evidence(connected(), *self.gap, *ends, expect=asked, speed=10.0)
        found = [row for _, row in judge(ran).findings]
        assert [row.held for row in found] == [False, None, True]
        assert "of 7.0 s up to 1.8 s may be TCP's" in found[1].why

    def test_what_a_boot_may_have_computed_at_this_speed_is_unknown(self, evidence):
        boot = [
            (21.0, MachineChanged("m-fra", "fra", "starting")),
            (21.1, MachineChanged("m-fra", "fra", "started")),
            (25.0, HealthChanged("m-fra", "fra", "passing")),
        ]
        asked = [{**self.asked, "max": bound} for bound in ("3s", "5s", "8s")]
        ran = evidence(connected(), *self.gap, *boot, expect=asked, speed=10.0)
        found = [row for _, row in judge(ran).findings]
        assert [row.held for row in found] == [False, None, True]
        assert "of 7.0 s up to 3.6 s may be a machine's that booted" in found[1].why

    def test_a_latency_is_at_least_what_the_host_does_not_explain(self, evidence):
        slow = [(10.0 + n, Acked(LONDON, "s", n, "fra", "m", 800.0)) for n in range(50)]
        noise = [(10.0 + n, ProcessorWaits(1000.0, {"sim": 300.0})) for n in range(50)]
        for bound, held in {"400ms": False, "600ms": None, "900ms": True}.items():
            asked = {"check": "latency", "location": "london", "max": bound}
            assert finding(evidence, connected(), *slow, *noise, **asked).held is held, bound

    @pytest.mark.parametrize(
        ("speed", "held", "why"),
        [
            (1, False, ""),
            (4, False, ""),
            (8, None, "run it at speed 5"),
            (100, None, "run it at speed 5"),
        ],
    )
    def test_a_latency_that_relays_may_account_for_is_unknown(self, evidence, speed, held, why):
        """They take 5 ms of real time; the answers took 80 ms and may take 50."""
        asked = {"check": "latency", "location": "london", "max": "50ms"}
        ran = evidence(connected(), *steadily(latency_ms=80.0), speed=speed, expect=[asked])
        ((_, found),) = judge(ran).findings
        assert (found.held, why in found.why) == (held, True)

    def test_what_relays_really_add_is_measured(self, evidence):
        asked = {"check": "latency", "location": "london", "max": "50ms"}
        ran = (connected(), *steadily(latency_ms=80.0))
        assert finding(evidence, *ran, **asked).held is False
        measured = (0.0, LinksMeasured(31.0, 4))
        found = finding(evidence, measured, *ran, **asked)
        assert found.held is None
        assert found.why.startswith("of this up to 31 ms may be what relays and processors really")

    def test_what_a_starved_health_check_led_to_is_unknown(self, evidence):
        moved = [*steadily(end=60), *steadily(start=60.5, region="iad")]
        critical = (60.0, HealthChanged("m", "fra", "critical", "no answer within 5 s"))
        noise = (60.0, ProcessorWaits(4000.0, {"fra/1": 3000.0}))
        asked = {"check": "served_by", "location": "london", "region": "fra"}
        assert finding(evidence, *moved, critical, **asked).held is False
        found = finding(evidence, *moved, critical, noise, **asked)
        assert found.held is None
        assert "the health check of m ran out of time at 60.0 s" in found.why
