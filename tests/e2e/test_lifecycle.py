"""Worlds come up, are looked at, broken and ended, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import socket
from functools import partial

import pytest

from tests.e2e.conftest import at_home

pytestmark = pytest.mark.e2e


def brought_up(sim, topologies):
    done = sim("up", topologies / "atlas-voice.yaml", "--detach", "--seed", "7", "--speed", "10")
    assert done.returncode == 0, done.stderr
    return sim


@pytest.fixture
def up(sim, topologies):
    """The two-region world, up in the background."""
    return brought_up(sim, topologies)


@pytest.fixture(scope="module")
def standing(topologies):
    """One such world for the tests that leave its machines alone."""
    with at_home() as sim:
        yield brought_up(sim, topologies)


def test_a_walk_through_a_world(up):
    """What the README shows: status, dig, links, fault, heal, logs, down."""
    (world,) = up.json("status")
    assert [(m["region"], m["state"], m["check"]) for m in world["machines"]] == [
        ("iad", "started", "passing"),
        ("fra", "started", "passing"),
    ]
    answer = up("dig", "--from", "london", "atlas-voice-v2.fly.dev").stdout
    assert "NOERROR" in answer
    assert world["locations"][1]["led_to"][0] == "fra"
    explained = up("dig", "--from", "london", "--explain", "atlas-voice-v2.fly.dev").stdout
    assert "fra" in explained
    links = {row["link"]: row for row in up.json("links")}
    assert links["london:fra"]["rtt_ms"] == 15
    assert links["london:fra"]["state"] == "up"

    assert up("fault", "partition", "--link", "london", "fra").returncode == 0
    assert {row["link"]: row["state"] for row in up.json("links")}["london:fra"] == "silent"
    assert up("fault", "crash", "--region", "fra").returncode == 0
    machines = {m["region"]: m["state"] for m in up.json("status")[0]["machines"]}
    assert machines == {"iad": "started", "fra": "stopped"}

    assert up("heal").returncode == 0
    machines = {m["region"]: m["state"] for m in up.json("status")[0]["machines"]}
    assert machines == {"iad": "started", "fra": "started"}
    assert {row["state"] for row in up.json("links")} == {"up"}
    assert up("logs", "--region", "fra").returncode == 0

    assert up("down").returncode == 0
    assert up("status").stdout == "no world is up\n"
    assert up.left_behind() == []


def test_a_slowed_link_is_as_slow_as_asked(standing):
    done = standing("fault", "slow", "--link", "london", "fra", "--latency", "200ms")
    assert done.returncode == 0, done.stderr
    assert {row["link"]: row["rtt_ms"] for row in standing.json("links")}["london:fra"] == 215


def test_a_mistake_is_told_and_changes_nothing(standing):
    for arguments, said in (
        (("fault", "crush", "--region", "fra"), "did you mean `crash`"),
        (("fault", "crash", "--region", "lhr"), "no region `lhr`"),
        (("fault", "crash"), "region"),
        (("dig", "--from", "paris", "atlas-voice-v2.fly.dev"), "london"),
        (("logs", "--region", "lhr"), "fra"),
    ):
        done = standing(*arguments)
        assert done.returncode == 2, arguments
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    (world,) = standing.json("status")
    assert {m["state"] for m in world["machines"]} == {"started"}


def test_after_kill_9_down_cleans_up(up):
    """The database, its helpers and the machines go with the world that was killed."""
    (world,) = up.json("status")
    os.kill(world["pid"], signal.SIGKILL)
    said = up("status").stdout
    assert "sim down" in said
    done = up("down")
    assert "cleaned up after" in done.stdout
    assert up.left_behind() == []


def test_after_kill_9_another_up_cleans_up(up, topologies):
    (world,) = up.json("status")
    os.kill(world["pid"], signal.SIGKILL)
    assert up("up", topologies / "atlas-voice.yaml", "-d").returncode == 0
    (another,) = up.json("status")
    assert another["world"] != world["world"]
    assert [path.name for path in (up.home / "worlds").iterdir()] == [another["world"]]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]
)
def test_a_signal_cleans_up(sim, topologies, number, code):
    # Whoever is run under nohup ignores SIGHUP, and so do its children: not this one.
    heeds = partial(signal.signal, number, signal.SIG_DFL)
    process = sim.start("up", topologies / "atlas-voice.yaml", preexec_fn=heeds)
    assert "is up" in process.stdout.readline()
    process.send_signal(number)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in stderr
    assert sim.left_behind() == []


def test_two_worlds_at_a_time_have_addresses_of_their_own(up, topologies):
    assert up("up", topologies / "three-regions.yaml", "-d").returncode == 0
    worlds = up.json("status")
    servers = [row["nameserver"] for world in worlds for row in world["locations"]]
    assert len(servers) == len(set(servers)) == 7
    refused = up("dig", "atlas-voice-v2.fly.dev")
    assert refused.returncode == 2
    assert "--world" in refused.stderr
    refused = up("down")
    assert refused.returncode == 2
    assert "`sim down " in refused.stderr
    ended, left = (world["world"] for world in worlds)
    assert up("down", ended).stdout == f"ended {ended}\n"
    assert [world["world"] for world in up.json("status")] == [left]
    assert up("down").returncode == 0


def test_what_a_world_will_not_do_is_said_wherever_a_file_is_read(sim, tmp_path):
    (tmp_path / "fly.toml").write_text(
        'app = "x"\nprimary_region = "iad"\n[http_service]\ninternal_port = 8080\n'
        "[http_service.http_options]\nh2_backend = true\n"
    )
    topology = tmp_path / "t.yaml"
    topology.write_text(
        "fly_toml: fly.toml\ngateway: {command: [python, -m, sim.gateway]}\n"
        "locations: {london: {}}\n"
    )
    for command in (("validate", topology), ("up", topology, "--detach")):
        done = sim(*command)
        assert done.returncode == 0, done.stderr
        assert "note: " in done.stderr
        assert "fly.toml:6: http_service.http_options.h2_backend" in done.stderr


def test_a_stranger_gets_nothing_from_the_control_server(standing):
    """Without the token, no verb is answered: neither to a page nor to another user."""
    (world,) = standing.json("status")
    slot = world["locations"][0]["nameserver"].split(".")[1]
    with socket.create_connection((f"127.{slot}.0.1", 8470), timeout=5) as control:
        control.sendall(b"POST /status HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}")
        assert control.recv(100).startswith(b"HTTP/1.0 401")
