"""Worlds of containers: what somebody else does to them, what is left, and what is missing."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess

import pytest
import yaml

from tests.docker.boxed import TOPOLOGY, WITHIN_S, looks
from tests.docker.private_engine import GATEWAY

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]


def test_what_others_do_to_a_container_is_journaled_as_that(boxed):
    world = boxed()
    name = world.container()
    world.docker("pause", name)
    world.wait_for("machine_changed", state="started", reason="paused by somebody else")
    assert [m["state"] for m in world.sim.json("status")[0]["machines"]] == ["started", "frozen"]
    world.wait_for("health_changed", region="fra", status="critical")
    world.docker("unpause", name)
    world.wait_for("machine_changed", reason="unpaused by somebody else")

    world.docker("network", "disconnect", f"sim-{world.world}-fra", name)
    world.wait_for("machine_changed", reason="cut off from its network by somebody else")
    conditions = [machine["state"] for machine in world.sim.json("status")[0]["machines"]]
    assert conditions == ["started", "disconnected"]

    world.docker("kill", name)
    world.wait_for("machine_changed", region="fra", state="stopped", reason="died: killed by SIGK")
    assert world.events("part_failed") == []
    assert world.sim("heal").returncode == 0  # a start makes a new container, in its network
    machines = world.sim.json("status")[0]["machines"]
    assert [(m["state"], m["check"]) for m in machines] == [("started", "passing")] * 2


def test_a_region_that_is_disconnected_is_refused_and_comes_back(boxed):
    """What docs/docker.md says each end sees; and it was us, not somebody else."""
    world = boxed()
    name = world.container()
    assert world.sim("fault", "disconnect", "--region", "fra").returncode == 0
    world.wait_for("health_changed", region="fra", status="critical", output="connection refused")
    conditions = [machine["state"] for machine in world.sim.json("status")[0]["machines"]]
    assert conditions == ["started", "disconnected"]
    dial = "import os, socket, urllib.parse as u; d = u.urlsplit(os.environ['DATABASE_URL'])"
    dial += "; print(socket.socket().connect_ex((d.hostname, d.port)))"
    assert world.docker("exec", name, "python", "-c", dial) == str(errno.ENETUNREACH)

    assert world.sim("heal", "--region", "fra").returncode == 0
    world.wait_for("health_changed", region="fra", status="passing")
    assert world.docker("exec", name, "python", "-c", dial) == "0"
    by_others = [e for e in world.events("machine_changed") if "somebody" in e["reason"]]
    assert by_others == world.events("part_failed") == world.events("fault_failed") == []


def test_a_stop_signals_the_main_process_whose_handlers_are_seen(boxed):
    """Not the container's init, whose handlers are its own."""
    world = boxed()
    assert world.sim("fault", "stop", "--region", "fra").returncode == 0
    stopped = world.wait_for("machine_stopped", region="fra")
    assert (stopped["signal"], stopped["killed"]) == ("SIGINT", False)
    assert stopped["end"] == "exited with code 0"
    assert {"SIGINT", "SIGTERM"} <= set(stopped["caught"])
    assert "SIGCHLD" not in stopped["caught"]


def test_a_container_that_somebody_restarts_is_the_machines_again(boxed):
    world = boxed()
    world.docker("restart", "-t", "0", world.container())
    world.wait_for("machine_changed", region="fra", state="stopped", reason="died")
    world.wait_for("machine_changed", region="fra", reason="started by somebody else")
    world.wait_for("health_changed", region="fra", status="warning")
    assert world.sim("fault", "crash", "--region", "fra").returncode == 0
    world.wait_for("machine_changed", region="fra", reason="killed: killed by SIGKILL")


def test_a_container_that_dies_is_restarted_as_its_policy_says(boxed):
    world = boxed(restart="on-failure")
    world.docker("kill", world.container())
    world.wait_for("machine_changed", region="fra", state="started", reason="")
    world.wait_for("machine_changed", region="fra", state="starting", reason="restart policy")
    world.wait_for("health_changed", region="fra", status="warning")
    died = world.wait_for("machine_died", region="fra")
    assert (died["end"], died["signal"], died["oom"]) == ("killed by SIGKILL", 9, False)


def test_a_container_that_ends_by_itself_is_a_death_with_its_code_and_last_lines(boxed):
    world = boxed()
    world.docker("kill", "--signal", "TERM", world.container())
    died = world.wait_for("machine_died", region="fra")
    assert (died["end"], died["code"], died["signal"]) == ("exited with code 0", 0, None)
    printed = world.sim("logs", "--region", "fra").stdout.splitlines()
    said = [line.removeprefix("fra/1  ") for line in printed]
    assert died["last_lines"] == said[-len(died["last_lines"]) :] != []


def test_running_out_of_memory_is_told_as_that(boxed):
    world = boxed()
    hungry = "import ctypes; ctypes.memset((ctypes.c_char * (200 << 20))(), 1, 200 << 20)"
    with pytest.raises(subprocess.CalledProcessError):
        world.docker("exec", world.container(), "python", "-c", hungry)
    world.wait_for("machine_changed", region="fra", reason="out of memory")


def test_a_bad_image_stops_a_rolling_deploy_at_its_first_machine(boxed):
    world = boxed()
    done = world.sim("deploy", "--image", "no-such-image:1")
    assert done.returncode == 1
    assert "no-such-image:1" in done.stderr
    assert "Traceback" not in done.stderr
    found = {m["place"]: (m["state"], m["version"]) for m in world.sim.json("machine", "list")}
    assert found == {"iad/1": ("failed", "2"), "fra/1": ("started", "1")}


def test_a_container_finds_its_siblings_by_name(boxed):
    world = boxed()

    def said(program, region="fra"):
        imports = f"import os, socket; {program}"
        return world.docker("exec", world.container(region), "python", "-c", imports)

    own = "print(os.environ['FLY_PRIVATE_IP'])"
    there = said(own, "iad")
    assert said("print(socket.getaddrinfo('fly-local-6pn', 1)[0][4][0])") == said(own)
    asked = said(
        "host, port = os.environ['SIM_NAMESERVER'].split(':')"
        "; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5)"
        "; q = b'\\0\\7\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\3iad\\5boxed\\x08internal\\0\\0\\x1c\\0\\1'"
        "; s.sendto(q, (host, int(port))); found = s.recv(512)[-16:]"
        "; print(socket.inet_ntop(socket.AF_INET6, found))"
    )
    assert asked == there
    if said("print(os.environ['SIM_NAMESERVER'])").endswith(":53"):
        name = "'iad.boxed.internal', 1, socket.AF_INET6"
        assert said(f"print(socket.getaddrinfo({name})[0][4][0])") == there
        alone = "'fra.boxed.internal', 1, socket.AF_INET"
        with pytest.raises(subprocess.CalledProcessError):
            said(f"socket.getaddrinfo({alone})")
        both = "'boxed.internal', 1, 0, socket.SOCK_STREAM"
        assert said(f"print(len(socket.getaddrinfo({both})))") == "2"
        told = {(e["name"], e["type"]) for e in world.events("private_name_asked")}
        assert ("fra.boxed.internal", "A") in told
        assert ("fra.boxed.internal", "AAAA") not in told
        assert {("boxed.internal", kind) for kind in ("A", "AAAA")} <= told
        report = " ".join(world.sim("report", world.journal).stdout.split())
        asked = re.findall(r"asked for the A record of (\S+),", report)
        assert asked == ["fra.boxed.internal"]


def test_a_network_that_is_removed_is_a_failed_part(boxed):
    world = boxed()
    network = f"sim-{world.world}-fra"
    world.docker("network", "disconnect", "-f", network, world.container())
    world.docker("network", "rm", network)
    world.wait_for("part_failed", part="network of fra", reason="removed it")
    world.docker("kill", world.container())
    world.wait_for("machine_changed", region="fra", state="stopped")
    done = world.sim("fault", "start", "--region", "fra")
    assert done.returncode != 0
    assert "the network of fra was removed" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_engine_that_restarts_takes_its_containers_along(boxed, own_engine):
    if own_engine is None:
        pytest.skip("the engine is not ours to restart")
    world = boxed()
    own_engine.stop()
    world.wait_for("part_failed", part="docker engine")
    own_engine.start()
    world.wait_for("machine_changed", region="fra", state="stopped", within_s=30)
    world.wait_for("machine_changed", region="iad", state="stopped", within_s=30)
    assert world.sim("heal").returncode == 0
    assert {m["check"] for m in world.sim.json("status")[0]["machines"]} == {"passing"}


def test_after_kill_9_down_removes_containers_and_networks(boxed):
    world = boxed()
    os.kill(world.pid, signal.SIGKILL)
    assert world.left_in_the_engine()
    done = world.sim("down")
    assert done.returncode == 0, done.stderr
    assert "4 containers and networks" in done.stdout
    assert world.left_in_the_engine() == ""


def test_what_a_container_prints_is_in_its_log_without_secrets(sim, boxed):
    sim.environment["VOICE_API_KEY"] = "swordfish-1234"
    world = boxed(secrets=["VOICE_API_KEY"])
    shout = "import os; open('/proc/1/fd/1', 'w').write(os.environ['VOICE_API_KEY'] + ' shown\\n')"
    world.docker("exec", world.container(), "python", "-c", shout)
    log = world.sim.home / "worlds" / world.world / "logs" / "fra-1.log"
    assert any(" shown" in log.read_text() for _ in looks(WITHIN_S))
    assert "swordfish" not in log.read_text() + world.journal.read_text()


@pytest.mark.parametrize(
    ("gateway", "said"),
    [
        ({"image": "sim-test/none:local"}, "has no image 'sim-test/none:local'"),
        ({"image": None}, "has no image"),
        ({"build": "nowhere"}, "there is no file"),
    ],
)
def test_a_missing_image_is_told_with_the_remedy(sim, engine, tmp_path, gateway, said):
    sim.environment["DOCKER_HOST"] = engine
    path = tmp_path / "topology.yaml"
    merged = {**TOPOLOGY["gateway"], "command": ["true"], **gateway}
    path.write_text(yaml.safe_dump({**TOPOLOGY, "gateway": merged}))
    done = sim("up", path, "--runtime", "docker")
    assert done.returncode in (2, 3)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_engine_is_told_with_the_remedy(sim, topologies, tmp_path):
    sim.environment["DOCKER_HOST"] = f"unix://{tmp_path}/docker.sock"
    done = sim("up", topologies / "atlas-voice.yaml", "--runtime", "docker")
    assert done.returncode == 3
    assert "no Docker engine answers" in done.stderr
    assert "--runtime process" in done.stderr


def test_a_gateway_that_dies_at_start_shows_its_last_words(sim, engine, tmp_path):
    sim.environment["DOCKER_HOST"] = engine
    path = tmp_path / "topology.yaml"
    entrypoint = 'ENTRYPOINT ["sh", "-c", "echo no key given; exit 3"]'
    (tmp_path / "Dockerfile").write_text(f"FROM {GATEWAY}\n{entrypoint}\n")
    broken = {**TOPOLOGY["gateway"], "image": "sim-test/broken:local", "build": "."}
    path.write_text(yaml.safe_dump({**TOPOLOGY, "gateway": broken}))
    done = sim("up", path, "--runtime", "docker")
    assert done.returncode == 3
    assert "died at start: exited with code 3" in done.stderr
    assert "no key given" in done.stderr
