"""What Prometheus is told: true, well formed, of few labels, and to whom."""

from __future__ import annotations

import json
import re
import urllib.error
from pathlib import Path
from unittest.mock import Mock

import pytest
from aiohttp.test_utils import make_mocked_request

from sim.control.metrics_site import _asked_by_loopback
from sim.network.toxiproxy_api import LinkServerError
from sim.observe.client_names import location_of
from sim.observe.events import Acked, Alert, EdgeConnection, Sent
from sim.observe.journal import only
from tests.metrics import promlint

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "metrics.md").read_text()

# Its world is scraped in the midst of an outage, which ends by itself.
pytestmark = [pytest.mark.e2e, pytest.mark.realtime]


def test_promtool_would_have_nothing_to_say(watched):
    """Fly's counters have other suffixes than Prometheus wants: they are told as untyped."""
    for scrape in (watched.before, watched.during, watched.after):
        assert list(promlint.problems(scrape.text)) == []
    kinds = {n: kind for n, (kind, _) in promlint.declared(watched.after.text).items()}
    assert {kind for n, kind in kinds.items() if re.match("fly_.*_count", n)} == {"untyped"}
    assert {kind for n, kind in kinds.items() if n.startswith("sim_")} == {
        "counter",
        "gauge",
        "histogram",
    }


def test_the_rules_find_what_is_wrong():
    wrong = (
        "# HELP a_seconds_counter x\n# TYPE a_seconds_counter counter\na_seconds_counter 1\n"
        "# TYPE b_ms gauge\nb_ms 1\nb_ms 1\n"
        '# HELP c_total x\n# TYPE c_total gauge\nc_total{le="1",camelCase="x"} 1\n'
    )
    said = "\n".join(promlint.problems(wrong))
    for what in (
        '"_total" suffix',
        "type (counter)",
        "no help",
        "abbreviate",
        "twice",
        "non-count",
    ):
        assert what in said
    assert "reserved label le" in said
    assert "camel case camelCase" in said


def test_it_is_prometheus_text_format(watched):
    watched.scrape()
    assert watched.content_type == "text/plain; version=0.0.4; charset=utf-8"


def test_edges_count_answers_connections_and_bytes_while_they_last(watched):
    """The sessions are WebSockets that have not ended: their bytes count all the same."""
    first, last = watched.before, watched.after
    assert first.sum("fly_edge_http_responses_count", status="101", region="fra") == 4
    assert first.sum("fly_edge_http_responses_count", status="101", region="iad") == 6
    assert first.sum("fly_edge_tcp_connects_count") == 10
    assert first.sum("fly_edge_tcp_disconnects_count") == 0
    assert first.sum("fly_edge_data_in", region="fra") > 4 * 320
    assert last.sum("fly_edge_data_in", region="iad") > first.sum("fly_edge_data_in", region="iad")
    assert last.sum("fly_edge_tcp_disconnects_count", region="fra") >= 4


def test_what_edges_count_at_the_end_is_what_the_journal_has(watched):
    """The load is over: every connection has ended and is journaled."""
    now = watched.scrape()
    visits = [e for _, e in only(watched.inside.journal.records, EdgeConnection)]
    assert now.sum("fly_edge_tcp_connects_count") == len(visits)
    assert now.sum("fly_edge_tcp_disconnects_count") == len(visits)
    assert now.sum("fly_edge_data_in") == sum(visit.bytes_in for visit in visits)
    assert now.sum("fly_edge_data_out") == sum(visit.bytes_out for visit in visits)
    assert now.sum("fly_app_concurrency") == 0
    switched = sum(visit.status == 101 for visit in visits)
    assert now.sum("fly_edge_http_responses_count", status="101") == switched
    assert now.sum("fly_app_http_responses_count", status="101") == switched
    assert now.sum("fly_edge_http_response_time_seconds_count", status="101") == switched
    assert now.sum("fly_app_tcp_connects_count") == now.sum("fly_app_tcp_disconnects_count")


def test_machines_are_told_apart(watched):
    fra, iad = (watched.inside.fleet.in_region(code)[0].id for code in ("fra", "iad"))
    assert watched.before.sum("fly_app_concurrency", instance=fra) == 4
    assert watched.before.sum("fly_app_concurrency", instance=iad, region="iad") == 6
    up = [s.sum("fly_instance_up", instance=fra) for s in (watched.before, watched.during)]
    assert up == [1, 0]
    assert watched.after.sum("fly_instance_up") == 2
    passing = {"status": "passing", "instance": fra}
    assert watched.before.sum("sim_health_status", **passing) == 1
    assert watched.during.sum("sim_health_status", instance=fra) == 1  # of three: one is so
    hosts = {s.labels["host"] for s in watched.after.samples if "host" in s.labels}
    assert len(hosts) == 2
    assert all(len(host) == 4 for host in hosts)


def test_clients_and_outages_are_those_of_the_journal(watched):
    now, records = watched.scrape(), watched.inside.journal.records
    for place in ("london", "new-york"):
        sent = sum(location_of(e.client) == place for _, e in only(records, Sent))
        acked = [e for _, e in only(records, Acked) if location_of(e.client) == place]
        assert now.sum("sim_client_sent_total", location=place) == sent
        assert now.sum("sim_client_answer_seconds_count", location=place) == len(acked)
        assert now.sum("sim_client_answer_seconds_sum", location=place) == pytest.approx(
            sum(e.latency_ms for e in acked) / 1000
        )
    began = [e for _, e in only(records, Alert) if e.state == "began"]
    outages = [e for e in began if (e.alert, e.subject) == ("outage", "london")]
    assert now.sum("sim_outages_total", location="london") == len(outages) >= 1
    assert now.sum("sim_alerts_total") == len(began)
    assert watched.during.sum("sim_outage", location="london") == 1
    assert now.sum("sim_outage") == now.sum("sim_alerts_standing") == 0
    assert 0 < now.sum("sim_outage_seconds_total", location="london") < 60
    assert now.sum("sim_alerts_total", alert="machine_down") >= 1
    assert watched.before.sum("sim_faults_total", fault="crash") == 0  # told before it was done
    assert now.sum("sim_faults_total", fault="crash") == 1
    assert watched.before.sum("sim_clients", location="london") == 4
    assert watched.before.sum("sim_client_connections", location="london", region="fra") == 4
    assert now.sum("sim_clients") == now.sum("sim_client_connections") == 0
    assert watched.during.sum("sim_client_failures_total", location="london") > 0


def test_links_and_dns_are_told(watched):
    now = watched.scrape()
    assert now.sum("sim_link_state", source="london", target="fra", state="up") == 1
    assert now.sum("sim_link_state", source="london", target="fra") == 1
    link = watched.inside.links.link("london", "fra")
    assert now.sum("sim_link_rtt_seconds", source="london", target="fra") == pytest.approx(
        link.rtt_ms / 1000
    )
    assert now.sum("sim_link_bytes_total", source="london", target="fra", direction="up") > 1000
    if watched.inside.links.embedded:
        assert watched.before.sum("sim_link_connections", source="london", target="fra") == 4
    else:  # a stock server does not tell of connections that stand
        assert "sim_link_connections" not in watched.before.names
    assert now.sum("sim_dns_answers_total", location="london", region="fra", rcode="NOERROR") > 0
    assert now.sum("sim_dns_queries_total") == pytest.approx(
        now.sum("sim_dns_answers_total")
        + now.sum("sim_dns_errors_total")
        + now.sum("sim_dns_unanswered_total")
    )
    preferred = {"location": "london", "region": "fra"}
    assert watched.before.sum("sim_dns_preferred_region", **preferred) == 1
    assert now.sum("sim_region_healthy", region="fra") == 1


def test_a_broken_link_is_told_at_once(watched):
    async def story():
        await watched.world.link("london", "fra").partition()
        broken = watched.scrape()
        await watched.world.heal()
        return broken.sum("sim_link_state", source="london", target="fra", state="silent")

    assert watched.run(story()) == 1


def test_labels_are_few_and_all_known_before(watched):
    """Bounded by regions, locations and machines: no client, no request, no address is a label."""
    world = watched.inside
    regions, places = {*world.topology.regions}, {*world.topology.locations}
    allowed = {
        "app": {world.topology.app},
        "region": {*regions, ""},
        "location": {*places, ""},
        "instance": {*world.fleet.machines},
        "source": regions | places,
        "target": regions | {"database"},
        "state": {"up", "silent", "refusing", "unanswered"},
        "direction": {"up", "down"},
        "transport": {"udp", "tcp"},
        "reason": {"no query", "outage"},
        "failure": {"refused", "disconnected", "rejected", "unanswered"},
        "seed": {"3"},
    }
    samples = watched.scrape().samples
    for label, values in allowed.items():
        assert {s.labels[label] for s in samples if label in s.labels} <= values, label
    machines = len(world.fleet.machines)
    bound = 40 * (len(regions) + 1) * (len(places) + 1) + 80 * machines
    assert len(samples) < bound


def test_a_machine_that_is_gone_has_no_series(watched):
    async def story():
        await watched.world.region("fra").scale(2)
        (_, second) = watched.inside.fleet.in_region("fra")
        with_it = watched.scrape()
        await watched.world.region("fra").scale(1)
        return second.id, with_it, watched.scrape()

    machine, with_it, without_it = watched.run(story())
    assert machine in with_it.text
    assert machine not in without_it.text


def test_a_page_that_leads_here_by_a_name_of_its_own_is_refused(watched):
    with pytest.raises(urllib.error.HTTPError, match="403"):
        watched.scrape(Host="metrics.example")


@pytest.mark.parametrize(
    ("asked", "asking", "open_to"),
    [
        ("127.44.0.1", "127.0.0.1", True),
        ("::1", "::1", True),
        ("172.17.0.2", "172.17.0.1", False),
        ("127.0.0.1", "192.168.0.7", False),
    ],
)
def test_beyond_loopback_the_token_is_needed(asked, asking, open_to):
    ends = {"sockname": (asked, 8470), "peername": (asking, 40000)}
    transport = Mock(get_extra_info=ends.get)
    request = make_mocked_request("GET", "/metrics", transport=transport)
    assert _asked_by_loopback(request) is open_to


def test_the_link_servers_absence_costs_only_what_links_carry(watched, monkeypatch):
    async def silent():
        raise LinkServerError(0, "it is down")

    monkeypatch.setattr(watched.inside.links, "stats", silent)
    now = watched.scrape()
    assert now.sum("sim_link_state", state="up") > 0
    assert now.sum("sim_link_bytes_total") == 0


def test_every_metric_is_documented_and_nothing_else(watched):
    documented = {*re.findall(r"`((?:fly|sim)_[a-z_]+)`", DOCS)}
    told = {*promlint.declared(watched.scrape().text)}
    left_out = {"fly_edge_tls_handshake_time_seconds"}
    assert documented - left_out == told


def test_every_name_in_the_dashboard_is_told(watched):
    """Its panels, annotations and variables; where a panel's labels are, they are too."""
    dashboard = json.loads((ROOT / "docs" / "grafana" / "multi-region.json").read_text())
    asked = [t["expr"] for panel in dashboard["panels"] for t in panel["targets"]]
    asked += [note["expr"] for note in dashboard["annotations"]["list"]]
    asked += [str(v["query"]) for v in dashboard["templating"]["list"]]
    scrape = watched.after
    names = [name for text in asked for name in re.findall(r"\b(?:fly|sim)_[a-z_]+", text)]
    assert len(names) >= 17
    assert {*names} <= scrape.names
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            labels = {*re.findall(r"{{(\w+)}}", target["legendFormat"])}
            (name,) = re.findall(r"\b(?:fly|sim)_[a-z_]+", target["expr"])
            told = {key for s in scrape.samples if s.name == name for key in s.labels}
            assert labels <= told, (name, labels, told)


def test_the_dashboards_panels_do_not_overlap():
    dashboard = json.loads((ROOT / "docs" / "grafana" / "multi-region.json").read_text())
    taken = [
        (x, y)
        for panel in dashboard["panels"]
        for at in (panel["gridPos"],)
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(taken) == len({*taken})
    assert max(x for x, _ in taken) < 24
