"""`sim sweep`: the reference gateway passes each boundary; broken ones are found at theirs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from sim.scenario.load_scenario import load_scenario
from sim.sweep.boundaries import boundaries
from sim.sweep.sweep import Sweep, farthest_location

pytestmark = [pytest.mark.e2e, pytest.mark.thorough, pytest.mark.realtime]

TOPOLOGIES = Path(__file__).parents[2] / "topologies"
SCENARIO = {
    "topology": "topology.yaml",
    "load": {
        "driver": "session",
        "clients": 2,
        "every": "1s",
        "timeout": "3s",
        "backoff": {"base": "250ms", "max": "1s"},
    },
    "duration": "60s",
}
SPEED = 6.0


@pytest.fixture
def scenario(tmp_path):
    """A scenario on two regions with quick clocks, and a gateway with these arguments."""

    def scenario(*arguments, **changes):
        topology = yaml.safe_load((TOPOLOGIES / "outages" / "two-regions.yaml").read_text())
        topology["gateway"]["command"] += arguments
        topology["gateway"]["checks"][0] |= {"interval": "2s", "timeout": "1s"}
        topology["routing"]["ttl"] = "2s"
        (tmp_path / "topology.yaml").write_text(yaml.safe_dump(topology))
        (tmp_path / "scenario.yaml").write_text(yaml.safe_dump({**SCENARIO, **changes}))
        return tmp_path / "scenario.yaml"

    return scenario


def test_the_reference_gateway_passes_every_boundary(sim, scenario, tmp_path):
    table = tmp_path / "sweep.json"
    done = sim("sweep", scenario(), "--speed", SPEED, "--seed", 7, "--json", table)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(table.read_text())
    assert [row["boundary"] for row in rows] == ["undisturbed", *(b.name for b in boundaries())]
    assert {row["verdict"] for row in rows} == {"held"}
    for row, boundary in zip(rows[1:], boundaries(), strict=True):
        assert len(row["killed"]) == (2 if boundary.resuming else 1)
    # A session may be back within its ordinary pace, where links are as quick as the world's clock.
    assert rows[0]["outage_s"] == 0
    assert any(row["outage_s"] > 0 for row in rows[1:])
    assert done.stdout.splitlines()[0].startswith("sweep: scenario, a session from london (seed 7")
    assert done.stdout.splitlines()[-1] == "verdict: held"


@pytest.mark.parametrize(
    ("variant", "breaks_at", "passes"),
    [
        # What is only on the machine is gone with it; before there was anything, nothing is.
        (("--sessions", "memory"), {"acknowledged": "forgot", "idle": "forgot"}, ["ready"]),
        # Acknowledged, and the machine died before it was stored.
        (("--ack", "early"), {"acknowledged": "lost"}, ["ready"]),
        # Stored, and the machine died before it had said so: it is sent again.
        (
            ("--dedupe", "off"),
            {"sent, 75% of the way to its ack": "duplicated"},
            ["ready", "sent", "idle"],
        ),
    ],
)
async def test_each_broken_variant_is_found_at_its_boundary(
    scenario, tmp_path, monkeypatch, variant, breaks_at, passes
):
    monkeypatch.setenv("SIM_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SIM_TOXIPROXY", raising=False)
    loaded = load_scenario(scenario(*variant))
    location = farthest_location(loaded.topology)
    chosen = [b for b in boundaries() if b.name in {*breaks_at, *passes}]
    sweep = Sweep(
        loaded,
        location,
        seed=7,
        speed=SPEED,
        runtime="process",
        clock="lens",
        secrets={},
        warn=print,
    )
    clean, *results = await sweep.run(chosen, lambda _: None)
    assert clean.verdict == "held"
    found = {p.boundary.name: p for p in results if p.boundary}
    for name in passes:
        assert found[name].verdict == "held", found[name]
    for name, kind in breaks_at.items():
        assert found[name].verdict == "failed", found[name]
        assert getattr(found[name], kind) > 0


def test_a_gateway_that_fails_undisturbed_proves_nothing(sim, scenario):
    done = sim("sweep", scenario("--limit", "0", duration="10s"), "--speed", SPEED, "--seed", 7)
    assert done.returncode == 2
    assert "the clean run proves nothing" in done.stderr


def test_a_location_that_is_not_there_is_told_with_those_that_are(sim, scenario):
    done = sim("sweep", scenario(), "--location", "londn")
    assert done.returncode == 2
    assert "did you mean `london`?" in done.stderr
