"""What a world knows beyond Fly's metrics: links, DNS, health, clients, outages, itself.

Times are simulated seconds where a name says so, else real ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.metrics_core import Metric

from sim import __version__
from sim.alerts.board import FiringAlert
from sim.metrics.family import Labels, counter, gauge, histogram
from sim.metrics.tally import NOWHERE, JournalTally
from sim.network.link import Link
from sim.network.stats import LinkStats
from sim.routing.dns.dns_counters import Counts
from sim.scenario.faults import FAULTS
from sim.topology.model import ALERTS

_PAIR = ("source", "target")
_STATES = ("up", "silent", "refusing", "unanswered")
_STATUSES = ("passing", "warning", "critical")


def link_metrics(links: Iterable[Link], stats: Mapping[str, LinkStats]) -> Iterator[Metric]:
    """Every link as it is now, and what it has carried; `source` is who connects."""
    links = list(links)

    def pair(link: Link) -> Labels:
        return (link.spec.source, link.spec.target)

    yield gauge(
        "sim_link_state",
        "Whether a link is in this state: up, silent (nothing crosses), refusing, or unanswered"
        " (connecting times out).",
        (*_PAIR, "state"),
        [((*pair(link), s), float(link.state == s)) for link in links for s in _STATES],
    )
    yield gauge(
        "sim_link_rtt_seconds",
        "The round trip that a link is made to have now (simulated).",
        _PAIR,
        [(pair(link), link.rtt_ms / 1000) for link in links],
    )
    yield gauge(
        "sim_link_jitter_seconds",
        "How far single trips stray from it (real).",
        _PAIR,
        [(pair(link), link.conditions.jitter_ms / 1000) for link in links],
    )
    found = [(link, stats[link.name]) for link in links if link.name in stats]
    yield gauge(
        "sim_link_connections",
        "Connections through a link now.",
        _PAIR,
        [(pair(link), s.connections) for link, s in found if s.connections is not None],
    )
    yield counter(
        "sim_link_bytes_total",
        "Bytes through a link, up (from who connects) and down.",
        (*_PAIR, "direction"),
        [
            ((*pair(link), direction), number)
            for link, s in found
            for direction, number in (("up", s.bytes_up), ("down", s.bytes_down))
        ],
    )


def dns_metrics(counts: Counts, led_to: Mapping[str, tuple[str, ...]]) -> Iterator[Metric]:
    """What the nameservers were asked and have answered, and where they lead now."""
    yield counter(
        "sim_dns_queries_total",
        "Packets that the nameservers got.",
        ("transport",),
        [((transport,), number) for transport, number in counts.received.items()],
    )
    yield counter(
        "sim_dns_answers_total",
        "Answers, by who asked and the region they led to (both may be empty).",
        ("location", "region", "type", "rcode"),
        [
            ((kind.location or NOWHERE, kind.region or NOWHERE, kind.type, kind.rcode), number)
            for kind, number in counts.answers.items()
        ],
    )
    yield counter(
        "sim_dns_errors_total",
        "Queries that no record could have answered.",
        ("rcode",),
        [((rcode,), number) for rcode, number in counts.errors.items()],
    )
    yield counter(
        "sim_dns_unanswered_total",
        "Packets that got no answer: no query, or an outage that a fault made.",
        ("reason",),
        [((reason,), number) for reason, number in counts.unanswered.items()],
    )
    yield gauge(
        "sim_dns_preferred_region",
        "1 for the region that a location is led to first.",
        ("location", "region"),
        [((location, regions[0]), 1.0) for location, regions in led_to.items() if regions],
    )


def health_metrics(
    statuses: Mapping[str, tuple[str, str]], healthy: frozenset[str], regions: Iterable[str]
) -> Iterator[Metric]:
    """What the checker believes; `statuses` has each machine's region and status."""
    yield gauge(
        "sim_health_status",
        "Whether the checker believes this of a machine: passing, warning or critical.",
        ("region", "instance", "status"),
        [
            ((region, machine, status), float(believed == status))
            for machine, (region, believed) in statuses.items()
            for status in _STATUSES
        ],
    )
    yield gauge(
        "sim_region_healthy",
        "Whether a machine of the region passes, so that it may be in DNS.",
        ("region",),
        [((region,), float(region in healthy)) for region in regions],
    )


def client_metrics(tally: JournalTally, locations: Iterable[str]) -> Iterator[Metric]:
    """What the clients of the loads went through, by location and the region that served."""
    locations = list(locations)
    yield gauge(
        "sim_clients",
        "Clients of the load that runs.",
        ("location",),
        [((location,), tally.clients[location]) for location in locations],
    )
    yield gauge(
        "sim_client_connections",
        "Connections of clients now.",
        ("location", "region"),
        list(tally.connections.items()),
    )
    yield counter(
        "sim_client_sent_total",
        "Messages and requests that clients sent, every attempt.",
        ("location",),
        [((location,), tally.sent[location]) for location in locations],
    )
    yield histogram(
        "sim_client_answer_seconds",
        "From sending to the acknowledgement or answer (real).",
        ("location", "region"),
        tally.answers,
    )
    yield counter(
        "sim_client_failures_total",
        "What clients met with: refused, disconnected, rejected or unanswered.",
        ("location", "region", "failure"),
        list(tally.failures.items()),
    )


def alert_metrics(
    tally: JournalTally, standing: Iterable[FiringAlert], locations: Iterable[str]
) -> Iterator[Metric]:
    """Alerts, and the outages among them."""
    locations, standing = list(locations), list(standing)
    cut_off = {one.subject for one in standing if one.alert == "outage"}
    yield gauge(
        "sim_alerts_standing",
        "Alerts that have begun and not ended.",
        ("alert",),
        [((name,), sum(one.alert == name for one in standing)) for name in ALERTS],
    )
    yield counter(
        "sim_alerts_total",
        "Alerts that have begun.",
        ("alert",),
        [((name,), tally.alerts[name]) for name in ALERTS],
    )
    yield counter(
        "sim_alerts_undelivered_total",
        "Times that a receiver of alerts began to take none.",
        (),
        [((), tally.undelivered)],
    )
    yield gauge(
        "sim_outage",
        "Whether clients of a location are not served.",
        ("location",),
        [((location,), float(location in cut_off)) for location in locations],
    )
    yield counter(
        "sim_outages_total",
        "Outages of a location that have begun.",
        ("location",),
        [((location,), tally.outages[location]) for location in locations],
    )
    yield counter(
        "sim_outage_seconds_total",
        "How long outages that have ended lasted, in simulated seconds.",
        ("location",),
        [((location,), tally.outage_s[location]) for location in locations],
    )


def world_metrics(tally: JournalTally, info: Mapping[str, str], now: float) -> Iterator[Metric]:
    """The world itself; `info` says what it is made of."""
    labels = {"version": __version__, **info}
    yield gauge(
        "sim_world_info", "What the world is made of.", (*labels,), [((*labels.values(),), 1.0)]
    )
    yield gauge(
        "sim_world_uptime_seconds", "How long it is up, in simulated seconds.", (), [((), now)]
    )
    yield counter(
        "sim_faults_total",
        "Faults that were done.",
        ("fault",),
        [((fault,), tally.faults[fault]) for fault in FAULTS],  # 0 too: else the first is no rise
    )
    for name, text, number in (
        ("sim_faults_failed_total", "Faults that could not be done.", tally.failed_faults),
        ("sim_parts_failed_total", "Failures of the simulator's own parts.", tally.failed_parts),
        (
            "sim_host_stalled_seconds_total",
            "How long the simulator itself stood still (real).",
            tally.stalled_real_s,
        ),
    ):
        yield counter(name, text, (), [((), number)])
