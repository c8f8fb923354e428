"""`sim init` at the top of a repository whose program is in a folder below."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sim.cli import main
from sim.scenario.load_scenario import load_scenario

SERVER = 'http.createServer(answer("/healthz")).listen(process.env.PORT); process.env.TICKET_SECRET'
GATEWAY = {
    "apps/gateway/package.json": json.dumps(
        {"name": "gw", "scripts": {"start": "node server.js"}, "dependencies": {"ws": "8"}}
    ),
    "apps/gateway/server.js": SERVER,
}
WORKSPACES = json.dumps({"private": True, "workspaces": ["apps/*"]})
THEIRS = """
import os, sys
from pathlib import Path
from sim.init.look import look
from sim.init.monorepo import program_below
os.fchdir(int(sys.argv[1]))
os.setgroups([]); os.setgid(65534); os.setuid(65534)
print(program_below(Path(), look(Path())))
"""
WEB = json.dumps({"name": "web", "scripts": {"start": "next start"}})


@pytest.fixture
def init(tmp_path, monkeypatch, capsys):
    """`sim init` in a repository of these files: its exit code, and what it said."""
    monkeypatch.chdir(tmp_path)

    def init(files, *words):
        for name, text in files.items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(text)
        monkeypatch.setattr("sys.argv", ["sim", "init", *words])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return end.value.code, said.out + said.err

    return init


def gateway():
    return load_scenario(Path("sim/crash.yaml")).topology.gateway


@pytest.mark.parametrize(
    "top",
    [
        {},
        {"package.json": WORKSPACES},
        {"package.json": "{}", "turbo.json": "{}"},
        {"packages/shared/package.json": '{"main": "index.js"}', "packages/shared/index.js": ""},
    ],
)
def test_the_only_program_below_is_taken_and_named(init, top):
    code, said = init({**GATEWAY, "README.md": "", **top})
    assert code == 0
    assert "folder     apps/gateway    (nothing at the top says what to run)" in said
    assert "(cd apps/gateway && npm install)" in said
    assert gateway().command == ("node", "server.js")
    assert Path("sim", gateway().folder).resolve() == Path("apps/gateway").resolve()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_of_somebody_elses_is_not_entered(tmp_path):
    """As that of a database in a container: its owner is another user, and nobody else may."""
    (tmp_path / "data/postgres").mkdir(parents=True, mode=0o700)
    folder = os.open(tmp_path, os.O_DIRECTORY)  # the folders above it are root's as well
    tmp_path.chmod(0o755)
    argv = [sys.executable, "-c", THEIRS, str(folder)]
    done = subprocess.run(argv, check=False, pass_fds=[folder], capture_output=True, text=True)
    os.close(folder)
    assert (done.stdout, done.stderr) == ("None\n", "")


def test_of_several_one_has_to_be_named(init):
    files = {**GATEWAY, "apps/web/package.json": WEB, "package.json": WORKSPACES}
    code, said = init(files)
    assert code == 2
    assert "`apps/gateway` and `apps/web` each say what to run" in said
    assert "`sim init apps/gateway`" in said
    assert not Path("sim").exists()
    code, said = init({"apps/gateway/.env": "TICKET_SECRET=x"}, "apps/gateway")
    assert code == 0
    assert "sim run sim/crash.yaml --secrets apps/gateway/.env" in said
    assert gateway().command == ("node", "server.js")


def test_an_image_below_is_built_there(init):
    image = 'FROM scratch\nEXPOSE 9000\nCMD ["/gateway"]\n'
    code, said = init({"services/gateway/Dockerfile": image})
    assert code == 0
    assert "--runtime docker" in said
    assert Path("sim", gateway().build.context).resolve() == Path("services/gateway").resolve()


def test_a_fly_toml_below_is_referred_to_from_the_topology(init):
    code, said = init({**GATEWAY, "apps/gateway/fly.toml": 'app = "voice"\n'})
    assert code == 0
    assert "apps/gateway" in said
    assert load_scenario(Path("sim/crash.yaml")).topology.app == "voice"


@pytest.mark.parametrize(
    "top",
    [
        {"requirements.txt": "fastapi", "app/main.py": "app = FastAPI()"},
        {"server.js": SERVER},
        {"go.mod": "module x", "cmd/x/main.go": "package main\nfunc main() {}"},
    ],
)
def test_a_program_at_the_top_stays_the_one(init, top):
    code, said = init({**top, "frontend/package.json": WEB, "cmd/x/Dockerfile": "FROM scratch"})
    assert code == 0
    assert "folder     " not in said


def test_a_folder_that_is_not_there_is_said(init):
    code, said = init({}, "apps/gatewy")
    assert code == 2
    assert "apps/gatewy" in said
