"""A user's mistakes: one message each, with what, where and what to do; nothing left running."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest
import yaml

from sim.cli import main
from sim.topology.addresses import AddressPlan
from sim.topology.load_topology import load_topology

pytestmark = pytest.mark.e2e

TOPOLOGY = """\
app: mine
gateway:
  command: [python, -m, sim.gateway]
  secrets: []
regions:
  iad: {machines: 1, primary: true}
  fra: {machines: 1}
locations:
  london: {subnets: [81.2.69.0/24]}
  paris: {}
"""


@pytest.fixture
def up(sim, tmp_path):
    """`sim up` of a topology's text; the end of the command."""

    def up(text, **options):
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return sim("up", path, "--detach", **options)

    return up


@pytest.fixture
def validated(tmp_path, monkeypatch, capsys):
    """`sim validate` of a topology's text in this process: it reads a file as `up` does."""

    def validated(text):
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        monkeypatch.setattr("sys.argv", ["sim", "validate", str(path)])
        with pytest.raises(SystemExit) as end:
            main()
        return subprocess.CompletedProcess(sys.argv, int(end.value.code or 0), *capsys.readouterr())

    return validated


def told(done, code, *words):
    """Ended with that code and a message with these words, and no traceback."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr
    return True


def test_an_unknown_key_gets_a_suggestion(up):
    bad = TOPOLOGY.replace("command:", "comand:")
    assert told(up(bad), 2, "mine.yaml:3", "comand", "did you mean `command`")


def test_a_bare_number_for_a_duration_names_the_units(validated):
    assert told(
        validated(TOPOLOGY + "routing: {ttl: 30}\n"), 2, "mine.yaml:11", "routing.ttl", "30s"
    )


def test_a_subnet_of_two_locations(validated):
    bad = TOPOLOGY.replace("paris: {}", "paris: {subnets: [81.2.69.0/24]}")
    assert told(validated(bad), 2, "mine.yaml", "london", "paris", "81.2.69.0/24")


def test_a_syntax_error_is_told_with_its_line(validated):
    assert told(validated(TOPOLOGY + "routing: {ttl: 30s\n"), 2, "mine.yaml:1")


def test_all_problems_of_a_file_are_told_at_once(validated):
    bad = TOPOLOGY.replace("command:", "comand:") + "routing: {ttl: 30, mode: geo}\n"
    assert told(validated(bad), 2, "comand", "routing.ttl", "routing.mode")


def test_a_command_that_does_not_exist(up):
    bad = TOPOLOGY.replace("[python, -m, sim.gateway]", "[no-such-gateway]")
    assert told(up(bad), 3, "no-such-gateway")


def test_a_gateway_that_dies_at_start_shows_its_last_lines(up):
    dying = "[python, -c, \"import sys; print('no voice key'); sys.exit(9)\"]"
    bad = TOPOLOGY.replace("[python, -m, sim.gateway]", dying)
    assert told(up(bad), 3, "fra/1", "code 9", "no voice key")


def test_a_secret_without_a_value(up):
    bad = TOPOLOGY.replace("secrets: []", "secrets: [VOICE_API_KEY]")
    assert told(up(bad), 2, "VOICE_API_KEY", "--secrets")


def test_secrets_reach_the_machine_and_nothing_else(up, sim):
    """Not the status, not the journal, not the environment's listing."""
    leaking = "import os; print('key is', os.environ['VOICE_API_KEY'], flush=True);"
    leaking += "import runpy; runpy.run_module('sim.gateway', run_name='__main__')"
    text = TOPOLOGY.replace("secrets: []", "secrets: [VOICE_API_KEY]")
    text = text.replace("[python, -m, sim.gateway]", json.dumps(["python", "-c", leaking]))
    done = up(text, env={"VOICE_API_KEY": "hunter2-and-more"})
    assert done.returncode == 0, done.stderr
    said = done.stdout + sim("status", "--json").stdout + sim("status").stdout
    said += sim("logs").stdout + "".join(map(read, sim.home.rglob("*")))
    assert "hunter2" not in said
    assert "key is ••••••" in said


def read(path):
    """A file's text; folders, sockets and what cannot be read have none."""
    return path.read_text(errors="replace") if path.is_file() else ""


# The command, with one address to take instead of 64, which no other world takes.
ONE_SLOT = "import sim.slots; sim.slots.SLOTS = range(250, 251); import sim.cli; sim.cli.main()"


def test_a_port_in_use_is_told_with_the_remedy(sim, topologies):
    """Something listens on the control port of every address that a world could take."""
    topology = topologies / "atlas-voice.yaml"
    taken = AddressPlan(load_topology(topology), 250).control
    with socket.create_server((taken.host, taken.port)):
        done = subprocess.run(
            [sys.executable, "-c", ONE_SLOT, "up", str(topology)],
            env=sim.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert told(done, 3, "8470", "sim down --all")


def test_a_scenario_that_names_a_region_that_is_not_there(sim, tmp_path):
    (tmp_path / "mine.yaml").write_text(TOPOLOGY)
    scenario = {
        "topology": "mine.yaml",
        "load": {"clients": 2},
        "duration": "10s",
        "timeline": [{"at": "1s", "fault": "crash", "region": "lhr"}],
        "expect": [{"check": "outage", "location": "tokyo", "max": "1s"}],
    }
    path = tmp_path / "scenario.yaml"
    path.write_text(yaml.safe_dump(scenario, sort_keys=False))
    for command in ("validate", "run"):
        assert told(sim(command, path), 2, "lhr", "tokyo", "scenario.yaml:")


def test_a_journal_that_is_none(sim, tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_text('{"t": 0, "kind": "run_started"}\nnonsense\n\n')
    assert told(sim("report", path), 2, "journal.jsonl:1")


def test_an_output_that_cannot_be_written_is_told_before_the_run(sim, topologies, tmp_path):
    missing = tmp_path / "nowhere" / "report.json"
    done = sim("run", topologies / "frankfurt-crash.yaml", "--json", missing)
    assert told(done, 2, "nowhere")


def test_init_leaves_files_alone_and_makes_some_that_are_fine(sim, tmp_path):
    target = tmp_path / "first"
    assert sim("init", "--output", target).returncode == 0
    assert sim("validate", *target.glob("*.yaml")).returncode == 0
    assert told(sim("init", "--output", target), 2, "there already: ")
