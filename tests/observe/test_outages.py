from dataclasses import replace

import pytest

from sim.observe.events import (
    Acked,
    Connected,
    ConnectFailed,
    Disconnected,
    FaultBegan,
    HostStalled,
    LinkChanged,
    LoadEnded,
    LoadStarted,
    MachineChanged,
    ProcessorWaits,
    Resolved,
    RoutingChanged,
    RunStarted,
)
from sim.observe.gap_rule import GapRule
from sim.observe.history import History
from sim.observe.journal import Record
from sim.observe.outages import by_location, find_gaps, find_outages

GAP_RULE = GapRule(every_s=1.0, rtt_s={("london", "fra"): 0.15, ("london", "iad"): 0.8})
CLIENT = "london/0"


def answers(region, start, end, client=CLIENT):
    """An answer from a region each second, from start to end."""
    t = start
    while t <= end:
        yield (t, Acked(client, "s", int(t), region, f"m-{region}", 20.0))
        t += 1.0


def resolved(t, region, expires, client=CLIENT):
    return (t, Resolved(client, "london", region, "127.44.1.100", expires))


def led_to(t, *regions):
    return (t, RoutingChanged("london", regions))


def lost(t, region="fra", client=CLIENT):
    return (t, Disconnected(client, "london", region, f"m-{region}", "reset"))


def connected(t, region, client=CLIENT):
    return (t, Connected(client, "london", region, f"m-{region}"))


def crash(history, *extra, again=53.0, moved=25.0, expires=50.0):
    """Frankfurt dies at 20.1 s and London is served again by Washington."""
    return history(
        led_to(-1.0, "fra", "iad"),
        resolved(0.0, "fra", 30.0),
        connected(0.2, "fra"),
        *answers("fra", 1.0, 20.0),
        lost(20.1),
        resolved(20.2, "fra", expires),
        led_to(moved, "iad", "fra"),
        *answers("iad", again, 149.0),
        *extra,
    )


def test_an_outage_is_split_into_detection_cache_and_reconnect(history):
    (outage,) = find_outages(crash(history), GAP_RULE)
    assert (outage.region, outage.to_region) == ("fra", "iad")
    assert (outage.from_s, outage.to_s) == (20.0, 53.0)
    assert outage.detection_s == pytest.approx(5.0)  # 20.0 to 25.0: DNS moved on
    assert outage.dns_s == pytest.approx(25.0)  # 25.0 to 50.0: the cached answer was stale
    assert outage.reconnect_s == pytest.approx(3.0)
    assert outage.recovery_s == 0


def test_parts_add_up_to_the_whole(history):
    (outage,) = find_outages(crash(history, again=61.0, moved=44.5), GAP_RULE)
    parts = outage.detection_s + outage.dns_s + outage.recovery_s + outage.reconnect_s
    assert parts == pytest.approx(outage.seconds)


def test_an_expired_answer_costs_no_dns_time(history):
    (outage,) = find_outages(crash(history, expires=22.0), GAP_RULE)
    assert outage.dns_s == 0
    assert outage.reconnect_s == pytest.approx(28.0)


@pytest.mark.parametrize("expires", [30.0, 22.0, None])
def test_where_dns_goes_on_naming_the_region_it_has_no_part(history, expires):
    """Anycast: the edge in Frankfurt stays, and forwards to Washington."""
    found = history(
        led_to(-1.0, "fra", "iad"),
        resolved(0.0, "fra", expires),
        connected(0.2, "fra"),
        *answers("fra", 1.0, 20.0),
        lost(20.1),
        resolved(22.0, "fra", 52.0),
        connected(23.5, "iad"),
        *answers("iad", 24.0, 149.0),
    )
    (outage,) = find_outages(found, GAP_RULE)
    assert (outage.region, outage.to_region) == ("fra", "iad")
    assert outage.detection_s == pytest.approx(0.1)
    assert (outage.dns_s, outage.recovery_s) == (0, 0)
    assert outage.reconnect_s == pytest.approx(3.9)


def test_gaps_within_the_pace_are_none(history):
    """Twice the pace and a round trip: 2.15 s from London to Frankfurt."""
    quiet = history(connected(0, "fra"), *answers("fra", 0.0, 10.0), *answers("fra", 12.1, 150.0))
    assert find_outages(quiet, GAP_RULE) == []


def test_a_gap_beyond_the_pace_is_an_outage(history):
    loud = history(connected(0, "fra"), *answers("fra", 0.0, 10.0), *answers("fra", 12.2, 149.5))
    (outage,) = find_outages(loud, GAP_RULE)
    assert outage.seconds == pytest.approx(2.2)


def test_a_stall_of_the_simulator_is_no_outage(history):
    stall = (12.0, HostStalled(real_ms=1400.0))
    events = [connected(0, "fra"), *answers("fra", 0.0, 10.0), *answers("fra", 12.5, 149.5)]
    assert len(find_outages(history(*events), GAP_RULE)) == 1
    assert find_outages(history(*events, stall), GAP_RULE) == []


def test_an_outage_that_never_ends_lasts_to_the_end_of_the_load(history):
    found = history(connected(0, "fra"), *answers("fra", 0.0, 20.0), lost(20.1))
    (outage,) = find_outages(found, GAP_RULE)
    assert (outage.to_region, outage.to_s) == (None, 150.0)


def test_a_region_that_came_back_is_recovery_not_dns(history):
    found = history(
        led_to(-1, "fra", "iad"),
        resolved(0.0, "fra", 30.0),
        connected(0.2, "fra"),
        *answers("fra", 1.0, 20.0),
        lost(20.1),
        resolved(20.2, "fra", 50.0),
        (40.0, MachineChanged("m", "fra", "started")),
        *answers("fra", 42.0, 149.0),
    )
    (outage,) = find_outages(found, GAP_RULE)
    assert outage.detection_s == pytest.approx(0.1)
    assert outage.dns_s == 0
    assert outage.recovery_s == pytest.approx(19.9)
    assert outage.reconnect_s == pytest.approx(2.0)


PATIENT = replace(GAP_RULE, patience_s=5.0)


def test_a_first_answer_may_take_as_long_as_its_client_waits_for_one(history):
    found = history(resolved(1.0, "fra", 31.0), *answers("fra", 6.0, 149.5))
    assert find_outages(found, PATIENT) == []


def test_the_first_connections_of_a_fast_run_may_take_a_real_second(history):
    fast = replace(GAP_RULE, patience_s=3.0, start_s=10.0)
    found = history(resolved(1.0, "fra", 31.0), *answers("fra", 10.9, 149.5))
    assert find_outages(found, fast) == []


def test_a_client_that_nobody_answers_is_out_from_its_first_attempt(history):
    (outage,) = find_outages(history(resolved(1.0, "fra", 31.0)), PATIENT)
    assert (outage.region, outage.to_region) == (None, None)
    assert (outage.from_s, outage.to_s) == (1.0, 150.0)


def test_what_it_waited_before_a_fault_is_no_outage_of_the_fault(history):
    fault = (4.0, FaultBegan("crash", "fra"))
    refused = (4.1, ConnectFailed(CLIENT, "london", "fra", "503"))
    found = history(resolved(1.0, "fra", 31.0), fault, refused, *answers("fra", 20.0, 149.5))
    (outage,) = find_outages(found, PATIENT)
    assert (outage.from_s, outage.to_s) == (4.0, 20.0)


def test_a_fault_after_it_was_turned_away_changes_nothing(history):
    fault = (4.0, FaultBegan("crash", "fra"))
    refused = (2.0, ConnectFailed(CLIENT, "london", "fra", "503"))
    found = history(resolved(1.0, "fra", 31.0), fault, refused, *answers("fra", 20.0, 149.5))
    (outage,) = find_outages(found, PATIENT)
    assert (outage.from_s, outage.to_s) == (1.0, 20.0)


def test_a_client_turned_away_before_it_was_served_is_out_from_its_first_attempt(history):
    refused = (1.1, ConnectFailed(CLIENT, "london", "fra", "503"))
    found = history(resolved(1.0, "fra", 31.0), refused, *answers("fra", 9.0, 149.5))
    (outage,) = find_outages(found, GAP_RULE)
    assert (outage.region, outage.from_s, outage.to_s) == (None, 1.0, 9.0)


def test_a_locations_outages_are_one_row_with_its_worst_and_its_median(history):
    events = []
    for number, again in enumerate((40.0, 50.0, 60.0)):
        client = f"london/{number}"
        events += [connected(0.2, "fra", client), *answers("fra", 1.0, 20.0, client)]
        events += [lost(20.1, client=client), *answers("iad", again, 149.0, client)]
    events.append(led_to(25.0, "iad", "fra"))
    (row,) = by_location(find_outages(history(*events), GAP_RULE))
    assert (row.location, row.region, len(row.outages)) == ("london", "fra", 3)
    assert row.worst.seconds == pytest.approx(40.0)
    assert row.median_s == pytest.approx(30.0)
    assert row.client_seconds == pytest.approx(90.0)
    assert row.ended


def test_the_life_of_an_answer_is_counted_from_the_loads_start():
    """The journal counts from the world's start, reports from the load's."""
    events = [
        (t + 12.0, event)
        for t, event in [
            led_to(-1.0, "fra", "iad"),
            (0.0, LoadStarted(1)),
            *answers("fra", 1.0, 20.0),
            lost(20.1),
            (20.2, Resolved(CLIENT, "london", "fra", "127.44.1.100", 62.0)),
            led_to(25.0, "iad"),
            *answers("iad", 53.0, 149.0),
            (150.0, LoadEnded()),
        ]
    ]
    connected_at = Record(12.0, connected(0.2, "fra")[1])
    found = History(
        [*(Record(*e) for e in events[:2]), connected_at, *(Record(*e) for e in events[2:])]
    )
    (outage,) = find_outages(found, GAP_RULE)
    assert outage.dns_s == pytest.approx(25.0)


def test_separate_outages_are_separate_rows(history):
    found = history(
        connected(0, "fra"),
        *answers("fra", 0.0, 20.0),
        *answers("fra", 30.0, 60.0),
        *answers("fra", 70.0, 149.0),
    )
    rows = by_location(find_outages(found, GAP_RULE))
    assert [row.worst.from_s for row in rows] == [20.0, 60.0]


class TestNoise:
    """Frankfurt answers each second; one gap of 6.5 s real or not, at speed 10."""

    def found(self, history, *waits, gap=(10.0, 16.5), extra=(), speed=10.0):
        start, end = gap
        run = RunStarted(1, speed, "process", "embedded", "0", {})
        events = [connected(0, "fra"), *answers("fra", 0.0, start), *answers("fra", end, 149.5)]
        told = [(t, ProcessorWaits(100.0, waited)) for t, waited in waits]
        return find_gaps(history((-2.0, run), *events, *told, *extra), GAP_RULE)

    def test_a_gap_that_a_part_of_its_path_waited_for_is_the_hosts(self, history):
        (gap,) = self.found(history, (16.4, {"sim": 540.0}))
        assert gap.excused
        assert gap.host_s == pytest.approx(5.4)

    def test_many_small_waits_add_up(self, history):
        waits = [(10.0 + n / 2, {"sim": 45.0}) for n in range(1, 13)]
        (gap,) = self.found(history, *waits)
        assert gap.host_s == pytest.approx(12 * 0.45)
        assert gap.excused

    def test_a_wait_that_makes_a_stall_just_too_long_does_not_excuse_it(self, history):
        """Between messages each second a stall of 1.5 s is a gap of 2.5 s, of which 2.15 s pass."""
        (gap,) = self.found(history, (12.0, {"sim": 40.0}), gap=(10.0, 12.5))
        assert not gap.excused
        assert gap.doubtful

    def test_a_wait_counts_speed_times(self, history):
        (gap,) = self.found(history, (16.4, {"sim": 440.0}), speed=5.0)
        assert gap.host_s == pytest.approx(2.2)
        assert not gap.excused
        assert not gap.doubtful

    def test_what_several_parts_waited_together_makes_it_doubtful(self, history):
        """They may have waited one after another, or side by side."""
        waits = [(10.0 + n, {"sim": 30.0, "fra/1": 30.0, "database": 20.0}) for n in range(1, 7)]
        (gap,) = self.found(history, *waits)
        assert gap.host_s == pytest.approx(6 * 0.8)
        assert not gap.excused
        assert gap.doubtful
        assert gap.certain_s == 0

    def test_another_regions_machine_is_not_on_the_path(self, history):
        (gap,) = self.found(history, (16.4, {"iad/1": 600.0}))
        assert gap.host_s == 0

    def test_parts_cannot_wait_for_longer_than_the_window_lasts(self, history):
        (gap,) = self.found(history, (14.0, {"sim": 90.0, "fra/1": 90.0, "database": 90.0}))
        assert gap.host_s == pytest.approx(1.0)

    def test_a_wait_outside_of_the_gap_explains_nothing(self, history):
        (gap,) = self.found(history, (8.0, {"sim": 500.0}), (30.0, {"sim": 500.0}))
        assert gap.host_s == 0

    def test_where_a_connection_was_lost_it_is_doubtful_at_most(self, history):
        (gap,) = self.found(history, (16.4, {"sim": 440.0}), extra=[lost(12.0)])
        assert not gap.excused
        assert gap.doubtful

    def test_a_real_stall_is_found_in_noise(self, history):
        """A gateway that sleeps for 1.5 s waits for no processor, whoever else does."""
        waits = [(10.0 + n, {"sim": 40.0, "database": 20.0}) for n in range(20)]
        (gap,) = self.found(history, *waits, gap=(10.0, 26.0))
        assert not gap.excused
        assert not gap.doubtful
        assert gap.certain_s > 6

    def test_however_long_our_process_waits_for_others_a_real_stall_is_found(self, history):
        """It waits for nine tenths of the time, but is never later than 8 ms for anybody."""
        waits = [(10.0 + n, ProcessorWaits(100.0, {"sim": 90.0}, 8.0)) for n in range(20)]
        (gap,) = self.found(history, gap=(10.0, 26.0), extra=waits)
        assert gap.host_s == pytest.approx(12 * 0.08)
        assert not gap.excused
        assert not gap.doubtful

    def test_what_a_fault_cost_is_the_clocks_and_only_the_rest_may_be_the_hosts(self, history):
        """Lost at 10.5 s, its region back at 15 s: the host may have delayed what came then."""
        back = (15.0, MachineChanged("m-fra", "fra", "started"))
        waits = [(10.0 + n, {"sim": 90.0}) for n in range(1, 8)]
        (gap,) = self.found(history, *waits, extra=[lost(10.5), back])
        assert gap.host_s == pytest.approx(1.4)  # 15.1 to 16.5 s
        assert not gap.doubtful

    def test_an_attempt_given_up_while_its_path_waited_proves_nothing(self, history):
        gap_rule = replace(GAP_RULE, patience_s=5.0)
        left = (16.0, Disconnected(CLIENT, "london", "fra", "m-fra", "no answer", how="left"))
        starved = [(11.0 + n, ProcessorWaits(100.0, {"fra/1": 60.0})) for n in range(6)]
        events = [connected(0, "fra"), *answers("fra", 0.0, 10.0), *answers("fra", 60.0, 149.5)]
        run = (-2.0, RunStarted(1, 10.0, "process", "embedded", "0", {}))
        (gap,) = find_gaps(history(run, *events, left, *starved), gap_rule)
        assert gap.doubtful
        assert gap.certain_s == 0
        silent = (12.0, LinkChanged("london:fra", "silent", 15.0))
        (gap,) = find_gaps(history(run, *events, left, *starved, silent), gap_rule)
        assert not gap.doubtful  # it is known what stood in the way
        (gap,) = find_gaps(history(run, *events, left), gap_rule)
        assert not gap.doubtful


class TestUsual:
    """How long a gateway usually takes to answer is no gap, but only its median."""

    def found(self, history, *latencies_ms, gap=4.0):
        events = [
            (float(n), replace(acked, latency_ms=latencies_ms[n % len(latencies_ms)]))
            for n, (_, acked) in enumerate(answers("fra", 0, 99))
        ]
        late = [(t + gap - 1.0, acked) for t, acked in answers("fra", 100, 145)]
        found = history(connected(0, "fra"), *events, *late)
        return find_outages(found, GAP_RULE.as_seen_in(found))

    def test_a_gateway_that_takes_two_seconds_has_longer_gaps(self, history):
        assert len(self.found(history, 20.0)) == 1
        assert self.found(history, 2100.0) == []

    def test_a_hiccup_does_not_hide_itself(self, history):
        assert len(self.found(history, 20.0, 20.0, 5000.0)) == 1


class TestRetransmission:
    """A link of London's that is silent from 12 s to 14 s; the client is served again at 18 s."""

    def found(self, history, speed, silence="tcp", link="london:fra"):
        run = RunStarted(1, speed, "process", "embedded", "0", {})
        silent = LinkChanged(link, "silent", 15.0, 0.0, {"silence": silence})
        return find_gaps(
            history(
                (-2.0, run),
                connected(0, "fra"),
                *answers("fra", 0.0, 12.0),
                (12.0, silent),
                (14.0, LinkChanged(link, "up", 15.0)),
                *answers("fra", 18.0, 149.5),
            ),
            GAP_RULE,
        )

    def test_what_tcp_may_have_added_at_a_speed_leaves_an_outage_in_doubt(self, history):
        (gap,) = self.found(history, 20.0)
        assert gap.tcp_s == pytest.approx(0.2 * 19)
        assert gap.certain_s == pytest.approx(gap.seconds - gap.tcp_s)

    def test_at_speed_1_it_is_as_in_life(self, history):
        (gap,) = self.found(history, 1.0)
        assert (gap.tcp_s, gap.certain_s) == (0.0, gap.seconds)

    @pytest.mark.parametrize("other", [{"silence": "connect"}, {"link": "new-york:iad"}])
    def test_where_standing_connections_lost_nothing_it_added_nothing(self, history, other):
        (gap,) = self.found(history, 20.0, **other)
        assert gap.tcp_s == 0.0
