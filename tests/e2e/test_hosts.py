"""Worlds whose regions run on engines of other hosts: what is done there, and what is seen."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess

import pytest
import yaml

from sim.errors import EnvironmentLacksError
from sim.machines.docker import way
from tests.docker.boxed import TOPOLOGY, Boxed, looks
from tests.docker.second_engine import SSHD, SecondEngine

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]


@pytest.fixture
def second(second_engine):
    """The other host's engine, which answers again after a test that took it away."""
    yield second_engine
    second_engine.mend()
    second_engine.start()


@pytest.fixture
def spread(sim, engine, second, tmp_path):
    """A world with fra on the other host; after the test nothing of it may be in either engine."""
    sim.environment["DOCKER_HOST"] = engine
    path = tmp_path / "topology.yaml"
    path.write_text(yaml.safe_dump({**TOPOLOGY, "hosts": {"fra": second.url}}, sort_keys=False))
    done = sim("up", path, "--runtime", "docker", "--detach", "--seed", "7")
    assert done.returncode == 0, done.stderr
    here, there = Boxed(sim, engine), Boxed(sim, second.url)
    yield here, there
    second.mend()
    second.start()
    sim("down", "--all")
    assert here.left_in_the_engine() == there.left_in_the_engine() == ""


def test_everything_that_is_done_to_a_machine_is_done_on_its_host(spread):
    here, there = spread
    name = there.container()
    assert name not in here.docker("ps", "--format", "{{.Names}}")
    (found,) = here.events("host_found")
    assert found["regions"] == ["fra"]
    assert 0 < found["rtt_ms"] < 50
    assert abs(found["clock_ahead_ms"]) <= found["within_ms"] + 1  # it is this machine's clock

    hungry = "import ctypes; ctypes.memset((ctypes.c_char * (200 << 20))(), 1, 200 << 20)"
    with pytest.raises(subprocess.CalledProcessError):
        there.docker("exec", name, "python", "-c", hungry)
    here.wait_for("machine_changed", region="fra", reason="out of memory")
    for fault, repair in (("freeze", "thaw"), ("disconnect", "reconnect")):
        for verb, status in ((fault, "critical"), (repair, "passing")):
            known = len(here.events("health_changed"))
            assert here.sim("fault", verb, "--region", "fra").returncode == 0
            assert any(
                event["status"] == status
                for _ in looks(10)
                for event in here.events("health_changed")[known:]
            ), f"{verb}: {here.events('health_changed')}"
    assert here.sim("deploy").returncode == 0
    assert "listening in fra" in here.sim("logs", "--region", "fra").stdout
    there.docker("kill", there.container())
    here.wait_for("machine_died", region="fra", end="killed by SIGKILL")
    assert here.sim("heal").returncode == 0
    assert here.sim("down").returncode == 0
    assert here.left_in_the_engine() == there.left_in_the_engine() == ""


@pytest.mark.skipif(not SSHD, reason="there is no sshd (apt-get install openssh-server)")
def test_two_hosts_of_which_one_is_reached_over_ssh(sim, engine, second, tmp_path):
    """They are the same engine here, which makes no difference: each has the ports of its own."""
    over_ssh = f"ssh://root@{second.there}"
    topology = {**TOPOLOGY, "hosts": {"iad": second.url, "fra": over_ssh}}
    (tmp_path / "topology.yaml").write_text(yaml.safe_dump(topology, sort_keys=False))
    sim.environment |= {"DOCKER_HOST": engine, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with second.ssh(tmp_path):
        done = sim("up", tmp_path / "topology.yaml", "--runtime", "docker", "--detach")
        assert done.returncode == 0, done.stderr
        here, there = Boxed(sim, engine), Boxed(sim, second.url)
        assert {found["host"] for found in here.events("host_found")} == {second.url, over_ssh}
        there.docker("kill", there.container())
        here.wait_for("machine_died", region="fra", end="killed by SIGKILL")
        assert sim("heal").returncode == 0
        assert "listening in fra" in sim("logs", "--region", "fra").stdout
        assert sim("down").returncode == 0
        assert there.left_in_the_engine() == ""


def test_a_host_that_falls_silent_is_lost_with_its_machines_and_comes_back(spread, second):
    """Nobody is told of a cable that is pulled: no connection ends by it."""
    here, there = spread
    second.cut()
    lost = here.wait_for("host_lost", host=second.url)
    stopped = here.wait_for("machine_changed", region="fra", state="stopped")
    assert stopped["machine"] in lost["machines"]
    assert "its host is gone" in stopped["reason"]
    refused = here.sim("machine", "start", stopped["machine"])
    assert refused.returncode != 0
    assert "host is lost" in refused.stderr
    repaired = here.sim("fault", "start", "--region", "fra")  # which says that the host is back
    assert repaired.returncode != 0
    assert f"the Docker engine at {second.url} is gone" in repaired.stderr
    second.mend()
    assert there.container() in there.docker("ps", "-a", "--format", "{{.Names}}")
    for _ in looks(15):
        if there.container() not in there.docker("ps", "-a", "--format", "{{.Names}}"):
            break  # what had been given up was removed
    else:
        raise AssertionError("the container is still there")
    assert here.sim("fault", "start", "--region", "fra").returncode == 0
    assert {m["check"] for m in here.sim.json("status")[0]["machines"]} == {"passing"}
    assert here.events("part_failed") == here.events("machine_died") == []


@pytest.mark.parametrize("gone", [SecondEngine.kill, SecondEngine.cut])
def test_a_host_that_is_gone_in_mid_run_makes_nobody_guilty(sim, engine, second, tmp_path, gone):
    """What held is held; what broke after it is unknown. And its things are found when it is back.

    The containers run on without their engine, so that clients notice after the world. Without
    their cable clients notice before the world.
    """
    sim.environment["DOCKER_HOST"] = engine
    topology = {**TOPOLOGY, "hosts": {"fra": second.url}, "routing": {"ttl": "5s"}}
    (tmp_path / "topology.yaml").write_text(yaml.safe_dump(topology, sort_keys=False))
    scenario = {
        "name": "killed",
        "topology": "topology.yaml",
        "load": {"driver": "session", "clients": 10, "every": "500ms", "timeout": "3s"},
        "duration": "40s",
        "expect": [
            {"check": "messages", "lost": 0, "duplicated": 0, "reordered": 0},
            {"check": "served_by", "location": "london", "region": "iad", "from": "30s"},
            {"check": "outage", "location": "london", "max": "0s"},
        ],
    }
    (tmp_path / "scenario.yaml").write_text(yaml.safe_dump(scenario))
    report = tmp_path / "report.json"
    running = sim.start(
        *("run", tmp_path / "scenario.yaml", "--runtime", "docker", "--json", report),
        *("--seed", "7"),
    )
    try:
        journals = (path for _ in looks(60) for path in sim.home.glob("worlds/*/journal.jsonl"))
        journal = next(p for p in journals if '"acked"' in p.read_text())
        world = journal.parent.name
        gone(second)
        stdout, stderr = running.communicate(timeout=120)
    finally:
        running.kill()
        running.wait()
    found = json.loads(report.read_text())
    assert running.returncode == 4, stdout + stderr
    assert found["verdict"] == "unknown"
    assert [row["held"] for row in found["expectations"]] == [True, True, None], stdout
    assert f"the host {second.url} went away" in stdout

    # The containers are still there, and are removed as soon as their engine answers again.
    assert [path.name for path in sim.home.glob("worlds/*")] == [world]
    second.mend()
    second.start()
    assert second.worlds_things() != ""
    done = sim("down")
    assert done.returncode == 0, done.stderr
    assert second.worlds_things() == ""
    assert list(sim.home.glob("worlds/*")) == []


def test_an_address_of_this_very_host_is_none_of_another(second):
    with socket.create_server((second.here, 0)) as server:
        url = f"tcp://{second.here}:{server.getsockname()[1]}"
        with pytest.raises(EnvironmentLacksError, match=f"{url} is this host itself"):
            asyncio.run(way.found(url))


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("tcp://127.0.0.1:9", "cannot be reached at port 9"),
        ("tcp://no-such-host.invalid:2375", "cannot be reached"),
    ],
)
def test_a_host_that_cannot_be_reached_is_told_with_the_remedy(sim, engine, tmp_path, host, said):
    sim.environment["DOCKER_HOST"] = engine
    path = tmp_path / "topology.yaml"
    path.write_text(yaml.safe_dump({**TOPOLOGY, "hosts": {"fra": host}}))
    done = sim("up", path, "--runtime", "docker")
    assert done.returncode == 3
    assert f"{host} {said}" in done.stderr
    assert "remedy" in done.stderr
    assert "Traceback" not in done.stderr
    examined = sim("doctor", path, "--json")
    assert examined.returncode == 3
    states = {row["what"]: row["state"] for row in json.loads(examined.stdout)}
    assert states[host] == "missing"
