"""Outages as they happen are those that the report finds afterwards."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sim.alerts.outage_alerts import OutageWatch
from sim.observe.events import (
    Acked,
    ClientMade,
    Connected,
    ConnectFailed,
    Disconnected,
    Event,
    FaultBegan,
    HostStalled,
    LoadEnded,
    LoadStarted,
    MachineChanged,
    ProcessorWaits,
    Resolved,
)
from sim.observe.gap_rule import GapRule
from sim.observe.history import History
from sim.observe.journal import Record
from sim.observe.outages import find_outages
from sim.topology.load_topology import topology_from_mapping
from tests.alerts.conftest import TOPOLOGY

FLOOR_S = 0.005  # what no load can tell, at speed 1
TOLD_S = 0.25  # until then, what the host kept waiting is told
LATE_S = FLOOR_S + TOLD_S

BEGUN: list[tuple[float, Event]] = [(0.0, LoadStarted(2, 1.0, 5.0))]
DOWN = (0.5, MachineChanged("m", "fra", "stopped"))
BEGUN += [(0.0, ClientMade(f"london/{n}", "london", "strict")) for n in range(2)]


def acked(t, client="london/0", region="fra"):
    return (t, Acked(client, "s", 1, region, f"m-{region}", 10.0))


def refused(t, client="london/0", region="fra"):
    return (t, ConnectFailed(client, "london", region, "refused"))


def outages(story):
    return [(t, a.state, a.since, a.region) for t, a in story if a.alert == "outage"]


def test_silence_is_an_outage_once_the_ordinary_pace_is_over_and_began_before(told):
    story = told(*BEGUN, acked(1.0), acked(2.0), acked(30.0, region="iad"), until=40)
    (began, ended, *again) = outages(story)
    assert began == (pytest.approx(4.1 + LATE_S), "began", 2.0, "fra")  # two turns and the way
    assert ended == (30.0, "ended", 2.0, "fra")
    assert again == [(pytest.approx(32.5 + LATE_S), "began", 30.0, "iad")]


def test_an_ordinary_pace_is_none(told):
    assert outages(told(*BEGUN, *(acked(1 + 2.05 * n) for n in range(20)), until=42)) == []


def test_a_location_is_told_once_for_all_of_its_clients(told):
    pairs = [acked(t, f"london/{n}") for n in range(2) for t in (1.0 + n / 2, 10.0 + n)]
    story = outages(told(*BEGUN, *pairs, until=12))
    assert [(t, state) for t, state, _, _ in story] == [
        (pytest.approx(3.1 + LATE_S), "began"),
        (11.0, "ended"),
    ]


FIRST = (0.5, Resolved("london/0", "london", "fra", "127.0.0.1", 30.0))


def test_a_slow_first_answer_is_no_outage(told):
    assert outages(told(*BEGUN, FIRST, acked(5.4))) == []


def test_a_client_that_is_turned_away_before_it_is_served_is_cut_off_by_its_pace(told):
    ((t, state, since, region), _) = outages(told(*BEGUN, FIRST, refused(1.0), acked(20.0)))
    assert (t, state, since, region) == (pytest.approx(2.5 + LATE_S), "began", 0.5, None)


def test_a_client_that_nobody_answers_is_cut_off_once_its_patience_is_over(told):
    ((t, state, since, region), _) = outages(told(*BEGUN, FIRST, acked(20.0)))
    assert (t, state, since, region) == (pytest.approx(5.5 + TOLD_S), "began", 0.5, None)


def test_what_a_client_waited_for_its_first_answer_before_a_fault_is_not_the_faults(told):
    fault = (3.0, FaultBegan("crash", "fra"))
    ((_, _, since, _), _) = outages(told(*BEGUN, FIRST, fault, refused(3.1), acked(20.0)))
    assert since == 3.0
    ((_, _, since, _), _) = outages(told(*BEGUN, FIRST, refused(1.0), fault, acked(20.0)))
    assert since == 0.5  # it was turned away before


def test_the_simulators_own_silence_is_none(told):
    stalled = [acked(1.0), (8.0, HostStalled(6000.0)), acked(8.5)]
    assert outages(told(*BEGUN, *stalled)) != []  # it was not known in time that it stood still
    known = [acked(1.0), (3.2, HostStalled(2200.0)), acked(5.0)]
    assert outages(told(*BEGUN, *known, until=7)) == []


@pytest.mark.parametrize(
    ("waited_ms", "down", "alerts"), [(2900.0, (), 0), (2400.0, (), 1), (2900.0, (DOWN,), 1)]
)
def test_an_attempt_that_the_host_may_have_spoilt_is_no_outage(told, waited_ms, down, alerts):
    """It was given up after 5 s; the host kept the machine waiting for about half of them."""
    given_up = Disconnected("london/0", "london", "fra", "m", "no answer within 5 s", how="left")
    waited = [(2.0 + n / 10, ProcessorWaits(100.0, {"fra/1": waited_ms / 29})) for n in range(29)]
    story = outages(told(*BEGUN, *down, acked(1.0), *waited, (6.0, given_up), until=60))
    assert sum(state == "began" for _, state, *_ in story) == alerts


def test_the_end_of_the_load_ends_its_outages(told):
    story = outages(told(*BEGUN, acked(1.0), (20.0, LoadEnded()), (30.0, refused(30)[1]), until=60))
    assert [(t, state) for t, state, _, _ in story] == [
        (pytest.approx(3.1 + LATE_S), "began"),
        (20, "ended"),
    ]


def test_a_client_that_no_load_made_is_nobodys_business(told):
    assert outages(told(acked(1.0), refused(2.0), until=100)) == []


EVENTS = st.tuples(
    st.integers(1, 400).map(lambda tenths: tenths / 10),
    st.sampled_from(["london/0", "london/1"]),
    st.sampled_from(["acked", "resolved", "connected", "refused", "lost", "closed", "fault"]),
    st.sampled_from(["fra", "iad"]),
)


def event_of(client, kind, region):
    location = "london"
    return {
        "acked": Acked(client, "s", 1, region, "m", 1.0),
        "resolved": Resolved(client, location, region, "127.0.0.1", 1e9),
        "connected": Connected(client, location, region, "m"),
        "refused": ConnectFailed(client, location, region, "no"),
        "lost": Disconnected(client, location, region, "m", "gone"),
        "closed": Disconnected(client, location, region, "m", "by itself", expected=True),
        "fault": FaultBegan("crash", region),
    }[kind]


@given(st.lists(EVENTS, max_size=40, unique_by=lambda event: event[0]))
@example([(0.1, "london/0", "acked", "fra"), (2.5, "london/0", "acked", "fra")])
def test_live_outages_are_those_of_the_report(drawn):
    """Each client's, with the instants of its last service before and its first one after."""
    end = 45.0
    pairs = sorted(((t, event_of(*rest)) for t, *rest in drawn), key=lambda pair: pair[0])
    tries = [(0.0, event_of(f"london/{n}", "resolved", "fra")) for n in range(2)]
    records = [Record(t, event) for t, event in [*BEGUN, *tries, *pairs, (end, LoadEnded())]]
    topology = topology_from_mapping(TOPOLOGY)
    found = find_outages(History(records), GapRule.of(topology, 1.0, 1.0, 5.0))
    watch = OutageWatch(topology, 1.0)
    live = []
    hit = watch._hit

    def heard(client, since):
        live.append((client.name, since))
        return hit(client, since)

    watch._hit = heard  # type: ignore[method-assign]
    for t, event in records:
        list(watch.overdue(t))
        list(watch.take(t, event))
    clear = [gap for gap in found if gap.seconds > gap.ordinary_s + TOLD_S]
    assert {(gap.client, gap.from_s) for gap in clear} <= set(live)
    assert set(live) <= {(gap.client, gap.from_s) for gap in found}
