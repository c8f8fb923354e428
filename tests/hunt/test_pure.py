"""The pure parts of a hunt: grammar, order, sequential test, shrinking, and what a failure is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.hunt.grammar import FAULTS, LEAD_S, MOST_STRIKES, WINDOW_S, Grammar, Moment, blows
from sim.hunt.hunted import document, healed_s, recovery
from sim.hunt.learned import Lesson, lesson, moments, support, way_s
from sim.hunt.search import Search
from sim.hunt.sequential import MOST_RUNS, decision
from sim.hunt.shrink import LEAST_CLIENTS, accepted, shrunk, size, smaller
from sim.hunt.strike import Due, Plan, Strike
from sim.hunt.symptom import symptoms
from sim.hunt.trial import write
from sim.observe.events import Acked, LoadStarted, Resolved, Sent, SessionReady
from sim.observe.history import History
from sim.observe.journal import Record
from sim.rng import Rng
from sim.scenario.load_scenario import scenario_from_mapping
from sim.topology.load_topology import topology_from_mapping
from tests.scenario.conftest import TOPOLOGY

TOWN = topology_from_mapping(TOPOLOGY)
MOMENTS = [Moment("sent", "london/0", n, float(n)) for n in range(1, 60)]
GRAMMAR = Grammar(blows(TOWN), MOMENTS, clients=8, way_s=0.2)
SCENARIO = scenario_from_mapping(
    {
        "topology": "x.yaml",
        "load": {"clients": 8, "every": "1s"},
        "duration": "60s",
        "expect": [
            {"check": "disconnects", "by": "gateway", "max": 0},
            {"check": "served_by", "location": "london", "region": "fra"},
            {"check": "messages", "lost": 0, "until": "5s"},
        ],
    },
    TOWN,
)

plans = st.tuples(st.integers(0, 10**6), st.integers(1, MOST_STRIKES)).map(
    lambda drawn: GRAMMAR.plan(Rng(drawn[0]), drawn[1])
)


@given(plans)
def test_every_plan_is_a_valid_scenario_that_ends_healed(plan):
    written = document(SCENARIO, "x.yaml", plan)
    read = scenario_from_mapping(written, TOWN)
    healing = read.timeline[-1] if read.timeline[-1].at_s < 1e9 else None
    healing = healing or max(
        (e for e in read.timeline if e.when is None), key=lambda entry: entry.at_s
    )
    assert (healing.fault, healing.target) == ("heal", None)
    assert healing.at_s > max(strike.over_s for strike in plan.strikes)
    assert read.duration_s > healing.at_s + recovery(SCENARIO)
    returns = [strike.blow.name == "reset" for strike in plan.strikes]
    for strike, is_return in zip(plan.strikes, returns, strict=True):
        assert strike.due.at_s >= LEAD_S
        assert strike.due.at_s <= LEAD_S + WINDOW_S or is_return


@given(plans, st.integers(0, 10**6))
def test_a_varied_plan_is_another_one_of_the_grammar(plan, seed):
    varied = GRAMMAR.varied(Rng(seed), plan)
    assert 1 <= len(varied.strikes) <= MOST_STRIKES
    scenario_from_mapping(document(SCENARIO, "x.yaml", varied), TOWN)


@given(plans)
def test_a_strike_comes_back_from_json(plan):
    assert [Strike.read(strike.plain()) for strike in plan.strikes] == [*plan.strikes]


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_in_the_grammar_and_can_be_asked_for_alone(fault):
    assert {blow.name for blow in blows(TOWN, [fault])} == {fault}


def test_what_must_hold_has_the_scenarios_own_where_no_fault_excuses_it():
    expect = document(SCENARIO, "x.yaml", Plan((), 8))["expect"]
    checks = [row["check"] for row in expect]
    assert {"messages", "machines", "residency", "disconnects"} < set(checks)
    assert "sessions" not in checks  # where nothing is struck none is interrupted
    assert checks.count("outage") == len(TOWN.locations)
    assert ("served_by" in checks, checks.count("messages")) == (False, 3)
    (crash,) = blows(TOWN, ["crash"])[:1]
    strike = Strike(crash, GRAMMAR.due(Rng(1)))
    struck = document(SCENARIO, "x.yaml", Plan((strike,), 8))["expect"]
    assert "disconnects" not in [row["check"] for row in struck]
    assert "sessions" in [row["check"] for row in struck]


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.lists(st.integers(0, 30), min_size=8, max_size=8))
def test_the_same_seed_tries_the_same_as_long_as_what_is_learned_is_the_same(seed, close):
    tries = []
    for _ in range(2):
        search = Search(GRAMMAR, {"fra": 5}, Rng(seed))
        tried = []
        for n in close:
            tried.append(search.next())
            search.learn(tried[-1], Lesson(frozenset({f"state {n}"}), n))
        tries.append(tried)
    assert tries[0] == tries[1]


@given(st.integers(0, 10**6))
def test_singles_come_first_and_what_carried_messages_before_what_did_not(seed):
    carried = {"fra": 100, "london:fra": 100, "fra:database": 100, "database": 100, "london": 100}
    search = Search(GRAMMAR, carried, Rng(seed))
    first = [search.next() for _ in range(8)]
    assert all(len(plan.strikes) == 1 for plan in first)
    assert sum(plan.strikes[0].blow.target in carried for plan in first) >= 6


@given(st.lists(st.booleans(), max_size=MOST_RUNS), st.floats(0.05, 1.0))
def test_a_decision_comes_in_time_and_never_by_runs_that_say_the_contrary(runs, rate):
    decided = decision(runs, rate)
    if not any(runs):
        assert decided is not True
    if runs and all(runs):
        assert decided is not False or len(runs) >= MOST_RUNS
    if len(runs) == MOST_RUNS:
        assert decided is not None


@pytest.mark.parametrize(
    ("runs", "rate", "decided"),
    [
        ([True] * 2, 1.0, None),
        ([True] * 3, 1.0, True),
        ([False], 1.0, False),
        ([True] * 3, 0.5, True),
        ([False, False], 0.5, None),
        ([False] * 6, 0.5, False),
    ],
)
def test_decisions_of_the_ratio(runs, rate, decided):
    assert decision(runs, rate) is decided


@given(plans)
def test_each_step_is_smaller(plan):
    for step in smaller(plan):
        assert size(step) < size(plan)
        assert step.clients >= LEAST_CLIENTS


@settings(max_examples=30)
@given(plans.filter(lambda plan: plan.strikes), st.data())
def test_what_is_shrunk_still_fails_and_no_step_of_it_does(plan, data):
    needed = data.draw(st.sampled_from(plan.strikes)).blow

    def broken(candidate):
        return any(strike.blow == needed for strike in candidate.strikes)

    async def fails(candidate):
        return [broken(candidate)]

    told: list[Plan] = []
    found = asyncio.run(shrunk(plan, 1.0, fails, lambda: True, told.append))
    assert broken(found)
    assert not any(broken(step) for step in smaller(found))
    assert (len(found.strikes), found.clients) == (1, LEAST_CLIENTS)
    assert not told or told[-1] == found


def test_a_budget_ends_shrinking():
    plan = GRAMMAR.plan(Rng(1), 3)

    async def fails(_):
        raise AssertionError

    assert asyncio.run(shrunk(plan, 1.0, fails, lambda: False, lambda _: None)) == plan


def test_a_budget_ends_a_test_that_is_undecided():
    asked = 0

    async def fails(_):
        nonlocal asked
        asked += 1
        return [asked % 2 == 0]

    plan = GRAMMAR.plan(Rng(1), 3)
    assert not asyncio.run(accepted(plan, 0.5, fails, lambda: asked < 2))
    assert asked == 2


def report(*rows):
    healed = {"fault": "heal", "target": "everything"}
    shown = [{"observed": "", "why": "", **row} for row in rows]
    return {"expectations": shown, "deaths": [], "faults": [healed]}


def test_a_symptom_is_surely_broken_and_named_by_its_kind():
    asked: list[dict[str, Any]] = [
        {"check": "messages", "lost": 0},
        {"check": "messages", "duplicated": 0},
        {"check": "sessions", "resumed": "all"},
        {"check": "outage", "location": "london"},
    ]
    found = symptoms(
        report(
            {**asked[0], "held": True},
            {**asked[1], "held": False, "observed": "0 lost, 2 duplicated, 0 reordered of 9"},
            {**asked[2], "held": None},
            {**asked[3], "held": False},
        ),
        asked,
    )
    assert [one.name for one in found] == ["duplicated", "never-served-again"]
    assert [one.expect for one in found] == [asked[1], asked[3]]


def test_what_follows_from_another_failure_of_the_run_is_no_finding_of_its_own():
    asked: list[dict[str, Any]] = [
        {"check": "messages", "lost": 0},
        {"check": "sessions", "resumed": "all"},
        {"check": "machines", "deaths": 0},
        {"check": "outage", "location": "london"},
    ]
    forgot = "1 resumed session that forgot: at 9 s …; what is missing was lost (see messages)"
    why = ["", forgot, "", ""]
    broken = [{**row, "held": False, "why": said} for row, said in zip(asked, why, strict=True)]
    seen = {**report(*broken), "deaths": [{"exit": "exited with code 3"}]}
    assert [one.name for one in symptoms(seen, asked)] == ["lost", "died-exited with code 3"]
    held = [{**row, "held": n not in (1, 3)} for n, row in enumerate(broken)]
    assert [one.name for one in symptoms(report(*held), asked)] == [
        "forgotten",
        "never-served-again",
    ]


def test_an_outage_under_a_fault_that_came_after_the_healing_is_no_symptom():
    asked = [{"check": "outage", "location": "london"}]
    late = {"fault": "crash", "target": "fra"}
    seen = report({**asked[0], "held": False})
    assert symptoms(seen, asked)
    assert not symptoms({**seen, "faults": [*seen["faults"], late]}, asked)


def history():
    events = [
        (0.0, LoadStarted(1)),
        (1.0, Resolved("london/0", "london", "fra", "x", None)),
        (1.1, SessionReady("london/0", "s", "fra", "m", resumed=False, acked=0, remembered=0)),
        (2.0, Sent("london/0", "s", 1)),
        (2.2, Acked("london/0", "s", 1, "fra", "m", 200.0)),
        (3.0, Sent("london/0", "s", 2)),
        (9.0, Sent("london/0", "s", 2, attempt=2)),
    ]
    return History(Record(t, event) for t, event in events)


def test_a_journal_teaches_moments_support_states_and_how_close_it_was():
    assert [(m.event, m.nth, m.at_s) for m in moments(history()) if m.event == "sent"] == [
        ("sent", 1, 2.0),
        ("sent", 2, 3.0),
        ("sent", 3, 9.0),
    ]
    assert way_s(history()) == 0.2
    assert support(history(), TOWN) == dict.fromkeys(
        ("fra", "london", "london:fra", "database", "fra:database"), 1
    )
    learned = lesson(history())
    assert learned.close == 1
    assert any("acked" in state for state in learned.states)


def test_a_plan_is_healed_after_its_last_strike():
    plan = GRAMMAR.plan(Rng(3), 2)
    later = replace(plan, strikes=(*plan.strikes, replace(plan.strikes[0], hold_s=50.0)))
    assert healed_s(later) >= healed_s(plan)


def test_a_written_scenario_says_everything_where_it_stands(tmp_path):
    (cut,) = blows(TOWN, ["partition"])[:1]
    write(tmp_path / "a.yaml", document(SCENARIO, "x.yaml", Plan((Strike(cut, Due(9.0), 2.0),), 8)))
    text = (tmp_path / "a.yaml").read_text()
    assert text.count("link:") == 2
    assert "&" not in text
