"""Events in, alerts out: once for each change, and none for what is no change."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.observe.events import (
    Acked,
    ClientMade,
    CordonChanged,
    EdgeConnection,
    HealthChanged,
    LinkChanged,
    LoadEnded,
    LoadStarted,
    MachineChanged,
    MachineDied,
    PartFailed,
    PartRestarted,
)
from sim.topology.model import ALERTS

A, B, C = "aaaa", "bbbb", "cccc"  # two machines of fra, one of iad


def state(t, machine, state, region="fra", reason=""):
    return (t, MachineChanged(machine, region, state, reason))


def check(t, machine, status, region="fra", output=""):
    return (t, HealthChanged(machine, region, status, output))


def up(machine, region="fra"):
    """A machine that came up before the time of the story."""
    return [
        state(-3, machine, "created", region),
        state(-2, machine, "starting", region),
        state(-1, machine, "started", region),
        check(-1, machine, "warning", region),
        check(0, machine, "passing", region),
    ]


UP = [*up(A), *up(B), *up(C, "iad")]


def test_a_world_that_comes_up_alarms_nobody(words):
    assert words(*UP) == []


def test_a_crash_is_told_at_once_and_its_end_when_the_check_passes_again(told):
    story = told(
        *UP,
        state(20, A, "stopped", reason="killed: killed by SIGKILL"),
        check(31, A, "critical", output="refused"),
        state(100, A, "starting"),
        state(101, A, "started"),
        check(101, A, "warning"),
        check(102, A, "passing"),
    )
    assert [(t, a.state, a.subject, a.region) for t, a in story] == [
        (20, "began", A, "fra"),
        (102, "ended", A, "fra"),
    ]
    assert story[0][1].reason == f"machine {A} of fra is stopped: killed: killed by SIGKILL"
    assert story[1][1].since == 20


def test_a_machine_that_died_by_itself_is_told_with_how_and_its_last_words(told):
    death = (20, MachineDied(A, "fra", "exited with code 3", code=3, last_lines=("a", "late boom")))
    story = told(*UP, death, state(20, A, "stopped", reason="died: exited with code 3"))
    words = f"machine {A} of fra is stopped: died: exited with code 3 (it said: late boom)"
    assert [alert.reason for _, alert in story] == [words]


def test_probes_that_find_the_same_are_told_once(words):
    probes = [check(t, A, "critical", output=f"probe at {t}") for t in range(30, 90, 10)]
    assert words(*UP, *probes) == [f"machine_down began {A}"]


def test_a_machine_that_runs_but_fails_its_check_is_down_and_the_reason_says_so(told):
    ((_, alert),) = told(*UP, check(30, A, "critical", output="no answer within 5 s"))
    assert alert.reason == (
        f"machine {A} of fra is started, and its check fails: no answer within 5 s"
    )


def test_a_restart_and_a_grace_period_are_no_failure(words):
    restart = [
        state(20, A, "restarting"),
        state(21, A, "started"),
        check(21, A, "warning"),
        check(22, A, "passing"),
    ]
    assert words(*UP, *restart) == []


def test_a_machine_that_takes_its_time_to_come_up_is_not_down_unless_it_is_ended_for_it(words):
    slow = [
        state(20, A, "restarting"),
        state(21, A, "started"),
        check(21, A, "warning"),
        check(26, A, "critical", output="status 503"),
    ]
    assert words(*UP, *slow, check(30, A, "passing")) == []
    assert words(*UP, *slow, state(80, A, "stopped")) == [f"machine_down began {A}"]


def cordon(t, machine, region="fra"):
    return (t, CordonChanged(machine, region, cordoned=True))


def uncordon(t, machine, region="fra"):
    return (t, CordonChanged(machine, region, cordoned=False))


@pytest.mark.parametrize(("way", "end"), [("stopping", "stopped"), ("suspending", "suspended")])
def test_a_machine_that_is_put_to_sleep_is_not_missed_nor_its_region(words, way, end):
    """Cordoned, then stopped, then free to be woken: so does auto_stop."""
    asleep = [cordon(20, C, "iad"), state(25, C, way, "iad"), state(26, C, end, "iad")]
    asleep += [uncordon(26, C, "iad"), check(31, C, "critical", "iad")]
    assert words(*UP, *asleep, mode="anycast") == []
    woken = [state(50, C, "starting", "iad"), state(51, C, "started", "iad")]
    woken += [check(51, C, "warning", "iad"), check(52, C, "passing", "iad")]
    died = [state(60, C, "stopped", "iad", "died")]
    failed = [state(50, C, "starting", "iad"), state(51, C, "failed", "iad")]
    assert words(*UP, *asleep, *failed, mode="anycast")[0] == f"machine_down began {C}"
    assert words(*UP, *asleep, *woken, *died, mode="anycast")[0] == f"machine_down began {C}"


def test_a_machine_that_dies_while_it_is_cordoned_is_missed(words):
    assert f"machine_down began {A}" in words(*UP, cordon(20, A), state(21, A, "stopped"))


def test_a_region_whose_machines_are_all_cordoned_is_out_where_dns_leads(words):
    story = [cordon(20, A), cordon(21, B), uncordon(30, A)]
    assert words(*UP, *story) == ["region_out began fra", "region_out ended fra"]


def test_a_machine_that_is_destroyed_is_missed_no_longer(words):
    story = words(
        *UP, state(20, A, "stopped"), state(30, A, "destroying"), state(30, A, "destroyed")
    )
    assert story == [f"machine_down began {A}", f"machine_down ended {A}"]


def test_a_region_is_out_with_its_last_passing_machine_and_back_with_the_first(words):
    story = words(
        *UP,
        check(30, A, "critical"),
        check(40, B, "critical"),
        check(50, B, "critical"),
        check(60, A, "passing"),
        check(70, B, "passing"),
    )
    assert [line for line in story if "region" in line] == [
        "region_out began fra",
        "region_out ended fra",
    ]


def test_a_region_is_out_when_its_last_machine_is_destroyed(words):
    story = words(*UP, state(30, C, "destroyed", "iad"))
    assert story == ["region_out began iad"]


@pytest.mark.parametrize("how", ["silent", "refusing"])
def test_a_cut_link_to_the_database_is_told_by_region(told, how):
    def link(t, name, state):
        return (t, LinkChanged(name, state, 90.0))

    story = told(
        link(0, "fra:database", "up"),
        link(10, "fra:database", how),
        link(11, "london:fra", how),
        link(12, "fra:database", how),
        link(20, "fra:database", "up"),
    )
    assert [(t, a.alert, a.state, a.subject) for t, a in story] == [
        (10, "database_unreachable", "began", "fra"),
        (20, "database_unreachable", "ended", "fra"),
    ]


def test_a_database_that_fails_is_told_until_it_is_restarted(words):
    story = words(
        (1, PartFailed("link server", "gone")),
        (2, PartFailed("database", "no answer")),
        (3, PartFailed("database", "no answer")),
        (4, PartRestarted("database")),
    )
    assert story == ["database_unreachable began database", "database_unreachable ended database"]


def test_another_service_is_told_by_link_and_as_a_whole(words):
    story = words(
        (10, LinkChanged("fra:cache", "refusing", 90.0)),
        (11, PartFailed("cache", "has ended")),
        (12, PartRestarted("cache")),
        (20, LinkChanged("fra:cache", "up", 90.0)),
    )
    alert = "service_unreachable"
    assert story == [
        f"{alert} began fra:cache",
        f"{alert} began cache",
        f"{alert} ended cache",
        f"{alert} ended fra:cache",
    ]


def answer(t, client, region):
    return (t, Acked(client, "s", 1, region, "m", 10.0))


def made(*clients):
    return [(0, ClientMade(client, client.partition("/")[0], "strict")) for client in clients]


def test_residency_is_broken_from_the_first_client_served_outside_until_all_are_back(told):
    story = told(
        *made("london/0", "london/1", "new-york/0"),
        answer(1, "new-york/0", "iad"),
        answer(1, "london/0", "fra"),
        answer(2, "london/0", "iad"),
        answer(3, "london/1", "iad"),
        answer(4, "london/0", "fra"),
        answer(5, "london/1", "fra"),
    )
    assert [(t, a.state, a.subject) for t, a in story] == [(2, "began", "eu"), (5, "ended", "eu")]
    assert story[0][1].reason == "london/0 is served by iad; eu allows fra"


def edge(t, region, location="london", real_ms=1.0):
    return (t, EdgeConnection(region, "m", location, "127.0.0.1", 1, 1, real_ms, "closed", 200))


def test_without_a_load_the_edges_tell_of_residency(words):
    story = [edge(1, "fra"), edge(2, "iad"), edge(3, "iad"), edge(4, "fra"), edge(5, "iad", None)]
    assert words(*story) == ["residency_broken began eu", "residency_broken ended eu"]


def test_with_a_load_the_edges_late_word_counts_for_nothing(words):
    story = [(0, LoadStarted(1, 1.0)), *made("london/0"), answer(1, "london/0", "fra")]
    assert words(*story, edge(2, "iad")) == []
    assert words(*story, answer(2, "london/0", "iad"), (3, LoadEnded())) == [
        "residency_broken began eu",
        "residency_broken ended eu",
    ]


def test_what_a_load_leaves_behind_is_not_held_against_those_that_come_after(words):
    story = [(0, LoadStarted(1, 1.0)), *made("london/0"), answer(1, "london/0", "fra")]
    story += [(3, LoadEnded()), answer(3.1, "london/0", "iad"), edge(3.2, "iad", real_ms=2000.0)]
    assert words(*story) == []
    assert words(*story, edge(5, "iad")) == ["residency_broken began eu"]


MODES = ["geodns", "anycast"]
CLIENTS, MACHINES, REGIONS = ["london/0", "london/1"], [A, B, C], ["fra", "iad"]
STATES = [
    *("created", "starting", "started", "stopping", "stopped", "failed"),
    *("suspending", "suspended", "destroyed"),
]
STATUSES = ["passing", "warning", "critical"]
ANYTHING = st.one_of(
    st.builds(MachineChanged, *map(st.sampled_from, (MACHINES, REGIONS, STATES))),
    st.builds(
        HealthChanged,
        *map(st.sampled_from, (MACHINES, REGIONS, ["passing", "warning", "critical"])),
    ),
    st.builds(CordonChanged, st.sampled_from(MACHINES), st.sampled_from(REGIONS), st.booleans()),
    st.builds(
        LinkChanged,
        st.sampled_from(["fra:database", "iad:database", "london:fra"]),
        st.sampled_from(["up", "silent", "refusing"]),
        st.just(1.0),
    ),
    st.builds(PartFailed, st.sampled_from(["database", "load"]), st.just("gone")),
    st.builds(PartRestarted, st.sampled_from(["database", "load"])),
    st.just(LoadStarted(2, 1.0)),
    st.just(LoadEnded()),
    st.builds(ClientMade, st.sampled_from(CLIENTS), st.just("london"), st.just("strict")),
    st.sampled_from(CLIENTS).map(lambda client: answer(0, client, "fra")[1]),
    st.sampled_from(CLIENTS).map(lambda client: answer(0, client, "iad")[1]),
    st.sampled_from(REGIONS).map(lambda region: edge(0, region)[1]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # it keeps nothing
@given(st.lists(st.tuples(st.integers(0, 600), ANYTHING), max_size=60), st.sampled_from(MODES))
def test_whatever_happens_each_alert_begins_before_it_ends_and_once(told, drawn, mode):
    standing: set[tuple[str, str]] = set()
    for _, alert in told(*((t / 10, event) for t, event in drawn), until=100, mode=mode):
        key = (alert.alert, alert.subject)
        assert (key in standing) == (alert.state == "ended")
        standing ^= {key}
        assert alert.alert in ALERTS
