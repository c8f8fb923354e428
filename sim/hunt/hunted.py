"""The scenario of a plan: its load, its timeline, everything healed at the end, and what must hold.

Whatever the faults: nothing acknowledged is lost, doubled, forgotten or reordered; every outage
ends once all is healed; no machine dies by itself; what a policy keeps in its regions stays there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sim.hunt.grammar import LEAD_S, WINDOW_S
from sim.hunt.strike import Plan
from sim.scenario.model import Scenario
from sim.topology.model import Topology
from sim.topology.units import format_duration

Document = dict[str, Any]

_HEAL_AFTER_S = 3.0
_TAIL_S = 10.0  # in which an outage that should be over is seen
_ROOM_S = 15.0  # for a boot, which is real time
# A scenario's own expectations that no fault excuses.
_ALWAYS = ("sessions", "machines", "residency")
KINDS = ("lost", "duplicated", "reordered")  # of broken messages
_BY = ("gateway", "deploy")  # whose disconnects no fault of ours explains


def document(
    scenario: Scenario, topology: str, plan: Plan, expect: Sequence[Mapping[str, Any]] | None = None
) -> Document:
    """The file of a plan, whose topology is that path; `expect` where it is not all of them."""
    heal_s = healed_s(plan)
    recovery_s = recovery(scenario)
    entries = [entry for strike in plan.strikes for entry in strike.entries()]
    load = {**scenario.document.get("load", {}), "clients": plan.clients}
    healing = [{"at": format_duration(heal_s), "fault": "heal"}] if plan.strikes else []
    return {
        "name": f"hunted: {plan}",
        "topology": topology,
        "load": load,
        "timeline": [*entries, *healing],
        "duration": format_duration(round(heal_s + recovery_s + _TAIL_S, 3)),
        "expect": [*(invariants(scenario, plan) if expect is None else expect)],
    }


def healed_s(plan: Plan) -> float:
    """When everything is healed, whatever of it is not yet."""
    if not plan.strikes:
        return LEAD_S + WINDOW_S
    return round(max(strike.over_s for strike in plan.strikes) + _HEAL_AFTER_S, 2)


def recovery(scenario: Scenario) -> float:
    """How long it may take until all clients are served, once all is healed."""
    topology, load = scenario.topology, scenario.load
    checks = topology.gateway.checks
    found_s = max((check.settles_s + check.grace_period_s for check in checks), default=0.0)
    cached_s = topology.routing.ttl_s if topology.routing.mode == "geodns" else 0.0
    return round(2 * found_s + cached_s + 2 * load.timeout_s + load.backoff.max_s + _ROOM_S, 2)


def invariants(scenario: Scenario, plan: Plan) -> list[Document]:
    """What must hold in every run: of all gateways, and what the scenario says of its own."""
    over_s = format_duration(round(healed_s(plan) + recovery(scenario), 3))
    longest = format_duration(recovery(scenario))
    found: list[Document] = [
        *({"check": "messages", kind: 0} for kind in KINDS),
        *([{"check": "sessions", "resumed": "all"}] if plan.strikes else []),  # else none is cut
        {"check": "machines", "deaths": 0},
        # One that has gone on since before the healing is longer than that.
        *(
            {"check": "outage", "location": location, "max": longest, "from": over_s}
            for location in scenario.topology.locations
        ),
        *({"check": "residency", "policy": name} for name in _policies(scenario.topology)),
    ]
    own = [row for row in scenario.document.get("expect") or () if _holds_in(plan, row)]
    return found + [dict(row) for row in own if dict(row) not in found]


def _holds_in(plan: Plan, row: Mapping[str, Any]) -> bool:
    """Whether no fault of the plan excuses that something else than this is seen."""
    if "from" in row or "until" in row:
        return False
    if row["check"] == "disconnects":  # a gateway whose database is away may end connections
        return row.get("by") in _BY and {*plan.words} <= {"deploy"}
    return row["check"] in _ALWAYS


def _policies(topology: Topology) -> Sequence[str]:
    return [policy.name for policy in topology.residency]
