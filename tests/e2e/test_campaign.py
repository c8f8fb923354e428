"""Campaigns of real worlds: interrupted and gone on with, and against theory."""

from __future__ import annotations

import json
import signal

import pytest
import yaml

from sim.topology.yaml_document import load_document

pytestmark = pytest.mark.e2e

CRASH = {
    "name": "a crash",
    "topology": "topology.yaml",
    "load": {
        "driver": "session",
        "clients": 12,
        "every": "1s",
        "timeout": "3s",
        "backoff": {"fixed": "250ms"},
    },
    "timeline": [{"at": "10s", "fault": "crash", "region": "fra"}],
    "duration": "30s",
    "expect": [{"check": "messages", "lost": 0, "duplicated": 0, "reordered": 0}],
}


@pytest.fixture
def campaign(tmp_path, topologies):
    """Writes a campaign over a crash, whose checks run every two seconds."""

    def campaign(crash=CRASH, **keys):
        topology = load_document(topologies / "outages" / "two-regions.yaml").data
        topology["gateway"]["checks"][0] |= {"interval": "2s", "timeout": "1s"}
        topology["routing"]["ttl"] = "2s"
        (tmp_path / "topology.yaml").write_text(yaml.safe_dump(topology))
        (tmp_path / "crash.yaml").write_text(yaml.safe_dump(crash))
        file = tmp_path / "campaign.yaml"
        file.write_text(yaml.safe_dump({"scenarios": ["crash.yaml"], "speeds": [10], **keys}))
        return file

    return campaign


def rows(folder):
    lines = (folder / "results.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_what_is_interrupted_ends_its_worlds_and_goes_on(sim, campaign, tmp_path):
    file, out = campaign(seeds=3), tmp_path / "out"
    running = sim.start("campaign", file, "--out", out, "--jobs", 1)
    for line in running.stderr:
        if "1 of 3" in line:
            break
    for line in iter(lambda: sim.json("status"), None):
        if line:  # the second run's world is there
            break
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "--resume" in stderr
    assert sim.json("status") == []
    (first,) = rows(out)

    done = sim("campaign", file, "--out", out, "--resume")
    assert done.returncode == 0, done.stderr
    assert "1 done before" in done.stdout
    assert [row["verdict"] for row in rows(out)] == ["held"] * 3
    assert rows(out)[0] == first
    report = json.loads((out / "report.json").read_text())
    assert (report["verdict"], report["runs"], report["held"]) == ("held", 3, 3)
    assert (out / "cells" / report["worst"]["cell"] / "report.html").exists()


TTLS_S = (15.0, 30.0, 60.0)


@pytest.mark.thorough
@pytest.mark.realtime
def test_an_outage_is_detection_and_the_ttl(sim, campaign, tmp_path):
    """Clients that have been connected for longer than the TTL ask again when they are cut off.

    So they keep the answer that is wrong by then for the whole TTL.
    """
    crash = {
        **CRASH,
        "timeline": [{"at": "70s", "fault": "crash", "region": "fra"}],
        "duration": "140s",
    }
    file = campaign(crash, seeds=2, vary={"routing.ttl": [f"{ttl:g}s" for ttl in TTLS_S]})
    done = sim("campaign", file, "--out", tmp_path / "out", "--jobs", 1, timeout=300)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    (ttl,) = report["varied"]
    for value, ttl_s in zip(ttl["values"], TTLS_S, strict=True):
        detections = [
            run["detection_s"]
            for setup in report["setups"]
            if setup["setup"]["routing.ttl"] == value["value"]
            for run in setup["runs"]
        ]
        theory_s = sum(detections) / len(detections) + ttl_s
        assert value["outage_s"]["mean"] == pytest.approx(theory_s, rel=0.1)
