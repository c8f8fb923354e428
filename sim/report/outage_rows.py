"""The parts of a report that are about time: outages, who stayed behind, and what is the host's."""

from __future__ import annotations

from sim.observe.blips import folded
from sim.observe.outages import LocationOutage, by_location
from sim.observe.tails import Tail, median_stay_s
from sim.report.figures import Document, rounded
from sim.scenario.evidence import Evidence

_MOST_STRAGGLERS = 100  # of each tail, the longest stays; the sums are complete
_MOST_EXCUSED = 100  # gaps that are the host's; the count is complete


def outage_rows(evidence: Evidence) -> list[Document]:
    """What each location went through, in order of time; a blip is marked as one."""
    groups = by_location(evidence.outages)
    flags = folded(groups, evidence.gap_rule)
    return [{**_outage_row(group), "blip": blip} for group, blip in zip(groups, flags, strict=True)]


def _outage_row(group: LocationOutage) -> Document:
    worst = group.worst
    return {
        "location": group.location,
        "region": group.region,
        "to_region": worst.to_region,
        "from_s": rounded(worst.from_s),
        "to_s": rounded(worst.to_s),
        "ended": group.ended,
        "seconds": rounded(worst.seconds),
        "median_s": rounded(group.median_s),
        "detection_s": rounded(worst.detection_s),
        "dns_s": rounded(worst.dns_s),
        "recovery_s": rounded(worst.recovery_s),
        "reconnect_s": rounded(worst.reconnect_s),
        "clients": len({outage.client for outage in group.outages}),
        "client_seconds": rounded(group.client_seconds),
        "worst_client": worst.client,
        "host_s": rounded(worst.host_s),
        "doubtful": worst.doubtful,
    }


def tail_row(tail: Tail) -> Document:
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
                "median_s": rounded(median_stay_s(stayed)) if stayed else None,
                "longest_s": rounded(stayed[0].stayed_s) if stayed else None,
                "longest_client": stayed[0].client if stayed else None,
            }
        )
    return {
        "location": tail.location,
        "region": tail.region,
        "from_s": rounded(tail.from_s),
        "to_s": rounded(tail.to_s),
        "resolvers": rows,
        "clients": [
            {
                "client": straggler.client,
                "resolver": straggler.resolver,
                "stayed_s": rounded(straggler.stayed_s),
                "left": straggler.left,
            }
            for straggler in tail.stragglers[:_MOST_STRAGGLERS]
        ],
    }


def noise(evidence: Evidence) -> Document:
    """What the host kept waiting during the load, and what is not counted because of it."""
    history = evidence.history
    waited = history.noise.by_part(0.0, history.end)
    excused = [gap for gap in evidence.gaps if gap.excused]
    doubtful = [gap for gap in evidence.outages if gap.doubtful]
    return {
        "waited_s": {part: rounded(seconds) for part, seconds in waited.items()},
        "waited_real_s": {part: rounded(s / history.speed) for part, s in waited.items()},
        "not_counted": [
            {
                "client": gap.client,
                "region": gap.region,
                "from_s": rounded(gap.from_s),
                "to_s": rounded(gap.to_s),
                "ordinary_s": rounded(gap.ordinary_s),
                "waited_s": rounded(gap.part_s),
            }
            for gap in excused[:_MOST_EXCUSED]
        ],
        "not_counted_gaps": len(excused),
        "doubtful_outages": len(doubtful),
    }


def resolution_s(evidence: Evidence) -> float:
    """The least outage that this run can tell from an ordinary gap, on the worst of its ways."""
    ways = [(place, region) for place, found in evidence.traffic.items() for region in found]
    ordinary_s = max((evidence.gap_rule.allowed(*way) for way in ways), default=0.0)
    return max([ordinary_s, *(gap.seconds for gap in evidence.gaps if gap.excused)])
