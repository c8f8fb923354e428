"""At which speed a scenario can be told, and what a speed is too fast for."""

from __future__ import annotations

import pytest

from sim.scenario.load_scenario import scenario_from_mapping
from sim.scenario.speed import FASTEST, fastest, too_fast
from sim.topology.load_topology import topology_from_mapping

CORES = 2


def scenario(load=None, expect=(), timeline=(), checks=(), **gateway):
    topology = topology_from_mapping(
        {
            "app": "atlas",
            "gateway": {
                "command": ["./gateway"],
                "checks": [*checks, {"type": "tcp", "interval": "10s", "timeout": "60s"}][:1],
                **gateway,
            },
            "regions": {"fra": {"primary": True}},
            "locations": {"london": {}},
            "links": [{"between": ["london", "fra"], "rtt": "100ms"}],
        }
    )
    document = {
        "topology": "t.yaml",
        "duration": "60s",
        "load": {"driver": "echo", "clients": 1, "every": "10s", "timeout": "60s", **(load or {})},
        "timeline": list(timeline),
        "expect": list(expect),
    }
    return scenario_from_mapping(document, topology)


CASES = {
    "nothing": (scenario(), FASTEST, "nothing in this scenario"),
    "patience": (scenario({"timeout": "1s"}), 4, "clients give up after 1 s"),
    "a path that no speed helps": (scenario({"timeout": "0.3s"}), FASTEST, "nothing"),
    "health": (
        scenario(checks=[{"type": "tcp", "interval": "5s", "timeout": "900ms"}]),
        6,
        "health checks time out after 0.9 s",
    ),
    "load": (scenario({"clients": 1000}), 5, "clients send 100 messages a second"),
    "pace": (scenario({"every": "250ms"}), 5, "a client sends each 0.25 s"),
    "outage": (
        scenario(expect=[{"check": "outage", "location": "london", "max": "500ms"}]),
        10,
        "outage must stay below 0.5 s",
    ),
    "latency": (
        scenario(expect=[{"check": "latency", "location": "london", "max": "150ms"}]),
        5,
        "latency must stay below 150 ms",
    ),
    "flapping": (
        scenario(
            timeline=[{"at": "5s", "fault": "flap", "link": ["london", "fra"], "period": "4s"}]
        ),
        5,
        "a link is silent for 2 s again and again",
    ),
    "never less than 1": (scenario({"clients": 9000, "every": "1s"}), 1, "clients send"),
}


@pytest.mark.parametrize(("asked", "speed", "because"), CASES.values(), ids=CASES)
def test_the_tightest_limit_decides(asked, speed, because):
    limit = fastest(asked, CORES, 0.0, lens=True)
    assert limit.speed == speed
    assert limit.because.startswith(because)


def test_a_busy_machine_has_half_of_it():
    limit = fastest(scenario({"timeout": "1s"}), CORES, 0.4, lens=True)
    assert limit.speed == 2
    assert limit.because.endswith("half of that, since this machine is busy (40% of the time)")


def test_where_machines_keep_real_time_a_drain_must_fit():
    deploy = [{"at": "10s", "fault": "deploy"}]
    assert fastest(scenario(timeline=deploy), CORES, 0.0, lens=True).speed == FASTEST
    limit = fastest(scenario(timeline=deploy), CORES, 0.0, lens=False)
    assert (limit.speed, limit.because) == (5, "machines drain in real time, within 5 s")
    assert fastest(scenario(), CORES, 0.0, lens=False).speed == FASTEST


def test_a_speed_that_leaves_too_little_is_warned_of():
    asked = scenario({"timeout": "1s"})
    assert too_fast(asked, 8, CORES, lens=True) == []
    (told,) = too_fast(asked, 9, CORES, lens=True)
    assert told == (
        "speed 9 is too fast for this scenario on 2 cores (clients give up after 1 s, and the"
        " longest path is 100 ms): run it at 4 or less"
    )
    assert too_fast(scenario({"clients": 9000, "every": "1s"}), 1, CORES, lens=True) == []
