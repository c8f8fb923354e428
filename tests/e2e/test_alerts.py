"""Alerts of a whole world: in its status, in its journal, at a webhook and by a command."""

from __future__ import annotations

import json
import os
import queue
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

pytestmark = pytest.mark.e2e


@pytest.fixture
def webhook():
    """A server that takes alerts: its URL, which nobody may repeat, and what it was told."""
    told: queue.Queue[dict[str, str]] = queue.Queue()

    class Take(BaseHTTPRequestHandler):
        def do_POST(self):
            told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Take) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hunter2", told
        server.shutdown()
        thread.join()


@pytest.fixture
def topology(webhook, topologies, tmp_path):
    """The two regions with quick checks, a webhook, and a command that puts alerts into a pipe."""
    os.mkfifo(tmp_path / "pipe")
    write = "import sys; open('pipe', 'w').write(sys.stdin.read() + chr(10))"
    path = tmp_path / "topology.yaml"
    path.write_text(
        (topologies / "outages" / "two-regions.yaml").read_text()
        + f"""
alerts:
  - webhook: {webhook[0]}
  - command: [python, -c, "{write}"]
    on: [region_out]
"""
    )
    return path


def test_a_crash_and_its_repair_are_told_everywhere_once(sim, topology, webhook, tmp_path):
    url, told = webhook
    done = sim("up", topology, "--detach", "--speed", "10")
    assert done.returncode == 0, done.stderr
    (machine,) = [m for m in sim.json("status")[0]["machines"] if m["region"] == "fra"]
    assert sim("fault", "crash", "--region", "fra").returncode == 0
    first, second = told.get(timeout=30), told.get(timeout=30)
    assert (first["alert"], first["subject"], first["state"]) == (
        "machine_down",
        machine["id"],
        "began",
    )
    assert (second["alert"], second["subject"]) == ("region_out", "fra")
    with (tmp_path / "pipe").open() as pipe:  # waits for its writer
        assert json.loads(pipe.readline()) == second
    standing = [(a["alert"], a["subject"]) for a in sim.json("status")[0]["alerts"]]
    assert standing == [("machine_down", machine["id"]), ("region_out", "fra")]
    shown = sim("status").stdout
    assert "region_out" in shown
    assert "no machine of fra passes its check" in shown

    assert sim("heal").returncode == 0
    ended = {told.get(timeout=30)["alert"] for _ in range(2)}
    assert ended == {"machine_down", "region_out"}
    with (tmp_path / "pipe").open() as pipe:
        assert json.loads(pipe.readline())["state"] == "ended"
    assert sim.json("status")[0]["alerts"] == []

    (journal,) = sim.home.glob("worlds/*/journal.jsonl")
    kept = journal.read_text()
    assert [json.loads(line)["kind"] for line in kept.splitlines()].count("alert") == 4
    assert "hunter2" not in kept
    assert url not in kept
    assert sim("down").returncode == 0
    assert told.empty()  # the machines that end with the world alarm nobody
