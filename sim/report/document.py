"""The report as one JSON document (`--json FILE`): the other forms are drawn from it.

All times are simulated seconds from the start of the load; latencies are simulated milliseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sim.costs.bill import Bill, bill
from sim.observe.blips import folded
from sim.observe.deaths import Death
from sim.observe.deploys import DeployRun
from sim.observe.disconnects import fold
from sim.observe.doubts import driver_errors
from sim.observe.events import LinkChanged
from sim.observe.history import History
from sim.observe.outages import LocationOutage, by_location
from sim.observe.sessions import count
from sim.observe.stops import Stop, in_words
from sim.observe.tails import Tail, median_stay_s
from sim.report.frequent_errors import frequent_errors
from sim.report.notes import notes_on
from sim.scenario.checks import Finding
from sim.scenario.evidence import Evidence, percentile
from sim.scenario.model import Expectation
from sim.scenario.trigger import tied_to
from sim.scenario.verdict import Verdict

Document = dict[str, Any]

_MOST_STRAGGLERS = 100  # of each tail, the longest stays; the sums are complete
_MOST_EXCUSED = 100  # gaps that are the host's; the count is complete
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
        "duration_s": _round(history.end),
        "every_s": evidence.pace.every_s,
        "doubts": list(verdict.doubts),
        "expectations": [_expectation(*pair) for pair in verdict.findings],
        "faults": [
            {
                "at_s": _round(t),
                "fault": fault.fault,
                "target": fault.target,
                "when": tied_to(fault.detail),
            }
            for t, fault in history.faults
        ],
        "alerts": _alerts(history),
        "outages": _outages(evidence),
        "tails": [_tail(tail) for tail in evidence.tails],
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
        "deaths": [_death(death) for death in evidence.deaths],
        "disconnects": [vars(group) for group in fold(evidence.ends)],
        "deploys": [_deploy(run) for run in evidence.deploys],
        "stops": [_stop(stop, history) for stop in evidence.stops],
        "traffic": _traffic(evidence),
        "latency_ms": _latency(evidence),
        "frequent_errors": frequent_errors(history),
        "errors": {place: dict(counts) for place, counts in evidence.errors.items()},
        "cost_usd_month": _cost_month(cost),
        "cost": _cost(cost),
        "noise": _noise(evidence),
        "resolution_s": _round(_resolution_s(evidence)),
        "resolution_ms": _round(evidence.pace.floor_s * 1000),
        "notes": notes_on(evidence),
    }


def _silences(history: History) -> Iterator[str]:
    """How far the silence of each cut link went: tcp, connect or data (docs/links.md)."""
    for _, change in history.of(LinkChanged):
        if "silence" in change.detail:
            yield change.detail["silence"]


def _round(seconds: float) -> float:
    return round(seconds, 3)


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
                    "from_s": _round(t),
                    "to_s": None,
                    "reason": alert.reason,
                }
            )
            continue
        for row in reversed(rows):
            if (row["alert"], row["subject"], row["to_s"]) == (alert.alert, alert.subject, None):
                row["to_s"] = _round(t)
                break
    return rows


def _outages(evidence: Evidence) -> list[Document]:
    groups = by_location(evidence.outages)
    flags = folded(groups, evidence.pace)
    return [{**_outage(group), "blip": blip} for group, blip in zip(groups, flags, strict=True)]


def _outage(group: LocationOutage) -> Document:
    worst = group.worst
    return {
        "location": group.location,
        "region": group.region,
        "to_region": worst.to_region,
        "from_s": _round(worst.from_s),
        "to_s": _round(worst.to_s),
        "ended": group.ended,
        "seconds": _round(worst.seconds),
        "median_s": _round(group.median_s),
        "detection_s": _round(worst.detection_s),
        "dns_s": _round(worst.dns_s),
        "recovery_s": _round(worst.recovery_s),
        "reconnect_s": _round(worst.reconnect_s),
        "clients": len({outage.client for outage in group.outages}),
        "client_seconds": _round(group.client_seconds),
        "worst_client": worst.client,
        "host_s": _round(worst.host_s),
        "doubtful": worst.doubtful,
    }


def _tail(tail: Tail) -> Document:
    """Who stayed on a region that DNS had left: summed up by personality, then one by one."""
    rows = []
    for resolver, clients in sorted(tail.clients.items()):
        stayed = tail.of(resolver)
        rows.append(
            {
                "resolver": resolver,
                "clients": clients,
                "stayed": len(stayed),
                "never_left": sum(1 for straggler in stayed if not straggler.left),
                "median_s": _round(median_stay_s(stayed)) if stayed else None,
                "longest_s": _round(stayed[0].stayed_s) if stayed else None,
                "longest_client": stayed[0].client if stayed else None,
            }
        )
    return {
        "location": tail.location,
        "region": tail.region,
        "from_s": _round(tail.from_s),
        "to_s": _round(tail.to_s),
        "resolvers": rows,
        "clients": [
            {
                "client": straggler.client,
                "resolver": straggler.resolver,
                "stayed_s": _round(straggler.stayed_s),
                "left": straggler.left,
            }
            for straggler in tail.stragglers[:_MOST_STRAGGLERS]
        ],
    }


def _deploy(run: DeployRun) -> Document:
    return {
        "release": run.release,
        "strategy": run.strategy,
        "from_s": _round(run.began_s),
        "to_s": None if run.ended_s is None else _round(run.ended_s),
        "outcome": run.outcome,
        "error": run.error or None,
        "machines": len(run.machines),
        "replaced": len(run.touched),
        "dropped": len(run.dropped),
        "dropped_by_location": dict(run.dropped_by_location),
        "goodbyes": dict(run.goodbyes.most_common()),
    }


def _stop(stop: Stop, history: History) -> Document:
    event = stop.event
    return {
        "machine": event.machine,
        "region": event.region,
        "at_s": _round(stop.at_s),
        "by": event.why if stop.release is None else f"release {stop.release}",
        "release": stop.release,
        "signal": event.signal,
        "given_s": event.given_s,
        "given_real_s": _round(event.given_s / history.speed),
        "took_s": _round(event.took_s),
        "took_real_s": _round(event.took_s / history.speed),
        "outcome": stop.outcome,
        "end": event.end,
        "open": stop.open,
        "story": in_words(event, history.own_speed, stop.open),
    }


def _death(death: Death) -> Document:
    return {
        "machine": death.machine,
        "region": death.region,
        "at_s": _round(death.at_s),
        "exit": death.end,
        "last_lines": list(death.last_lines),
        "error_line": death.error_line,
    }


def _anomaly(anomaly: Any) -> Document:
    return {
        key: _round(value) if isinstance(value, float) else value
        for key, value in vars(anomaly).items()
    }


def _traffic(evidence: Evidence) -> Document:
    regions = list(evidence.topology.regions)
    return {
        place: {region: evidence.traffic.get(place, Counter())[region] for region in regions}
        for place in evidence.topology.locations
    }


def _latency(evidence: Evidence) -> Document:
    return {
        place: {
            region: {f"p{p}": round(percentile(values, p), 2) for p in (50, 90, 99)}
            for region, values in regions.items()
        }
        for place, regions in evidence.latencies_ms.items()
    }


def _cost_month(found: Bill | None) -> Document | None:
    """What a month costs, the machines by region: an estimate, as the topology gives the prices."""
    if found is None:
        return None
    costs = {region.region: round(region.month_usd, 2) for region in found.regions}
    if found.ipv4_month_usd:
        costs["ipv4"] = round(found.ipv4_month_usd, 2)
    return {**costs, "total": round(found.month_usd, 2)}


def _cost(found: Bill | None) -> Document | None:
    """The run's own bill: what was metered, and what it comes to."""
    if found is None:
        return None
    return {
        "regions": {
            region.region: {
                "started_s": _round(region.started_s),
                "stored_s": _round(region.stored_s),
                "egress_bytes": region.egress_bytes,
                "machines_usd": round(region.machines_usd, 8),
                "root_fs_usd": round(region.root_fs_usd, 8),
                "egress_usd": round(region.egress_usd, 8),
                "usd": round(region.run_usd, 8),
            }
            for region in found.regions
        },
        "usd": round(found.run_usd, 8),
        "usd_month_like_this": round(found.run_month_usd, 2),
    }


def _noise(evidence: Evidence) -> Document:
    """What the host kept waiting during the load, and what is not counted because of it."""
    history = evidence.history
    waited = history.noise.by_part(0.0, history.end)
    excused = [gap for gap in evidence.gaps if gap.excused]
    doubtful = [gap for gap in evidence.outages if gap.doubtful]
    return {
        "waited_s": {part: _round(seconds) for part, seconds in waited.items()},
        "waited_real_s": {part: _round(s / history.speed) for part, s in waited.items()},
        "not_counted": [
            {
                "client": gap.client,
                "region": gap.region,
                "from_s": _round(gap.from_s),
                "to_s": _round(gap.to_s),
                "ordinary_s": _round(gap.ordinary_s),
                "waited_s": _round(gap.part_s),
            }
            for gap in excused[:_MOST_EXCUSED]
        ],
        "not_counted_gaps": len(excused),
        "doubtful_outages": len(doubtful),
    }


def _resolution_s(evidence: Evidence) -> float:
    """The least outage that this run can tell from an ordinary gap, on the worst of its ways."""
    ways = [(place, region) for place, found in evidence.traffic.items() for region in found]
    ordinary_s = max((evidence.pace.allowed(*way) for way in ways), default=0.0)
    return max([ordinary_s, *(gap.seconds for gap in evidence.gaps if gap.excused)])
