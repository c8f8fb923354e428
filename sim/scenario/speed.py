"""How fast a scenario can be run and still be told, and what a speed is too fast for. Pure.

What processors do is real time, and counts `speed` times in the simulated. Each limit is the speed
at which that takes up what the scenario leaves for it: the patience of clients and health checks
beside the longest path, the time between two messages, a check's threshold.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from sim.observe.retransmission import FIRST_REAL_S
from sim.scenario.model import Expectation, Scenario
from sim.topology.distance import round_trip
from sim.topology.model import DATABASE, Topology

FASTEST = 20.0  # beyond it little is won: worlds come up and machines start in real time

# Real seconds, with room for a host that does other things too.
_ATTEMPT_REAL_S = 0.15  # a client's attempt: a name, a connection, an upgrade, an answer
_CHECK_REAL_S = 0.15  # a gateway's answer to a health check
_TURN_REAL_S = 0.05  # a client's turn, so that a late one is none that failed
_SILENT_REAL_S = 2 * FIRST_REAL_S  # so that TCP goes on after a silence as in life
_DRAIN_REAL_S = 1.0  # a gateway that keeps real time ends within its kill_timeout
_TOLD_REAL_S = 0.05  # of a threshold in seconds
_TOLD_REAL_MS = 10.0  # of a latency beyond its path
_MESSAGES_A_CORE = 250.0  # a real second, with a gateway and a database of one's own beside them
_BUSY = 0.3  # of the time that some task waits for a processor
_TRIPS = 4.0  # TCP, TLS, the upgrade, the answer


@dataclass(frozen=True)
class SpeedLimit:
    """The highest speed that leaves something as it is, and what."""

    speed: float
    because: str


def fastest(scenario: Scenario, cores: int, contended: float, *, lens: bool) -> SpeedLimit:
    """The speed at which a scenario may be run on a host of so many cores: at least 1.

    `contended` is the share of time in which a task waits for one of them already; `lens`: machines
    keep the world's clock.
    """
    top = SpeedLimit(FASTEST, "nothing in this scenario needs it slower")
    first = min([top, *_limits(scenario, cores, lens=lens)], key=lambda limit: limit.speed)
    because = first.because
    if contended >= _BUSY:
        because += f"; half of that, since this machine is busy ({contended:.0%} of the time)"
    whole = max(1, math.floor(first.speed / (2 if contended >= _BUSY else 1)))
    return SpeedLimit(float(whole), because)


def too_fast(scenario: Scenario, speed: float, cores: int, *, lens: bool) -> list[str]:
    """What a speed is too fast for, in words; at twice a limit what is told is no longer sure."""
    return [
        f"speed {speed:g} is too fast for this scenario on {cores} cores ({limit.because}):"
        f" run it at {max(1, math.floor(limit.speed))} or less"
        for limit in _limits(scenario, cores, lens=lens)
        if speed > 1 and speed > 2 * limit.speed
    ]


def _limits(scenario: Scenario, cores: int, *, lens: bool) -> Iterator[SpeedLimit]:
    topology, load = scenario.topology, scenario.load
    path_s = _longest_path_s(topology)
    left_s = load.timeout_s - _TRIPS * path_s
    if left_s > 0:  # else no speed is slow enough, and it is as slow in life
        yield SpeedLimit(
            left_s / _ATTEMPT_REAL_S,
            f"clients give up after {load.timeout_s:g} s, and the longest path is"
            f" {path_s * 1000:.0f} ms",
        )
    for check in topology.gateway.checks:
        yield SpeedLimit(
            check.timeout_s / _CHECK_REAL_S, f"health checks time out after {check.timeout_s:g} s"
        )
    a_second = load.clients / load.every_s
    yield SpeedLimit(
        _MESSAGES_A_CORE * cores / a_second, f"clients send {a_second:g} messages a second"
    )
    yield SpeedLimit(load.every_s / _TURN_REAL_S, f"a client sends each {load.every_s:g} s")
    if not lens and any(entry.fault in {"deploy", "stop", "scale"} for entry in scenario.timeline):
        kill_s = topology.gateway.kill_timeout_s
        yield SpeedLimit(
            kill_s / _DRAIN_REAL_S, f"machines drain in real time, within {kill_s:g} s"
        )
    for flap in (entry for entry in scenario.timeline if entry.fault == "flap"):
        silent_s = flap.params["period_s"] / 2
        yield SpeedLimit(
            silent_s / _SILENT_REAL_S, f"a link is silent for {silent_s:g} s again and again"
        )
    for expectation in scenario.expect:
        yield from _of_check(expectation, path_s)


def _of_check(expectation: Expectation, path_s: float) -> Iterator[SpeedLimit]:
    max_s, max_ms = expectation.params.get("max_s"), expectation.params.get("max_ms")
    if max_s:
        yield SpeedLimit(max_s / _TOLD_REAL_S, f"{expectation.check} must stay below {max_s:g} s")
    if max_ms:
        beyond_ms = max(max_ms - 1000 * path_s, max_ms / 10)
        yield SpeedLimit(
            beyond_ms / _TOLD_REAL_MS, f"{expectation.check} must stay below {max_ms:g} ms"
        )


def _longest_path_s(topology: Topology) -> float:
    """The longest round trip from a location to a region and on to the database."""
    region_ms = {
        region: round_trip(topology, region, DATABASE).rtt_ms if topology.database else 0.0
        for region in topology.regions
    }
    ways_ms = (
        round_trip(topology, location, region).rtt_ms + beyond_ms
        for location in topology.locations
        for region, beyond_ms in region_ms.items()
    )
    return max(ways_ms, default=0.0) / 1000
