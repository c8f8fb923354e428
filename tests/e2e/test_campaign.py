"""Campaigns of real worlds: interrupted and gone on with."""

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
