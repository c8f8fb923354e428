"""The report as one JSON document (`--json FILE`): the other forms are drawn from it.

All times are simulated seconds from the start of the load; latencies are simulated milliseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sim.costs.bill import bill
from sim.observe.disconnects import fold
from sim.observe.doubts import driver_errors
from sim.observe.events import LinkChanged
from sim.observe.history import History
from sim.observe.sessions import count
from sim.report.cost_rows import cost_month, run_cost
from sim.report.figures import Document, rounded
from sim.report.frequent_errors import frequent_errors
from sim.report.machine_rows import death_row, deploy_row, stop_row
from sim.report.notes import notes_on
from sim.report.outage_rows import noise, outage_rows, resolution_s, tail_row
from sim.scenario.checks import Finding
from sim.scenario.evidence import Evidence
from sim.scenario.model import Expectation
from sim.scenario.trigger import tied_to
from sim.scenario.verdict import Verdict

__all__ = ["Document", "build"]

_MOST_ANOMALIES = 100  # of each kind; the counts are complete


def build(evidence: Evidence, verdict: Verdict) -> Document:
    """Everything that a run showed, as plain data."""
    history = evidence.history
    run = history.run
    sessions = count(history)
    ledger = evidence.ledger
    cost = bill(history, evidence.topology) if evidence.topology.costs else None
    return {
        "scenario": history.name,
        "live": history.whole,
        "verdict": verdict.outcome,
        "runtime": run.runtime if run else None,
        "links": run.links if run else None,
        "silence": next(_silences(history), None),
        "speed": history.speed,
        "clock": run.clock if run else None,
        "seed": run.seed if run else None,
        "duration_s": rounded(history.end),
        "every_s": evidence.gap_rule.every_s,
        "doubts": list(verdict.doubts),
        "expectations": [_expectation(*pair) for pair in verdict.findings],
        "faults": [
            {
                "at_s": rounded(t),
                "fault": fault.fault,
                "target": fault.target,
                "when": tied_to(fault.detail),
            }
            for t, fault in history.faults
        ],
        "alerts": _alerts(history),
        "outages": outage_rows(evidence),
        "tails": [tail_row(tail) for tail in evidence.tails],
        "messages": {
            "sent": ledger.sent,
            "acked": ledger.acked,
            "unknown": ledger.unknown,
            "unanswered": ledger.unknown,
            "audited": ledger.audited,
            "lost": ledger.count("lost"),
            "duplicated": ledger.count("duplicated"),
            "reordered": ledger.count("reordered"),
        },
        "anomalies": [_anomaly(a) for a in ledger.anomalies[:_MOST_ANOMALIES]],
        "sessions": {
            "opened": sessions.opened,
            "resumed": sessions.resumed,
            "broken": len(sessions.broken),
            "unresumed": len(sessions.unresumed),
            "replaced": sessions.replaced,
            "pending": len(sessions.pending),
        },
        "driver_errors": [
            {"file": e.file, "line": e.line, "error": e.error, "count": count}
            for e, count in driver_errors(history)
        ],
        "deaths": [death_row(death) for death in evidence.deaths],
        "disconnects": [vars(group) for group in fold(evidence.ends)],
        "deploys": [deploy_row(run) for run in evidence.deploys],
        "stops": [stop_row(stop, history) for stop in evidence.stops],
        "traffic": _traffic(evidence),
        "latency_ms": _latency(evidence),
        "frequent_errors": frequent_errors(history),
        "errors": {place: dict(counts) for place, counts in evidence.errors.items()},
        "cost_usd_month": cost_month(cost),
        "cost": run_cost(cost),
        "noise": noise(evidence),
        "resolution_s": rounded(resolution_s(evidence)),
        "resolution_ms": rounded(evidence.gap_rule.floor_s * 1000),
        "notes": notes_on(evidence),
    }


def _silences(history: History) -> Iterator[str]:
    """How far the silence of each cut link went: tcp, connect or data (docs/links.md)."""
    for _, change in history.of(LinkChanged):
        if "silence" in change.detail:
            yield change.detail["silence"]


def _expectation(expectation: Expectation, finding: Finding) -> Document:
    given = {key: value for key, value in expectation.params.items() if value is not None}
    return {
        "check": expectation.check,
        **given,
        "held": finding.held,
        "observed": finding.observed,
        "why": finding.why,
    }


def _alerts(history: History) -> list[Document]:
    """Each alert from its beginning to its end (None: it stood until the journal's)."""
    rows: list[Document] = []
    for t, alert in history.alerts:
        if alert.state == "began":
            rows.append(
                {
                    "alert": alert.alert,
                    "subject": alert.subject,
                    "region": alert.region,
                    "from_s": rounded(t),
                    "to_s": None,
                    "reason": alert.reason,
                }
            )
            continue
        for row in reversed(rows):
            if (row["alert"], row["subject"], row["to_s"]) == (alert.alert, alert.subject, None):
                row["to_s"] = rounded(t)
                break
    return rows


def _anomaly(anomaly: Any) -> Document:
    return {
        key: rounded(value) if isinstance(value, float) else value
        for key, value in vars(anomaly).items()
    }


def _traffic(evidence: Evidence) -> Document:
    regions, traffic = list(evidence.topology.regions), evidence.traffic
    return {
        place: {region: traffic.get(place, Counter())[region] for region in regions}
        for place in evidence.topology.locations
    }


def _latency(evidence: Evidence) -> Document:
    return {
        place: {
            region: {f"p{p}": round(values.percentile(p), 2) for p in (50, 90, 99)}
            for region, values in regions.items()
        }
        for place, regions in evidence.latencies_ms.items()
    }
