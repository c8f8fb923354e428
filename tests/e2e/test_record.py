"""A live session is recorded as a run is: it has a report, and runs again as a scenario."""

from __future__ import annotations

import json

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]


@pytest.fixture
def session(sim, topologies, tmp_path):
    """A world in which Frankfurt was crashed and healed, its journal, and its faults as a file."""
    topology, journal = topologies / "outages" / "two-regions.yaml", tmp_path / "live.jsonl"
    done = sim("up", topology, "--detach", "--speed", "20", "--journal", journal)
    assert done.returncode == 0, done.stderr
    refused = sim("save-scenario", tmp_path / "early.yaml")
    assert refused.returncode == 2
    assert "no fault was done in this session" in refused.stderr
    assert sim("fault", "crash", "--machine", "fra/1").returncode == 0
    assert sim("fault", "slow", "--link", "london", "iad", "--set", "latency=50ms").returncode == 0
    assert sim("fault", "loss", "--region", "nowhere", "--set", "percent=5%").returncode == 2
    assert sim("heal").returncode == 0
    saved = sim("save-scenario", tmp_path / "saved.yaml")
    assert saved.returncode == 0, saved.stderr
    return sim, journal, tmp_path


def test_a_session_has_a_report_and_runs_again(session):
    sim, journal, folder = session
    scenario = folder / "saved.yaml"
    assert sim("save-scenario", scenario).returncode == 2  # it is there already
    assert "fault: slow" in sim("save-scenario", "--since", "start").stdout
    assert sim("down").returncode == 0

    report = sim("report", journal, "--json", folder / "r.json", "--html", folder / "r.html")
    assert report.returncode == 4, report.stderr
    assert "no scenario was run: there was nothing to judge" in report.stdout
    assert report.stdout.splitlines()[-1] == "verdict: unknown"
    told = json.loads((folder / "r.json").read_text())
    assert [row["fault"] for row in told["faults"]] == ["crash", "slow", "heal"]
    assert told["live"] is True
    (down, *_) = told["alerts"]
    assert (down["alert"], down["region"]) == ("machine_down", "fra")
    assert down["from_s"] < down["to_s"] < told["duration_s"]
    page = (folder / "r.html").read_text()
    assert "alert: machine_down began" in page
    assert "crash fra/1" in page or '"crash"' in page
    again = sim("replay", journal)
    assert again.returncode == 2
    assert "there is no scenario to run again" in again.stderr

    assert sim("validate", scenario).returncode == 0
    run = sim("run", scenario, "--speed", "20", "--json", folder / "run.json")
    assert run.returncode == 4, run.stderr  # nothing is expected of it yet
    ran = json.loads((folder / "run.json").read_text())
    assert [row["fault"] for row in ran["faults"]] == ["crash", "slow", "heal"]
    assert ran["faults"][0]["at_s"] == pytest.approx(10.0, abs=1.0)
    assert ran["messages"]["acked"] > 0
