"""What was broken before a disturbance is broken; what may follow from it is unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.observe.events import (
    Acked,
    Connected,
    ConnectFailed,
    Disconnected,
    DriverRaised,
    Event,
    Failed,
    FaultBegan,
    FaultFailed,
    HostLost,
    LinkChanged,
    MachineStopped,
    PartFailed,
    PatternMatched,
    PatternMissed,
    RealTimeSeen,
    RoutingChanged,
    Sent,
    Stored,
    TransportTimerSeen,
)
from sim.observe.events.mishaps import ANSWER
from sim.scenario.verdict import judge

CLIENT = "london/0"
AT_S = 60.0
PART = PartFailed("link server", "gone")
HEAL = FaultFailed("heal", "london:fra", "the link server answers nothing")
RAISED = DriverRaised(CLIENT, "london", "rooms.py", 12, "KeyError: 'room'")
LOST = HostLost("tcp://10.1.2.3:2375", ("m",), "its Docker engine does not answer")
DISTURBANCES = pytest.mark.parametrize("trouble", [PART, HEAL, RAISED, LOST])


def steadily(start, end, region="fra"):
    t = start
    while t < end:
        yield (t, Acked(CLIENT, "s", int(t), region, "m", 20.0))
        t += 1.0


def run(evidence, trouble, *pairs, **asked):
    up = (0.1, Connected(CLIENT, "london", "fra", "m"))
    verdict = judge(evidence(up, (AT_S, trouble), *pairs, expect=[asked]))
    return verdict.outcome, verdict.findings[0][1]


OUTAGE = {"check": "outage", "location": "london", "max": "10s"}


@pytest.mark.parametrize(("unheard_s", "verdict"), [(5.0, "failed"), (15.0, "unknown")])
def test_a_host_may_have_been_gone_since_it_was_last_heard(evidence, unheard_s, verdict):
    cut = [*steadily(0.5, AT_S - 20), *steadily(AT_S + 0.5, 150)]
    outcome, _ = run(evidence, replace(LOST, unheard_s=unheard_s), *cut, **OUTAGE)
    assert outcome == verdict


@DISTURBANCES
def test_an_outage_that_lasts_into_it_may_be_its_doing(evidence, trouble):
    cut = [*steadily(0.5, 55), *steadily(100.5, 150)]
    outcome, finding = run(evidence, trouble, *cut, **OUTAGE)
    assert (outcome, finding.held, finding.observed) == ("unknown", None, "46.0 s")
    assert "may follow from it" in finding.why


@DISTURBANCES
def test_an_outage_that_was_too_long_by_then_is_broken_all_the_same(evidence, trouble):
    cut = [*steadily(0.5, 30), *steadily(100.5, 150)]
    assert run(evidence, trouble, *cut, **OUTAGE)[0] == "failed"


@DISTURBANCES
def test_a_shorter_outage_before_it_may_be_what_is_broken(evidence, trouble):
    cut = [*steadily(0.5, 5), *steadily(20.5, 55), *steadily(100.5, 150)]
    outcome, finding = run(evidence, trouble, *cut, **OUTAGE)
    assert (outcome, finding.observed) == ("failed", "46.0 s")


@DISTURBANCES
def test_an_outage_that_did_not_come_may_be_its_doing(evidence, trouble):
    asked = {"check": "outage", "location": "london", "min": "30s"}
    assert run(evidence, trouble, *steadily(0.5, 150), **asked)[0] == "unknown"


def test_a_fault_that_takes_long_to_fail_counts_from_its_beginning(evidence):
    began = (40.0, FaultBegan("start", "fra", {"kind": "region", "region": "fra"}))
    failed = FaultFailed("start", "fra", "machine fra/1 died at start")
    cut = [*steadily(0.5, 35), *steadily(100.5, 150)]
    assert run(evidence, failed, began, *cut, **OUTAGE)[0] == "unknown"
    cut = [*steadily(0.5, 25), *steadily(100.5, 150)]
    assert run(evidence, failed, began, *cut, **OUTAGE)[0] == "failed"


def lost_message(t):
    return [(t, Sent(CLIENT, "s", 900)), (t + 0.1, Acked(CLIENT, "s", 900, "fra", "m", 20.0))]


MESSAGES = {"check": "messages", "lost": 0}


def test_what_was_acknowledged_before_a_heal_that_failed_and_is_lost_is_lost(evidence):
    assert run(evidence, HEAL, *lost_message(20.0), **MESSAGES)[0] == "failed"
    assert run(evidence, HEAL, *lost_message(70.0), **MESSAGES)[0] == "unknown"


def test_a_part_of_ours_that_failed_may_have_lost_it(evidence):
    assert run(evidence, PART, *lost_message(20.0), **MESSAGES)[0] == "unknown"


def test_what_was_stored_of_what_was_sent_by_then_is_not_held_against_it(evidence):
    kept: list[tuple[float, Event]] = [
        (t + 0.0, Sent(CLIENT, "s", seq)) for seq, t in ((900, 20.0), (901, 70.0))
    ]
    kept += [(150.05, Stored("s", seq, "fra", "m")) for seq in (901, 900)]
    asked = {"check": "messages", "reordered": 0}
    assert run(evidence, HEAL, *lost_message(20.0), *kept, **asked)[0] == "unknown"


def test_answers_from_elsewhere_are_no_drivers_doing(evidence):
    stray = [*steadily(0.5, 150), (80.5, Acked(CLIENT, "s", 99, "iad", "m", 20.0))]
    asked = {"check": "served_by", "location": "london", "region": "fra"}
    assert run(evidence, RAISED, *stray, **asked)[0] == "failed"
    assert run(evidence, HEAL, *stray, **asked)[0] == "unknown"


def test_one_from_before_the_load_leaves_nothing_proven(evidence):
    gone = (20.0, Disconnected(CLIENT, "london", "fra", "m", "reset"))
    cut = [*steadily(0.5, 20), gone, *steadily(100.5, 150)]
    early = (-0.0, PART)
    assert run(evidence, RAISED, early, *cut, **OUTAGE)[0] == "unknown"


@pytest.mark.parametrize(("away_s", "held"), [(69.0, None), (0.0, False)])
def test_a_driver_that_stayed_away_did_so_from_the_end_of_its_connection_on(evidence, away_s, held):
    up = (0.1, Connected(CLIENT, "london", "fra", "m"))
    gone = (80.0, Disconnected(CLIENT, "london", "fra", "m", "reset"))
    told = (149.0, DriverRaised(CLIENT, "london", "rooms.py", None, "stays away", away_s))
    verdict = judge(evidence(up, *steadily(0.5, 80), gone, told, expect=[OUTAGE]))
    assert verdict.findings[0][1].held is held


KILLED = MachineStopped(
    *("m", "fra", "updated", "SIGINT", 5.0, 5.0, True, "killed by SIGKILL"),
    end_signal="SIGKILL",
)


@pytest.mark.parametrize(
    ("stopped", "speed", "outcome"),
    [
        (KILLED, 10.0, "unknown"),
        (KILLED, 1.0, "failed"),
        (replace(KILLED, killed=False), 10.0, "failed"),
        (replace(KILLED, ignored=("SIGINT",)), 10.0, "failed"),  # it would never have ended
        (replace(KILLED, frozen=True), 10.0, "failed"),
        (replace(KILLED, why="the world ended"), 10.0, "failed"),
    ],
)
def test_what_follows_a_drain_that_the_speed_cut_short_is_unknown(
    evidence, stopped, speed, outcome
):
    up = (0.1, Connected(CLIENT, "london", "fra", "m"))
    cut = [*steadily(0.5, 55), *steadily(100.5, 150)]
    verdict = judge(evidence(up, (56.0, stopped), *cut, expect=[OUTAGE], speed=speed))
    assert verdict.outcome == outcome
    why = verdict.findings[0][1].why
    assert ("m was killed at 56.0 s after 0.5 s of real time" in why) is (outcome == "unknown")


HIDDEN = RealTimeSeen("other", "fra", "runs a 32-bit program", whole=True)


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [((), "failed"), ((replace(HIDDEN, whole=False),), "failed"), ((HIDDEN,), "unknown")],
)
def test_a_drain_in_the_worlds_time_had_all_of_it(evidence, seen, outcome):
    """Unless not all of the machines' processes could be shown that time."""
    up = (0.1, Connected(CLIENT, "london", "fra", "m"))
    cut = [*steadily(0.5, 55), *steadily(100.5, 150), *((150.0, event) for event in seen)]
    found = evidence(up, (56.0, KILLED), *cut, expect=[OUTAGE], speed=10.0, clock="lens")
    assert judge(found).outcome == outcome


@pytest.mark.parametrize("trouble", [PART, HEAL, RAISED])
def test_what_is_asked_of_later_is_not_broken_before(evidence, trouble):
    """DNS had not moved yet when it happened; it is asked about from ten seconds later on."""
    asked = {"check": "dns", "location": "london", "region": "iad", "from": "70s"}
    led = (0.0, RoutingChanged("london", ("fra",)))
    verdict = judge(evidence(led, *steadily(0.5, 150), (AT_S, trouble), expect=[asked]))
    # What a driver does is no business of DNS.
    assert verdict.findings[0][1].held is (False if trouble is RAISED else None)


MISSED = PatternMissed(CLIENT, "london", "`ready`", 3, "hi")
NEVER = [(0.1, Connected(CLIENT, "london", "fra", "m"))]


def test_a_pattern_that_nothing_ever_matched_may_be_why_nobody_was_served(evidence):
    verdict = judge(evidence(*NEVER, (5.1, MISSED), (10.1, MISSED), expect=[OUTAGE]))
    assert (verdict.outcome, verdict.findings[0][1].held) == ("unknown", None)
    (doubt,) = verdict.doubts
    assert doubt == (
        "6 messages came while clients waited, and the driver took none for `ready` in the whole"
        " run; the first was hi"
    )


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Acked("new-york/0", "s", 1, "fra", "m", 20.0), "failed"),
        (Failed("new-york/0", "s", 1, "fra", "no"), "failed"),
        (Sent("new-york/0", "s", 1), "unknown"),
    ],
)
def test_a_driver_in_python_that_takes_messages_and_tells_of_no_answer(evidence, answer, outcome):
    missed = PatternMissed(CLIENT, "london", ANSWER, 3, "hi")
    verdict = judge(evidence(*NEVER, (1.0, answer), (5.1, missed), expect=[OUTAGE]))
    assert verdict.outcome == outcome


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [(403, 403, "unknown"), (401, 404, "unknown"), (403, 503, "failed"), (None, None, "failed")],
)
def test_where_every_answer_was_a_client_error_the_driver_may_be_wrong(
    evidence, first, second, outcome
):
    def refused(t, status):
        return (t, ConnectFailed(CLIENT, "london", "fra", f"status {status}", "m", status))

    verdict = judge(evidence(*NEVER, refused(1.0, first), refused(9.0, second), expect=[OUTAGE]))
    assert verdict.outcome == outcome
    assert any("every answer was a client error" in doubt for doubt in verdict.doubts) is (
        outcome == "unknown"
    )


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        (1008, 1008, "unknown"),
        (1002, 4401, "unknown"),
        (1008, 1011, "failed"),
        (1000, 1000, "failed"),
        (1013, 1013, "failed"),
    ],
)
def test_where_every_close_says_that_the_client_is_wrong_it_may_be(
    evidence, first, second, outcome
):
    def closed(t, code):
        end = Disconnected(
            *(CLIENT, "london", "fra", "m", "closed"),
            how="closed",
            code=code,
            close_reason="hello?",
        )
        return ((t, Connected(CLIENT, "london", "fra", "m")), (t + 0.1, end))

    run = evidence(*NEVER, *closed(1.0, first), *closed(9.0, second), expect=[OUTAGE])
    verdict = judge(run)
    assert verdict.outcome == outcome
    told = [doubt for doubt in verdict.doubts if "every answer was a client error" in doubt]
    assert bool(told) is (outcome == "unknown")
    assert all(f"closed with code {first} (hello?)" in doubt for doubt in told)


def test_where_somebody_was_served_a_client_error_is_the_gateways(evidence):
    refused = (1.0, ConnectFailed(CLIENT, "london", "fra", "status 403", "m", 403))
    acked = (2.0, Acked("new-york/0", "s", 1, "fra", "m", 20.0))
    assert judge(evidence(*NEVER, refused, acked, expect=[OUTAGE])).outcome == "failed"


def test_one_that_matched_once_is_known_to_be_right(evidence):
    matched = PatternMatched("new-york/0", "`ready`")
    verdict = judge(evidence(*NEVER, (1.0, matched), (5.1, MISSED), expect=[OUTAGE]))
    assert (verdict.outcome, verdict.doubts) == ("failed", [])


def cut(until_s):
    """The database's link, silent for programs alone, from AT_S on."""
    yield (AT_S - 0.1, LinkChanged("fra:database", "silent", 90.0, detail={"silence": "connect"}))
    yield (until_s, LinkChanged("fra:database", "up", 90.0))


TIMER = TransportTimerSeen("fra/1", "fra:database", "TCP_USER_TIMEOUT", 5.0)


@pytest.mark.parametrize(("healed_s", "outcome"), [(AT_S + 4, "held"), (AT_S + 6, "unknown")])
def test_a_timer_of_tcp_that_could_not_fire_leaves_what_held_unknown(evidence, healed_s, outcome):
    up = (0.1, Connected(CLIENT, "london", "fra", "m"))
    pairs = (up, (AT_S, TIMER), *cut(healed_s), *steadily(0.5, 150))
    verdict = judge(evidence(*pairs, expect=[OUTAGE]))
    assert verdict.outcome == outcome
    assert any("TCP_USER_TIMEOUT" in doubt for doubt in verdict.doubts) is (outcome == "unknown")


@pytest.mark.parametrize(("healed_s", "outcome"), [(AT_S + 4, "failed"), (AT_S + 20, "unknown")])
def test_what_breaks_after_it_should_have_fired_may_follow_from_it(evidence, healed_s, outcome):
    served = [*steadily(0.5, AT_S), *steadily(AT_S + 21, 150)]
    found, _ = run(evidence, TIMER, *cut(healed_s), *served, **OUTAGE)
    assert found == outcome
