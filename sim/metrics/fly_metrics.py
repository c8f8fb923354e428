"""Fly's metrics, by Fly's names and labels, of what a world has of them.

`host` is the four digits that name a server of Fly's; here each region has one. What is counted is
in docs/metrics.md.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from prometheus_client.metrics_core import Metric

from sim.machines.lifecycle import State
from sim.machines.machine import Machine
from sim.metrics.family import Labels, flys_counter, gauge, histogram
from sim.metrics.tally import JournalTally
from sim.observe.histogram import Histogram
from sim.routing.edge import Edge

_EDGE = ("app", "region", "host")
_MACHINE = ("app", "region", "host", "instance")


def host_of(region: str) -> str:
    """The server of a region: four hexadecimal digits, always the same."""
    return f"{zlib.crc32(region.encode()) & 0xFFFF:04x}"


def edge_metrics(app: str, edges: Sequence[Edge], tally: JournalTally) -> Iterator[Metric]:
    """What Fly counts at its edges; `region` is the edge's."""

    def each(number: str) -> list[tuple[Labels, float]]:
        return [
            ((app, edge.region, host_of(edge.region)), getattr(edge.counters, number))
            for edge in edges
        ]

    answers: dict[Labels, Histogram] = {
        (app, edge.region, host_of(edge.region), str(status)): found
        for edge in edges
        for status, found in edge.counters.answers.items()
    }
    by_status = (*_EDGE, "status")
    yield flys_counter(
        "fly_edge_http_responses_count", "Answers to clients.", by_status, _counts(answers)
    )
    yield histogram(
        "fly_edge_http_response_time_seconds",
        "From a client's request to the first headers of its answer.",
        by_status,
        answers,
    )
    for name, text, number in (
        ("tcp_connects_count", "Connections of clients.", "connects"),
        ("tcp_disconnects_count", "Connections of clients that have ended.", "disconnects"),
        ("data_in", "Bytes from clients.", "bytes_in"),
        ("data_out", "Bytes to clients.", "bytes_out"),
    ):
        yield flys_counter(f"fly_edge_{name}", text, _EDGE, each(number))
    yield flys_counter(
        "fly_edge_tls_handshake_errors",
        "TLS handshakes that clients did not come through.",
        _EDGE,
        [
            ((app, edge.region, host_of(edge.region)), tally.tls_failures[edge.region])
            for edge in edges
        ],
    )


def machine_metrics(
    app: str, edges: Sequence[Edge], machines: Mapping[str, Machine], loads: Mapping[str, int]
) -> Iterator[Metric]:
    """What Fly counts of machines; `region` is the machine's. One that is gone has no series."""

    def labels(machine: str) -> Labels:
        region = machines[machine].region
        return (app, region, host_of(region), machine)

    answers: dict[Labels, Histogram] = {}
    connects: dict[Labels, Histogram] = {}
    for edge in edges:
        for (machine, status), found in edge.counters.machine_answers.items():
            if machine in machines:
                _add(answers, (*labels(machine), str(status)), found)
        for machine, found in edge.counters.machine_connects.items():
            if machine in machines:
                _add(connects, labels(machine), found)
    by_status = (*_MACHINE, "status")
    yield flys_counter(
        "fly_app_http_responses_count", "Answers of machines.", by_status, _counts(answers)
    )
    yield histogram(
        "fly_app_http_response_time_seconds",
        "From a machine being asked to the first headers of its answer.",
        by_status,
        answers,
    )
    yield flys_counter(
        "fly_app_tcp_connects_count", "Connections to machines.", _MACHINE, _counts(connects)
    )
    yield flys_counter(
        "fly_app_tcp_disconnects_count",
        "Connections to machines that have ended.",
        _MACHINE,
        [
            (labels(m), sum(edge.counters.machine_disconnects[m] for edge in edges))
            for m in machines
        ],
    )
    yield histogram(
        "fly_app_connect_time_seconds",
        "From a request to a machine that accepts a connection for it.",
        _MACHINE,
        connects,
    )
    yield gauge(
        "fly_app_concurrency",
        "Requests and upgraded connections that a machine has now.",
        _MACHINE,
        [(labels(m), loads.get(m, 0)) for m in machines],
    )
    yield gauge(
        "fly_instance_up",
        "Whether a machine is started and not frozen (truth, whatever its checks say).",
        _MACHINE,
        [(labels(m.id), float(_is_up(m))) for m in machines.values()],
    )


def _is_up(machine: Machine) -> bool:
    return machine.state is State.STARTED and not machine.frozen


def _counts(found: Mapping[Labels, Histogram]) -> Iterable[tuple[Labels, float]]:
    return [(labels, one.cumulative[-1]) for labels, one in found.items()]


def _add(sums: dict[Labels, Histogram], labels: Labels, found: Histogram) -> None:
    """Add up what several edges saw of one machine."""
    sums[labels] = sums[labels] + found if labels in sums else found
