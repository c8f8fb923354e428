"""The storm: what is done to each gateway of the wall, and what is expected of every one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SOUND = "sound"

TOPOLOGY: dict[str, Any] = {
    "app": "wall",
    "gateway": {
        "command": ["python", "-m", "tests.wall.gateway"],
        "env": {"PYTHONPATH": str(ROOT), "PRIMARY_REGION": "iad"},
        "checks": [{"type": "http", "path": "/healthz", "interval": "4s", "timeout": "3s"}],
        "kill_timeout": "20s",  # the gateway drains for ten of them
    },
    "regions": {"iad": {"primary": True}, "fra": {}},
    "locations": {"new-york": {"share": 50}, "london": {"share": 50}},
    "routing": {"mode": "anycast"},
    "links": [  # real time: at speed 10 they count tenfold
        {"between": ["new-york", "iad"], "rtt": "4ms"},
        {"between": ["london", "fra"], "rtt": "4ms"},
        {"between": ["fra", "iad"], "rtt": "8ms"},
    ],
    "services": {"database": {"kind": "postgres", "region": "iad"}},
}

STORM: list[dict[str, Any]] = [
    # The database hears Frankfurt, and Frankfurt does not hear it: commits whose answer is lost.
    {"at": "15s", "fault": "partition", "link": ["fra", "database"], "towards": "fra"},
    # Over before a second SYN is due: what is repeated comes while its clients are still there.
    {"at": "18s", "fault": "heal", "link": ["fra", "database"]},
    {"at": "25s", "fault": "deploy", "region": "fra"},
    # London is in Ashburn now, and is led back.
    {"at": "52s", "fault": "reset", "location": "london"},
    # London is heard and hears nothing: what is kept of it then is sent again, to Ashburn, because
    # Frankfurt stands still, with more of London's messages in its sockets, until London is gone.
    {"at": "56s", "fault": "partition", "link": ["london", "fra"], "towards": "london"},
    {"at": "60s", "fault": "freeze", "region": "fra"},
    {"at": "61s", "fault": "heal", "link": ["london", "fra"]},
    {"at": "74s", "fault": "thaw", "region": "fra"},
    {"at": "80s", "fault": "reset", "location": "london"},
    # The database is away, and meanwhile Frankfurt dies with all that it has in memory.
    {"at": "86s", "fault": "service_outage", "service": "database"},
    {"at": "89s", "fault": "crash", "region": "fra"},
    {"at": "94s", "fault": "heal", "service": "database"},
    {"at": "96s", "fault": "start", "region": "fra"},
    {"at": "122s", "fault": "reset", "location": "london"},
]
DURATION_S = 175

EXPECT: list[dict[str, Any]] = [
    {"check": "messages", "lost": 0, "duplicated": 0, "reordered": 0},
    {"check": "sessions", "resumed": "all"},
    {"check": "outage", "location": "new-york", "max": "45s"},
    {"check": "outage", "location": "london", "max": "45s"},
    {"check": "served_by", "location": "london", "region": "fra", "until": "15s"},
    {"check": "deploy", "outcome": "done"},
    {"check": "disconnects", "by": "gateway", "max": 0},
    {"check": "disconnects", "by": "deploy", "code": 1006, "max": 0},
]

DRIVERS: dict[str, Any] = {
    "text": {
        "websocket": "/text",
        "hello": "open {session}",
        "ready": "^ready$",
        "send": "say {seq} {payload}",
        "ack": "^kept (?P<sequence>[0-9]+)$",
        "goodbye": "^goodbye$",
        "resume": {"hello": "resume {session}", "forgotten": "^gone$"},
        "stored": {"get": "/kept/{session}", "sequence": "$.kept[*]"},
    },
    "json": {
        "websocket": "/json",
        "hello": {"op": "open", "id": "{session}"},
        "ready": {"match": {"op": "ready"}},
        "send": {"op": "say", "n": "{seq}", "body": "{payload}"},
        "ack": {"match": {"op": "kept"}, "sequence": "$.n"},
        "goodbye": {"match": {"op": "goodbye"}},
        "resume": {
            "hello": {"op": "resume", "id": "{session}"},
            "forgotten": {"match": {"op": "gone"}},
        },
        "stored": {"get": "/kept/{session}", "sequence": "$.kept[*]"},
    },
    "binary": {
        "websocket": "/binary",
        "hello": {"hex": "01 {session}"},
        "ready": {"hex": "81"},
        "send": {"hex": "03 {seq:u32} {payload}"},
        "ack": {"hex": "83 {sequence:u32}"},
        "goodbye": {"hex": "84"},
        "resume": {"hello": {"hex": "02 {session}"}, "forgotten": {"hex": "82"}},
        "stored": {"get": "/kept/{session}", "sequence": "$.kept[*]"},
    },
}


def topology(gateway: str) -> dict[str, Any]:
    """The topology with this gateway."""
    fault = {} if gateway == SOUND else {"FAULT": gateway}
    env = {**TOPOLOGY["gateway"]["env"], **fault}
    return {**TOPOLOGY, "gateway": {**TOPOLOGY["gateway"], "env": env}}


def scenario(gateway: str, protocol: str) -> dict[str, Any]:
    """The storm over this gateway, whose clients speak this protocol."""
    return {
        "name": f"{gateway}, {protocol}",
        "topology": "topology.yaml",
        "load": {
            "driver": DRIVERS[protocol],
            "clients": 8,
            "every": "2s",
            "payload": 40,
            "timeout": "6s",
            "backoff": {"base": "250ms", "max": "2s"},
        },
        "timeline": STORM,
        "duration": f"{DURATION_S}s",
        "expect": EXPECT,
    }
