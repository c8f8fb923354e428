"""With anycast several edges send to one machine: its figures are the sum, under its own region."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from sim.metrics.fly_metrics import host_of, machine_metrics
from sim.routing.edge.edge_counters import Counters


class Told(Collector):
    """Families that were collected already."""

    def __init__(self, families):
        self._families = families

    def collect(self):
        return self._families


def edge(region, *answers, left=0):
    counters = Counters()
    for status, seconds in answers:
        counters.reached("m1", 0.001)
        counters.machine_answered("m1", status, seconds)
    for _ in range(left):
        counters.left("m1")
    counters.machine_answered("gone", 200, 0.001)
    return SimpleNamespace(region=region, counters=counters)


def test_what_edges_saw_of_a_machine_adds_up_under_the_machines_region():
    machine: Any = SimpleNamespace(id="m1", region="iad", state="started", frozen=False)
    edges: Any = [edge("iad", (200, 0.004), left=1), edge("fra", (200, 0.09), (502, 0.007))]
    told = list(machine_metrics("atlas", edges, {"m1": machine}, {"m1": 2}))
    text = generate_latest(Told(told)).decode()
    samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
    assert {(s.labels["region"], s.labels["instance"]) for s in samples} == {("iad", "m1")}
    assert {s.labels["host"] for s in samples} == {host_of("iad")}

    def value(name, **labels):
        return sum(
            s.value for s in samples if s.name == name and labels.items() <= s.labels.items()
        )

    assert value("fly_app_http_responses_count", status="200") == 2
    assert value("fly_app_http_responses_count", status="502") == 1
    assert value("fly_app_http_response_time_seconds_sum", status="200") == 0.094
    assert value("fly_app_http_response_time_seconds_bucket", status="200", le="0.05") == 1
    assert value("fly_app_tcp_connects_count") == 3
    assert value("fly_app_tcp_disconnects_count") == 1
    assert value("fly_app_concurrency") == 2
