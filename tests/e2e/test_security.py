"""What others on this machine can see of a world, and what a world writes where."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import yaml

from tests.e2e.test_scenarios import QUICK_TOPOLOGY

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]

SECRET = "sk-every-where-7d1f0c"
# Says its secret wherever a gateway can: in its log, its health check, its answers.
INDISCREET = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("asked, with", os.environ["API_KEY"], flush=True)
        self.send_response(200 if self.path == "/healthz" else 500)
        self.end_headers()
        self.wfile.write(os.environ["API_KEY"].encode())
http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
"""


@pytest.fixture
def topology(tmp_path):
    """The quick topology with a gateway that says its secret; its path."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "gateway.py").write_text(INDISCREET)
    gateway = {**QUICK_TOPOLOGY["gateway"], "command": ["python", "gateway.py"]}
    document = {**QUICK_TOPOLOGY, "gateway": {**gateway, "secrets": ["API_KEY"]}}
    (folder / "topology.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    return folder / "topology.yaml"


def files_in(folder):
    """Every file below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_world_is_its_owners_alone_and_writes_nowhere_else(sim, topology, tmp_path):
    """The world's folder is 0700, whatever the umask; but for a cache, nothing else is touched."""
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    before = files_in(tmp_path)
    env = {"API_KEY": SECRET, "HOME": str(home), "TMPDIR": str(temporary)}
    mask = os.umask(0)
    try:
        done = sim("up", topology, "--detach", env=env, cwd=topology.parent)
    finally:
        os.umask(mask)
    assert done.returncode == 0, done.stderr
    (world,) = (sim.home / "worlds").iterdir()
    for folder in (sim.home / "worlds", world):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((world / "world.json").stat().st_mode) == 0o600
    assert sim("dig", "--from", "london", "quick.fly.dev").returncode == 0
    assert sim("down").returncode == 0
    cache = home / ".cache" / "multi-region-sim"  # the database's template, and nothing else
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert [path.name.split("-")[0] for path in cache.iterdir()] == ["postgres"]
    assert {path for path in files_in(tmp_path) if ".cache" not in path} == before


def test_a_secret_reaches_the_gateway_and_nothing_that_is_written(sim, topology, tmp_path):
    """A gateway that says it everywhere: not in logs, journal or any form of the report."""
    scenario = {
        "name": "indiscreet",
        "topology": "topology.yaml",
        "load": {"driver": "http", "clients": 6, "every": "500ms"},
        "timeline": [{"at": "2s", "fault": "crash", "region": "fra"}],
        "duration": "8s",
        "expect": [{"check": "outage", "location": "new-york", "max": "0s"}],
    }
    path = topology.parent / "scenario.yaml"
    path.write_text(yaml.safe_dump(scenario))
    kept = tmp_path / "kept"
    kept.mkdir()
    forms = ("json", "html", "junit", "summary", "journal")
    options = [part for form in forms for part in (f"--{form}", kept / form)]
    done = sim("run", path, "--speed", "8", *options, env={"API_KEY": SECRET})
    texts = {form: (kept / form).read_text() for form in forms}
    for where, text in {**texts, "stdout": done.stdout, "stderr": done.stderr}.items():
        assert text, where
        assert SECRET not in text, where

    assert sim("up", topology, "--detach", env={"API_KEY": SECRET}).returncode == 0
    logs = sim("logs", "--region", "fra").stdout
    assert "asked, with ••••••" in logs, "the gateway had its secret and said it"
    assert SECRET not in logs
    (world,) = (sim.home / "worlds").iterdir()
    for file in world.rglob("*"):
        if file.is_file():
            assert SECRET.encode() not in file.read_bytes(), file
    assert sim("down").returncode == 0


@pytest.mark.parametrize("key", ["app", "regions", "locations"])
@pytest.mark.parametrize("name", ["../../escape", "/etc/passwd", "a/b", "..", "a\nb"])
def test_a_name_that_would_lead_elsewhere_is_refused(sim, tmp_path, key, name):
    """Names of a topology become names of files."""
    document = dict(QUICK_TOPOLOGY)
    document[key] = name if key == "app" else {name: {}, **document[key]}
    path = tmp_path / "topology.yaml"
    path.write_text(yaml.safe_dump(document))
    assert sim("validate", path).returncode == 2


def test_yaml_makes_no_objects(sim, tmp_path):
    made = tmp_path / "made"
    path = tmp_path / "topology.yaml"
    path.write_text(f"app: !!python/object/apply:os.mkdir ['{made}']\n")
    done = sim("validate", path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not Path(made).exists()
