"""Programs of five kinds whose first address is cut off: as with a rule that drops packets."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sim.streams.silence import has_filters
from tests.e2e.test_scenarios import QUICK_TOPOLOGY

PROGRAMS = Path(__file__).parent / "connecting"
NEEDED = ("curl", "node", "go", "java", "javac", "iptables", "ip", "unshare")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.thorough,
    pytest.mark.realtime,
    pytest.mark.skipif(os.geteuid() != 0, reason="a rule of the firewall takes root"),
    pytest.mark.skipif(
        not all(map(shutil.which, NEEDED)), reason=f"needs all of {', '.join(NEEDED)}"
    ),
]


@pytest.fixture
def built(tmp_path):
    """The programs that want building."""
    for command in (
        ["go", "build", "-o", tmp_path / "get", "get.go"],
        ["javac", "-d", tmp_path, "Get.java"],
    ):
        subprocess.run(command, cwd=PROGRAMS, check=True)
    return tmp_path


@pytest.fixture
def in_a_world(sim, built):
    """What they make of London's links, with Frankfurt's cut."""
    topology = {**QUICK_TOPOLOGY, "routing": {"answers": 2}}
    (built / "topology.yaml").write_text(yaml.safe_dump(topology))
    done = sim("up", built / "topology.yaml", "--detach", "--seed", "7")
    assert done.returncode == 0, done.stderr
    yield lambda: _asked(sim, built)
    sim("down", "--all")


def _asked(sim, built):
    assert sim("fault", "partition", "--link", "london", "fra").returncode == 0
    url = "http://quick.fly.dev:8480/healthz"
    done = sim("exec", "--from", "london", "--", sys.executable, PROGRAMS / "timed.py", built, url)
    assert "a nameserver of its own" in done.stderr
    return json.loads(done.stdout)


def dropped(built):
    """The same, with a rule that drops what is sent to the first address."""
    done = subprocess.run(
        ["unshare", "--net", "--mount", PROGRAMS / "dropped.sh", built],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.skipif(not has_filters(), reason="needs CAP_NET_ADMIN")
def test_programs_find_the_second_address_as_on_a_network(in_a_world, built):
    found, expected = in_a_world(), dropped(built)
    assert {name: code for name, (_, code, _) in found.items()} == {
        name: code for name, (_, code, _) in expected.items()
    }
    served = {name for name, (_, code, _) in found.items() if code == 0}
    assert {"curl --connect-timeout 4", "Node.js, fetch", "Python, urllib, 3 s"} <= served
    for name, (took_s, _, said) in found.items():
        # A program starts as quickly as this machine lets it; a timeout never comes early.
        assert expected[name][0] - 1.0 <= took_s <= expected[name][0] + 2.0, (name, said)
