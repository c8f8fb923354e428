"""`sim exec --image`: a container among a location's clients, in a network of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from tests.docker.boxed import WITHIN_S, looks
from tests.docker.private_engine import BASE

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.thorough,
    pytest.mark.skipif(os.geteuid() != 0, reason="takes root, for port 53"),
]

HOST = "atlas-voice-v2.fly.dev"
# By name as any program asks, and once more by TCP, at the network's gateway.
ASK = f"""
import json, socket, struct, time, urllib.request
own = socket.gethostbyname(socket.gethostname())
labels = b"".join(bytes([len(part)]) + part.encode() for part in "{HOST}".split("."))
query = struct.pack("!6H", 1, 256, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, 1, 1)
tcp = socket.create_connection((own.rpartition(".")[0] + ".1", 53))
tcp.sendall(struct.pack("!H", len(query)) + query)
began = time.monotonic()
answer = urllib.request.urlopen("http://{HOST}:8480/healthz")
took_s = time.monotonic() - began
urllib.request.urlopen("https://{HOST}:8480/healthz")
print(json.dumps({{
    "took_s": took_s,
    "region": answer.headers["sim-region"],
    "address": socket.gethostbyname("{HOST}"),
    "by_tcp": socket.inet_ntoa(tcp.recv(512)[-4:]),
    "own": own,
}}))
"""


@pytest.fixture
def up(sim, topologies, engine):
    """A world of processes, whose clients may be containers; none of its networks may stay."""
    sim.environment["DOCKER_HOST"] = engine
    done = sim("up", topologies / "atlas-voice.yaml", "--detach", "--seed", "7", "--speed", "10")
    assert done.returncode == 0, done.stderr
    yield sim
    sim("down", "--all")
    command = ["docker", "-H", engine, "network", "ls", "-q", "--filter", "label=sim.world"]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == ""


def asked_from(sim, place):
    done = sim("exec", "--from", place, "--image", BASE, "--", "python", "-c", ASK)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_container_is_where_it_is_said_to_be(up):
    """By name, by address, and by the link that it crosses; its nameserver speaks TCP as well.

    And it trusts the edges' certificate.
    """
    new_york, london = asked_from(up, "new-york"), asked_from(up, "london")
    slot = london["own"].split(".")[1]
    assert london["own"].startswith(f"10.{slot}.2.")
    assert (new_york["address"], new_york["region"]) == (f"10.{slot}.1.65", "iad")
    assert (london["address"], london["region"]) == (f"10.{slot}.2.69", "fra")
    assert london["by_tcp"] == london["address"]

    slow = ("fault", "slow", "--link", "london", "fra", "--set", "latency=4s")  # 0.4 real ones
    assert up(*slow).returncode == 0
    assert asked_from(up, "london")["took_s"] > 0.4 > london["took_s"]
    assert up("heal").returncode == 0

    assert up("fault", "crash", "--region", "fra").returncode == 0
    for _ in looks(WITHIN_S):
        (status,) = up.json("status")
        if {"location": "london", "led_to": ["iad"]}.items() <= status["locations"][1].items():
            break
    moved = asked_from(up, "london")
    assert (moved["address"], moved["region"]) == (f"10.{slot}.2.65", "iad")


def test_the_edge_learns_the_containers_address_and_the_command_ends_with_its_code(up):
    code = up("exec", "--from", "london", "--image", BASE, "--", "sh", "-c", "exit 7").returncode
    assert code == 7
    assert asked_from(up, "london")["region"] == "fra"
    (status,) = up.json("status")
    journal = up.home / "worlds" / status["world"] / "journal.jsonl"
    seen = [json.loads(line) for line in journal.read_text().splitlines()]
    clients = {
        e["client"] for e in seen if e["kind"] == "edge_connection" and e["location"] == "london"
    }
    assert any(client.startswith("10.") for client in clients), clients

    os.kill(status["pid"], signal.SIGKILL)
    done = up("down")
    assert "3 containers and networks" in done.stdout, done.stderr


def test_without_an_engine_it_is_told(sim, topologies, tmp_path):
    sim.environment["DOCKER_HOST"] = f"unix://{tmp_path}/none.sock"
    assert sim("up", topologies / "atlas-voice.yaml", "--detach").returncode == 0
    for _ in range(2):
        done = sim("exec", "--from", "london", "--image", BASE, "--", "true")
        assert done.returncode != 0
        assert "no Docker engine answers" in done.stderr
        assert "Traceback" not in done.stderr
