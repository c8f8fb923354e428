import json
from pathlib import Path

import pytest

from sim.errors import InputError
from sim.topology.fly_toml import read_fly_toml
from sim.topology.load import load_topology, topology_from_mapping
from sim.topology.model import Check

FLY = """\
app = "voice-v2"
primary_region = "iad"
kill_signal = "SIGTERM"
kill_timeout = "1m30s"

[build]
image = "voice:7"

[env]
LOG_LEVEL = "info"
MODE = "prod"

[http_service]
internal_port = 9000
force_https = true
auto_stop_machines = "off"
min_machines_running = 1

[[http_service.checks]]
grace_period = "10s"
interval = 15000
method = "GET"
path = "/up"
timeout = "2s"

[[vm]]
size = "shared-cpu-1x"
"""

TOPOLOGY = """\
# stands on a fly.toml
fly_toml: deploy/fly.toml
gateway:
  command: [./gateway]
  env: {MODE: test}
regions:
  fra: {}
locations:
  london:
"""


def write(tmp_path: Path, fly: str, topology: str = TOPOLOGY) -> Path:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "fly.toml").write_text(fly)
    path = tmp_path / "t.yaml"
    path.write_text(topology)
    return path


def test_it_stands_in_for_app_gateway_and_primary_region(tmp_path: Path) -> None:
    topology = load_topology(write(tmp_path, FLY))
    assert topology.app == "voice-v2"
    gateway = topology.gateway
    assert gateway.image == "voice:7"
    assert gateway.port == 9000
    assert gateway.force_https
    assert gateway.checks == (Check("http", "/up", 15.0, 2.0, 10.0),)
    assert (gateway.kill_signal, gateway.kill_timeout_s) == ("SIGTERM", 90.0)
    assert list(topology.regions) == ["iad", "fra"]
    assert topology.primary.code == "iad"
    assert topology.notes == ()


def test_a_port_of_a_service_can_force_https(tmp_path: Path) -> None:
    fly = 'app = "x"\nprimary_region = "iad"\n[[services]]\n[[services.ports]]\nport = 80\n'
    path = write(tmp_path, fly)
    assert not load_topology(path).gateway.force_https
    (tmp_path / "deploy/fly.toml").write_text(fly + "force_https = true\n", "utf-8")
    assert load_topology(path).gateway.force_https


def test_what_the_topology_says_itself_wins(tmp_path: Path) -> None:
    topology = load_topology(write(tmp_path, FLY, TOPOLOGY + "app: other\n"))
    assert topology.app == "other"
    assert topology.gateway.command == ("./gateway",)
    assert topology.gateway.env == {"LOG_LEVEL": "info", "MODE": "test"}


def test_a_region_marked_primary_in_the_topology_wins(tmp_path: Path) -> None:
    text = TOPOLOGY.replace("fra: {}", "fra: {primary: true}")
    topology = load_topology(write(tmp_path, FLY, text))
    assert list(topology.regions) == ["fra"]
    assert topology.primary.code == "fra"


def test_without_regions_there_is_the_primary_one(tmp_path: Path) -> None:
    text = TOPOLOGY.replace("regions:\n  fra: {}\n", "")
    assert list(load_topology(write(tmp_path, FLY, text)).regions) == ["iad"]


def test_the_document_needs_the_file_no_more(tmp_path: Path) -> None:
    path = write(tmp_path, FLY)
    topology = load_topology(path)
    stored = json.loads(json.dumps(topology.document))
    assert "fly_toml" not in stored
    assert topology_from_mapping(stored, path) == topology


def test_flys_defaults_hold_where_it_says_nothing(tmp_path: Path) -> None:
    gateway = load_topology(write(tmp_path, 'app = "x"\nprimary_region = "iad"\n')).gateway
    assert (gateway.kill_signal, gateway.kill_timeout_s, gateway.port) == ("SIGINT", 5.0, 8080)
    assert gateway.checks == (Check("tcp", "/healthz", 15.0, 2.0, 1.0),)


def test_checks_of_the_first_service_are_taken_where_there_is_no_http_service(
    tmp_path: Path,
) -> None:
    fly = (
        'app = "x"\nprimary_region = "iad"\nkill_timeout = 7\n'
        "[[services]]\ninternal_port = 5000\n"
        '[[services.tcp_checks]]\ninterval = "10s"\n'
        '[[services.http_checks]]\npath = "health"\n'
        "[[services]]\ninternal_port = 6000\n"
    )
    topology = load_topology(write(tmp_path, fly))
    assert topology.gateway.port == 5000
    assert topology.gateway.kill_timeout_s == 7.0
    assert topology.gateway.checks == (
        Check("http", "/health"),
        Check("tcp", "/healthz", 10.0, 2.0, 1.0),
    )
    assert [(note.line, note.field) for note in topology.notes] == [(4, "services")]


NOT_SIMULATED = """\
app = "voice"
primary_region = "iad"
[build]
dockerfile = "Dockerfile"
[deploy]
strategy = "bluegreen"
[http_service]
auto_stop_machines = "suspend"
[http_service.concurrency]
hard_limit = 25
[[http_service.checks]]
path = "/up"
method = "HEAD"
[checks.alive]
type = "tcp"
[[mounts]]
source = "data"
"""


def test_what_is_left_out_and_matters_is_noted_with_its_line(tmp_path: Path) -> None:
    notes = load_topology(write(tmp_path, NOT_SIMULATED)).notes
    assert {note.field: note.line for note in notes} == {
        "build": 3,
        "deploy": 5,
        "http_service.auto_stop_machines": 8,
        "http_service.concurrency": 9,
        "http_service.checks.method": 13,
        "checks": 14,
        "mounts": 16,
    }
    assert {note.file for note in notes} == {str(tmp_path / "deploy" / "fly.toml")}


@pytest.mark.parametrize(
    ("fly", "line", "field", "says"),
    [
        ('app = "x\n', 1, None, "is not TOML"),
        ("app = 5\n", 1, "app", "must be text"),
        ('app = "x"\n[env]\nFLY_X = "a"\n', 3, "env.FLY_X", "Fly's own; rename it"),
        ('app = "x"\n[env]\nN = 1\n', 3, "env.N", "put it in quotes"),
        (
            'app = "x"\n[http_service]\ninternal_port = "a"\n',
            3,
            "http_service.internal_port",
            "whole number",
        ),
        ('app = "x"\nhttp_service = 1\n', 2, "http_service", "must be a table"),
        ('app = "x"\nkill_timeout = "soon"\n', 2, "kill_timeout", "such as `250ms`"),
        (
            'app = "x"\n[[http_service.checks]]\ninterval = "fast"\n',
            3,
            "http_service.checks.interval",
            "such as `250ms`",
        ),
        (
            'app = "x"\n[http_service]\nchecks = 5\n',
            3,
            "http_service.checks",
            "must be an array of tables",
        ),
        (
            'app = "x"\n[http_service]\nchecks = [5]\n',
            3,
            "http_service.checks",
            "must be an array of tables",
        ),
    ],
)
def test_a_mistake_in_it_is_told_with_its_own_file_and_line(
    tmp_path: Path, fly: str, line: int, field: str | None, says: str
) -> None:
    with pytest.raises(InputError) as caught:
        load_topology(write(tmp_path, fly))
    (problem,) = caught.value.problems
    assert problem.file == str(tmp_path / "deploy" / "fly.toml")
    assert (problem.line, problem.field) == (line, field)
    assert says in problem.message


def test_what_only_the_topology_can_know_is_told_at_the_line_that_names_it(tmp_path: Path) -> None:
    path = write(tmp_path, FLY.replace('"iad"', '"mia"'))
    with pytest.raises(InputError) as caught:
        load_topology(path)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.field) == (str(path), 2, "regions.mia")


def test_a_missing_file_is_told_at_the_line_that_names_it(tmp_path: Path) -> None:
    path = write(tmp_path, FLY, TOPOLOGY.replace("/fly.toml", "/fli.toml"))
    with pytest.raises(InputError) as caught:
        load_topology(path)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.field) == (str(path), 2, "fly_toml")
    assert f"did you mean `{tmp_path / 'deploy' / 'fly.toml'}`?" in problem.message


def test_a_file_that_cannot_be_read_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_fly_toml(tmp_path)
