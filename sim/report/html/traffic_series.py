"""Traffic and latency over time, by location and region, in equal bins."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import Any

from sim.observe.client_names import location_of
from sim.observe.events import Acked, EdgeConnection
from sim.observe.sample import Sample
from sim.scenario.evidence import Evidence

MOST_BINS = 120
MOST_FIGURES = 12_000  # bins times pairs of location and region
_WIDTHS_S = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600)


def series(evidence: Evidence) -> dict[str, Any]:
    """Per pair: answers, and the median and 99th percentile of latency in simulated ms, by bin.

    `refused` has each location's refused connections and messages. A bin without an answer has
    None for its latencies.
    """
    history = evidence.history
    pairs = sum(map(len, evidence.latencies_ms.values()))
    bins = max(10, min(MOST_BINS, MOST_FIGURES // (3 * max(1, pairs))))
    bin_s = next((w for w in _WIDTHS_S if history.end / w <= bins), history.end / bins)
    count = max(1, math.ceil(history.end / bin_s))
    latencies: dict[tuple[str, str], dict[int, Sample]] = defaultdict(lambda: defaultdict(Sample))
    for t, acked in history.of(Acked):
        if 0 <= t < count * bin_s:
            key = (location_of(acked.client), acked.region)
            latencies[key][int(t / bin_s)].add(acked.latency_ms)
    return {
        "bin_s": bin_s,
        "bins": count,
        "pairs": [
            _pair(location, region, latencies[location, region], count)
            for location, region in sorted(latencies)
        ],
        "refused": _refused(evidence, bin_s, count),
    }


def _pair(location: str, region: str, bins: dict[int, Sample], count: int) -> dict[str, Any]:
    def at(percent: int) -> list[float | None]:
        return [round(bins[k].percentile(percent), 1) if k in bins else None for k in range(count)]

    return {
        "location": location,
        "region": region,
        "answers": [len(bins.get(k, ())) for k in range(count)],
        "p50": at(50),
        "p99": at(99),
    }


def _refused(evidence: Evidence, bin_s: float, count: int) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(lambda: [0] * count)
    for t, refusal in evidence.history.refusals:
        if 0 <= t < count * bin_s:
            found[refusal.location][int(t / bin_s)] += 1
    return dict(sorted(found.items()))


def totals(evidence: Evidence) -> list[dict[str, Any]]:
    """A row for each location and region between which anything went: answers, bytes, latency."""
    carried: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for _, edge in evidence.history.of(EdgeConnection):
        counts = carried[edge.location or "", edge.region]
        counts["connections"] += 1
        counts["in"] += edge.bytes_in
        counts["out"] += edge.bytes_out
    rows = []
    regions = [*evidence.topology.regions, ""]
    traffic = evidence.traffic
    for location in [*evidence.topology.locations, ""]:
        for region in regions:
            answers = traffic.get(location, Counter())[region]
            refused = evidence.errors.get(location, Counter())[region]
            edge_counts = carried.get((location, region), Counter())
            values = evidence.latencies_ms.get(location, {}).get(region)
            if answers or refused or edge_counts:
                rows.append(
                    {
                        "location": location,
                        "region": region,
                        "answers": answers,
                        "refused": refused,
                        "connections": edge_counts["connections"],
                        "bytes_in": edge_counts["in"],
                        "bytes_out": edge_counts["out"],
                        "latency_ms": [
                            round(values.percentile(p), 1) if values else None for p in (50, 90, 99)
                        ],
                    }
                )
    return rows
