"""The three values of a verdict."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sim.observe.events import (
    Acked,
    Connected,
    ConnectFailed,
    FaultBegan,
    FaultFailed,
    PartFailed,
    Sent,
)
from sim.observe.events.releases import DeployBegan, DeployEnded
from sim.scenario.verdict import judge

CLIENT = "london/0"
FINE = {"check": "served_by", "location": "london", "region": "fra"}
BROKEN = {"check": "served_by", "location": "london", "region": "iad"}
UP = (0.1, Connected(CLIENT, "london", "fra", "m"))
ANSWER = (0.5, Acked(CLIENT, "s", 1, "fra", "m", 20.0))


def fault(name="crash", target="fra", **detail):
    return (20.0, FaultBegan(name, target, detail or {"kind": "region", "region": target}))


def test_held(evidence):
    verdict = judge(evidence(UP, ANSWER, fault(), expect=[FINE]))
    assert (verdict.outcome, verdict.exit_code) == ("held", 0)


def test_failed(evidence):
    verdict = judge(evidence(UP, ANSWER, expect=[FINE, BROKEN]))
    assert (verdict.outcome, verdict.exit_code) == ("failed", 1)


def test_a_load_whose_clients_never_connected_is_unknown(evidence):
    refused = (1.0, ConnectFailed(CLIENT, "london", "fra", "refused"))
    verdict = judge(evidence(refused, expect=[FINE]))
    assert (verdict.outcome, verdict.exit_code) == ("unknown", 4)
    assert "no client ever connected" in verdict.doubts


@pytest.mark.parametrize(
    "untouching",
    [
        fault(target="iad"),
        fault("partition", "new-york:iad", kind="link", location="new-york", region="iad"),
        fault("crash", "fra/2", kind="machine", region="fra", machines=["another"]),
        fault("dns_outage", "new-york", kind="location"),
        fault("age_limit", "london:fra", kind="link", location="london", region="fra", age_s=300.0),
        fault("age_limit", "london", kind="location", age_s=300.0),
        fault("age_limit", "fra", kind="region", region="fra", age_s=300.0),
        fault("age_limit", "fra:database", kind="link", region="fra", age_s=300.0),
        fault("age_limit", "database", kind="service", age_s=300.0),
    ],
)
def test_a_fault_that_touched_nobody_is_unknown(evidence, untouching):
    verdict = judge(evidence(UP, ANSWER, untouching, expect=[FINE]))
    assert verdict.outcome == "unknown"
    assert "touched no client" in verdict.doubts[0]


@pytest.mark.parametrize(
    ("name", "outcome"), [("half_open", "unknown"), ("reset", "unknown"), ("partition", "held")]
)
def test_what_works_on_standing_connections_touches_nobody_who_comes_later(evidence, name, outcome):
    there = {"kind": "link", "location": "london", "region": "fra"}
    early = (0.05, FaultBegan(name, "london:fra", there))
    assert judge(evidence(early, UP, ANSWER, expect=[FINE])).outcome == outcome


def test_an_age_limit_that_was_lifted_before_anybody_reached_it_touched_nobody(evidence):
    there = {"kind": "link", "location": "london", "region": "fra"}
    limit = (5.0, FaultBegan("age_limit", "london:fra", there | {"age_s": 15.0}))
    lifted = (8.0, FaultBegan("heal", "london:fra", there))
    assert judge(evidence(UP, ANSWER, limit, lifted, expect=[FINE])).outcome == "unknown"


@pytest.mark.parametrize(
    "touching",
    [
        fault(),
        fault("crash", "fra/1", kind="machine", region="fra", machines=["m"]),
        fault("partition", "london:fra", kind="link", location="london", region="fra"),
        fault("service_outage", "database", kind="service"),
        fault("age_limit", "london:fra", kind="link", location="london", region="fra", age_s=15.0),
        fault("age_limit", "london", kind="location", age_s=15.0),
        fault("age_limit", "fra:database", kind="link", region="fra", age_s=15.0),
    ],
)
def test_a_fault_in_reach_of_a_client_counts(evidence, touching):
    assert judge(evidence(UP, ANSWER, touching, expect=[FINE])).outcome == "held"


def test_a_fault_that_clients_only_ran_into_later_counts(evidence):
    later = (60.0, ConnectFailed(CLIENT, "london", "iad", "503"))
    verdict = judge(evidence(UP, ANSWER, fault(target="iad"), later, expect=[FINE]))
    assert verdict.outcome == "held"


@pytest.mark.parametrize(
    "standing",
    [
        fault("dns_outage", "london", kind="location"),
        fault("stale_dns", "everything", kind="everything"),
        fault(
            "partition",
            "london:fra",
            kind="link",
            location="london",
            region="fra",
            mode="unanswered",
        ),
    ],
)
def test_what_only_newcomers_feel_is_felt_by_those_who_come_while_it_stands(evidence, standing):
    heal = (50.0, FaultBegan("heal", "everything", {"kind": "everything"}))
    came = Connected(CLIENT, "london", "fra", "m")
    outcomes = [
        judge(evidence(UP, ANSWER, standing, heal, *more, expect=[FINE])).outcome
        for more in ([], [(60.0, came)], [(30.0, came)])
    ]
    assert outcomes == ["unknown", "unknown", "held"]


def test_a_driver_that_misnumbers_leaves_nothing_proven(evidence):
    """Whatever is expected rests on the answers that it told of by number."""
    again = [(t, Sent(CLIENT, "s", 1)) for t in (0.4, 0.6)]
    verdict = judge(evidence(UP, *again, ANSWER, expect=[FINE]))
    assert verdict.outcome == "unknown"
    assert "message 1 of session s" in verdict.doubts[0]
    assert judge(evidence(UP, *again, ANSWER, expect=[FINE, BROKEN])).outcome == "failed"


def test_a_repair_need_not_be_felt(evidence):
    verdict = judge(evidence(UP, ANSWER, fault("start", "iad"), expect=[FINE]))
    assert verdict.outcome == "held"


@pytest.mark.parametrize(("count", "had", "outcome"), [(0, 1, "unknown"), (2, 1, "held")])
def test_a_region_scaled_down_has_to_be_felt_and_one_scaled_up_not(evidence, count, had, outcome):
    scale = fault("scale", "iad", kind="region", region="iad", count=count, had=had)
    assert judge(evidence(UP, ANSWER, scale, expect=[FINE])).outcome == outcome


@pytest.mark.parametrize(("ended", "outcome"), [((), "unknown"), (("done",), "held")])
def test_a_deploy_has_to_be_over_for_what_it_drops_to_be_known(evidence, ended, outcome):
    began = (90.0, DeployBegan(2, "rolling", ("m",), "atlas:2"))
    over = [(120.0, DeployEnded(2, how, "")) for how in ended]
    verdict = judge(evidence(UP, ANSWER, began, *over, expect=[FINE]))
    assert verdict.outcome == outcome
    assert any("was not over at the end" in doubt for doubt in verdict.doubts) is not bool(ended)


def test_judging_loads_no_part_of_a_world():
    """A report is made again from a journal alone, where there may be no engine and no server."""
    script = "import sim.scenario.verdict, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    parts = ("sim.world", "sim.control", "sim.page", "sim.network", "sim.routing", "sim.services")
    assert [name for name in run.stdout.split() if name.startswith((*parts, "aiohttp"))] == []


@pytest.mark.parametrize(
    "trouble",
    [PartFailed("link server", "gone"), FaultFailed("crash", "fra", "no such machine")],
)
def test_trouble_of_our_own_is_never_green(evidence, trouble):
    verdict = judge(evidence(UP, ANSWER, (30.0, trouble), expect=[FINE]))
    assert verdict.outcome == "unknown"


def test_a_broken_expectation_stays_broken_whatever_else(evidence):
    trouble = (30.0, PartFailed("link server", "gone"))
    assert judge(evidence(UP, ANSWER, trouble, expect=[BROKEN])).outcome == "failed"


def test_a_run_that_was_cut_off_is_unknown(evidence):
    verdict = judge(evidence(UP, ANSWER, expect=[FINE], ended=False, audited=False))
    assert verdict.outcome == "unknown"
    assert "cut off" in verdict.doubts[0]


def test_expecting_nothing_proves_nothing(evidence):
    assert judge(evidence(UP, ANSWER)).outcome == "unknown"
