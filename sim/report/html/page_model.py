"""What the page shows, as plain data: computed from the evidence, bounded in size, free of markup.

Times are simulated seconds from the start of the load, latencies simulated milliseconds. Whatever
is cut short says by how much.
"""

from __future__ import annotations

from typing import Any

from sim.observe.events import (
    AlertUndelivered,
    Connected,
    Disconnected,
    DriverRaised,
    Event,
    FaultFailed,
    LoadEnded,
    LoadStarted,
    MachineChanged,
    MachineDied,
    MachineStopped,
    PartFailed,
)
from sim.observe.history import History, Timed
from sim.observe.journal import Record
from sim.observe.sessions import count
from sim.report.asked import asked
from sim.report.document import Document
from sim.report.html.anatomy import anatomy
from sim.report.html.bands import bands
from sim.report.html.lanes import lanes
from sim.report.html.traffic_series import series, totals
from sim.report.narrate import Narrator
from sim.report.terminal import blips_in_words
from sim.scenario.evidence import Evidence
from sim.topology.distance import round_trip

MOST_ANOMALIES = 1000
MOST_TAILS = 20
MOST_STRAGGLERS = 50  # of each tail; its sums are complete
MOST_STOPS = 500
MOST_LINES = 400  # of the story
MOST_CHARACTERS = 300  # of one message


def model(evidence: Evidence, report: Document) -> dict[str, Any]:
    """Everything on the page but the outline of the land."""
    history = evidence.history
    return {
        "run": _run(evidence, report),
        "expectations": [_expectation(entry) for entry in report["expectations"]],
        "doubts": [_short(text) for text in report["doubts"]],
        "notes": [_short(text) for text in report["notes"]],
        "regions": _regions(evidence),
        "locations": _locations(evidence),
        **bands(evidence),
        "lanes": lanes(evidence),
        "outages": {**anatomy(evidence), "blips": list(blips_in_words(report))},
        "tails": [
            {**tail, "clients": tail["clients"][:MOST_STRAGGLERS]}
            for tail in report["tails"][:MOST_TAILS]
        ],
        "deaths": [
            {**row, "last_lines": [_short(line) for line in row["last_lines"]]}
            for row in report["deaths"][:MOST_ANOMALIES]
        ],
        "driver_errors": [
            {**row, "error": _short(row["error"])}
            for row in report["driver_errors"][:MOST_ANOMALIES]
        ],
        "frequent_errors": [
            {**row, "reason": _short(row["reason"])} for row in report["frequent_errors"]
        ],
        "disconnects": [{**row, "reason": _short(row["reason"])} for row in report["disconnects"]],
        "deploys": report["deploys"],
        "stops": [
            [row["at_s"], row["machine"], row["region"], row["by"], row["outcome"], row["story"]]
            for row in report["stops"][:MOST_STOPS]
        ],
        "stops_omitted": max(0, len(report["stops"]) - MOST_STOPS),
        "ledger": _ledger(evidence, report),
        "series": series(evidence),
        "totals": totals(evidence),
        "story": story(history),
    }


def _short(text: object) -> str:
    text = str(text)
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"


def _run(evidence: Evidence, report: Document) -> dict[str, Any]:
    topology, run = evidence.topology, evidence.history.run
    return {
        "name": report["scenario"],
        "verdict": report["verdict"],
        "live": report["live"],
        "app": topology.hostname,
        "mode": topology.routing.mode,
        "ttl_s": topology.routing.ttl_s,
        "runtime": report["runtime"],
        "links": report["links"],
        "speed": report["speed"],
        "seed": report["seed"],
        "version": run.version if run else None,
        "duration_s": report["duration_s"],
        "driver": str(evidence.scenario.load.driver),
        "every_s": evidence.scenario.load.every_s,
        "cost_usd_month": report["cost_usd_month"],
    }


def _expectation(entry: Document) -> dict[str, Any]:
    return {
        "check": entry["check"],
        "asked": _short(asked(entry).partition(": ")[2]),
        "held": entry["held"],
        "observed": _short(entry["observed"]),
        "why": _short(entry["why"]),
    }


def _regions(evidence: Evidence) -> list[dict[str, Any]]:
    return [
        {
            "code": region.code,
            "city": region.city,
            "at": [region.at.lat, region.at.lon],
            "primary": region == evidence.topology.primary,
        }
        for region in evidence.topology.regions.values()
    ]


def _locations(evidence: Evidence) -> list[dict[str, Any]]:
    topology = evidence.topology
    return [
        {
            "name": place.name,
            "at": [place.at.lat, place.at.lon],
            "clients": len(evidence.history.clients_of(place.name)),
            "rtt_ms": {
                code: round(round_trip(topology, place.name, code).rtt_ms, 1)
                for code in topology.regions
            },
        }
        for place in topology.locations.values()
    ]


def _ledger(evidence: Evidence, report: Document) -> dict[str, Any]:
    ledger = evidence.ledger
    broken = count(evidence.history).broken
    return {
        **report["messages"],
        **{f"sessions_{key}": value for key, value in report["sessions"].items()},
        "why_not_audited": _short(ledger.why_not_audited),
        "anomalies": [
            [
                anomaly.kind,
                anomaly.session,
                anomaly.seq,
                anomaly.client,
                round(anomaly.sent_t, 2),
                None if anomaly.acked_t is None else round(anomaly.acked_t, 2),
                anomaly.machine,
                _short(anomaly.text),
            ]
            for anomaly in ledger.anomalies[:MOST_ANOMALIES]
        ],
        "anomalies_omitted": max(0, len(ledger.anomalies) - MOST_ANOMALIES),
        "forgotten": [
            [round(t, 2), e.session, e.client, e.region, e.machine, e.acked, e.remembered]
            for t, e in broken[:MOST_ANOMALIES]
        ],
        "forgotten_omitted": max(0, len(broken) - MOST_ANOMALIES),
    }


def story(history: History) -> dict[str, Any]:
    """What happened, in the words of the live narration: [seconds, line]."""
    events: list[Timed[Event]] = [*history.faults, *history.health, *history.routing]
    events += [*history.alerts, *history.of(MachineStopped)]
    for kind in (LoadStarted, MachineDied, MachineChanged, FaultFailed, PartFailed, DriverRaised):
        events += history.of(kind)
    events += [*history.of(Connected), *history.of(Disconnected)]
    events += [*history.of(LoadEnded), *history.of(AlertUndelivered)]
    lines: list[list[Any]] = []

    def say(line: str) -> None:
        t, _, text = line.partition(" s  ")
        lines.append([float(t), _short(text)])

    narrator = Narrator(say, live=history.whole)
    if history.run:
        narrator(Record(0.0, history.run))
    for t, event in sorted(events, key=lambda item: item[0]):
        if t >= 0:
            narrator(Record(t, event))
    return {"lines": lines[:MOST_LINES], "omitted": max(0, len(lines) - MOST_LINES)}
