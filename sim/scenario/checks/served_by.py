"""served_by: within a time, a location's messages were all answered by one region."""

from __future__ import annotations

from collections import Counter, defaultdict

from sim.observe.events import Acked
from sim.observe.history import Timed
from sim.scenario.checks.check_spec import (
    LOCATION,
    REGION,
    Finding,
    Params,
    check,
    counted,
    unknown,
    window,
)
from sim.scenario.evidence import Evidence


@check(
    "served_by",
    (LOCATION, REGION),
    summary="every answer to the location came from the region",
    takes="`location`, `region`",
)
def served_by(evidence: Evidence, params: Params) -> Finding:
    """Held where at least one answer came, and all came from `region`."""
    location, region = params["location"], params["region"]
    by_client: dict[str, Counter[str]] = defaultdict(Counter)
    astray: dict[str, Timed[Acked]] = {}  # the first of each client
    for t, acked in evidence.answers([location], *window(evidence, params)):
        by_client[acked.client][acked.region] += 1
        if acked.region != region:
            astray.setdefault(acked.client, (t, acked))
    if not by_client:
        return unknown(f"no message of {location} was answered in this time")
    clients = [client for client in evidence.history.clients if client in by_client]
    counts = Counter[str]()
    for client in clients:
        counts.update(by_client[client])
    observed = ", ".join(f"{name} {number}" for name, number in counts.most_common())
    if not astray:
        return Finding(held=True, observed=observed)
    t, first = next(astray[client] for client in clients if client in astray)
    elsewhere = counts.total() - counts[region]
    why = (
        f"{counted(elsewhere, 'message')} answered elsewhere, the first at {t:.1f} s"
        f" by {first.region} ({first.client})"
    )
    return Finding(held=False, observed=observed, why=why)
