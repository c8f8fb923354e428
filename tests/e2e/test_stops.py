"""Gateways that take the signal to end well and badly, and what the report says of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = [pytest.mark.e2e, pytest.mark.thorough, pytest.mark.realtime]

TOPOLOGY: dict[str, Any] = {
    "app": "stopping",
    "regions": {"iad": {"primary": True}, "fra": {}},
    "locations": {"new-york": {}, "london": {}},
    "routing": {"mode": "anycast"},
    "links": [
        {"between": ["new-york", "iad"], "rtt": "12ms"},
        {"between": ["london", "fra"], "rtt": "15ms"},
    ],
}
SCENARIO: dict[str, Any] = {
    "name": "frankfurt is stopped",
    "topology": "topology.yaml",
    "load": {
        "driver": {
            "websocket": "/talk",
            "send": {"n": "{seq}"},
            "ack": {"match": {}, "sequence": "$.n"},
        },
        "clients": 4,
        "every": "1s",
    },
    "timeline": [{"at": "5s", "fault": "stop", "region": "fra"}],
    "duration": "15s",
    "expect": [{"check": "outage", "location": "london", "max": "60s"}],
}


@pytest.mark.parametrize(
    ("handles", "outcome", "still_open", "story"),
    [
        ("drain", "drained", 0, "after SIGINT"),
        ("supervisor", "drained", 0, "after SIGINT"),
        ("sigterm", "undrained", 2, "it has a handler for SIGTERM only"),
        ("nothing", "killed", 2, "killed 5 s after SIGINT with 2"),
    ],
)
def test_how_a_gateway_takes_its_signal_is_told(sim, tmp_path, handles, outcome, still_open, story):
    gateway = {
        "command": ["python", str(Path(__file__).parent / "stopping_gateway.py")],
        "env": {"HANDLES": handles},
        "checks": [{"type": "http", "path": "/healthz", "interval": "3s", "timeout": "1s"}],
    }
    (tmp_path / "topology.yaml").write_text(yaml.safe_dump({**TOPOLOGY, "gateway": gateway}))
    (tmp_path / "scenario.yaml").write_text(yaml.safe_dump(SCENARIO))
    report, journal = tmp_path / "report.json", tmp_path / "journal.jsonl"
    done = sim(
        *("run", tmp_path / "scenario.yaml", "--speed", "5", "--seed", "7"),
        *("--json", report, "--journal", journal),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = json.loads(report.read_text())["stops"]
    assert (row["outcome"], row["open"]) == (outcome, still_open), row
    assert story in row["story"]
    events = map(json.loads, journal.read_text().splitlines())
    ends = [e["reason"] for e in events if e["kind"] == "disconnected" and e["region"] == "fra"]
    assert ["1001" in reason for reason in ends] == [outcome == "drained"] * 2, ends
