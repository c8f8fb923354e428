"""Somebody else's gateway, with a protocol of its own: its driver is the one of docs/drivers.md."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = [pytest.mark.e2e, pytest.mark.thorough, pytest.mark.realtime]

ROOT = Path(__file__).parents[2]
TOPOLOGY: dict[str, Any] = {
    "app": "foreign",
    "gateway": {
        "command": ["python", str(Path(__file__).parent / "foreign_gateway.py")],
        "checks": [{"type": "http", "path": "/healthz", "interval": "3s", "timeout": "1s"}],
    },
    "regions": {"iad": {"primary": True}, "fra": {}},
    "locations": {"new-york": {"share": 60}, "london": {"share": 40}},
    "routing": {"ttl": "2s"},
    "links": [
        {"between": ["new-york", "iad"], "rtt": "12ms"},
        {"between": ["london", "fra"], "rtt": "15ms"},
        {"between": ["fra", "iad"], "rtt": "10ms"},  # real time: at speed 8 it counts eightfold
    ],
    "services": {"database": {"kind": "postgres", "region": "iad"}},
}
SCENARIO: dict[str, Any] = {
    "name": "a foreign gateway loses a region",
    "topology": "topology.yaml",
    "load": {"driver": "rooms.yaml", "clients": 10, "every": "1s", "payload": 40},
    "timeline": [{"at": "8s", "fault": "crash", "region": "fra"}],
    "duration": "22s",
    "expect": [
        {"check": "messages", "lost": 0, "duplicated": 0, "reordered": 0},
        {"check": "sessions", "resumed": "all"},
    ],
}


@pytest.fixture
def run(sim, tmp_path):
    """Run the foreign gateway with a defect, and a driver; the checks' findings by name."""

    def run(flaw="", driver="rooms.yaml", **changes):
        (documented,) = re.findall(
            r"```yaml\n(# rooms\.yaml\n.*?)```", (ROOT / "docs/drivers.md").read_text(), re.DOTALL
        )
        (tmp_path / "rooms.yaml").write_text(documented)
        gateway = {**TOPOLOGY["gateway"], "env": {"FLAWS": flaw}}
        (tmp_path / "topology.yaml").write_text(yaml.safe_dump({**TOPOLOGY, "gateway": gateway}))
        load = {**SCENARIO["load"], "driver": driver}
        scenario = {**SCENARIO, "load": load, **changes}
        (tmp_path / "scenario.yaml").write_text(yaml.safe_dump(scenario))
        report, journal = tmp_path / "report.json", tmp_path / "journal.jsonl"
        outputs = ("--json", report, "--journal", journal)
        done = sim("run", tmp_path / "scenario.yaml", "--speed", "8", "--seed", "7", *outputs)
        assert report.exists(), done.stdout + done.stderr
        found = json.loads(report.read_text())
        return done, found, {row["check"]: row for row in found["expectations"]}

    return run


def test_a_declared_driver_judges_a_foreign_gateway(run, sim, tmp_path):
    """Held; and the journal alone, without the driver's file, makes the same report again."""
    done, report, _ = run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert report["messages"]["audited"] is True
    assert report["messages"]["acked"] > 100
    assert report["sessions"] == {
        "opened": 10,
        "resumed": 4,
        "broken": 0,
        "unresumed": 0,
        "replaced": 0,
        "pending": 0,
    }

    (tmp_path / "rooms.yaml").unlink()
    again = tmp_path / "again.json"
    assert sim("report", tmp_path / "journal.jsonl", "--json", again).returncode == 0
    assert json.loads(again.read_text()) == report


def test_what_a_foreign_gateway_loses_or_stores_twice_is_found(run):
    done, report, checks = run("lost,doubled")
    assert done.returncode == 1
    # The third message of each room, and the fourth.
    assert (report["messages"]["lost"], report["messages"]["duplicated"]) == (10, 10)
    found = {(anomaly["kind"], anomaly["seq"]) for anomaly in report["anomalies"]}
    assert found == {("lost", 3), ("duplicated", 4)}
    texts = {anomaly["text"].partition(", ")[2] for anomaly in report["anomalies"]}
    assert "not in what the gateway kept" in texts
    assert checks["sessions"]["held"] is True


def test_what_a_foreign_gateway_forgets_is_found(run):
    done, report, checks = run("forgotten")
    assert done.returncode == 1
    assert report["sessions"]["broken"] == 4  # London's, when they came to Ashburn
    assert "forgot" in checks["sessions"]["why"]
    assert report["messages"]["lost"] > 0


def test_without_a_question_what_is_stored_stays_unknown(run, tmp_path):
    """As a driver of two lines: it says what is acknowledged, and no more."""
    driver = {
        "websocket": "/live?ticket=t",
        "hello": {"op": "join"},
        "send": {"op": "say", "n": "{seq}", "text": "{payload}"},
        "ack": {"match": {"op": "said"}, "sequence": "$.n"},
    }
    done, report, checks = run(driver=driver, timeline=[], duration="6s")
    assert done.returncode == 4, done.stdout + done.stderr
    assert report["messages"]["audited"] is False
    assert checks["messages"]["held"] is None
    assert "`stored:` in YAML (docs/drivers.md)" in checks["messages"]["why"]
