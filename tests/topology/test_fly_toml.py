import copy
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.errors import InputError, Problem
from sim.topology.fly_toml import read_fly_toml
from sim.topology.load_topology import load_topology, topology_from_mapping
from sim.topology.model import Check, Concurrency, Deploy

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
    assert gateway.size == "shared-cpu-1x"
    assert (gateway.memory_bytes, gateway.cpus) == (256 * 1024**2, 1)
    assert gateway.min_machines_running == 1
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


def test_the_first_service_is_taken_where_none_is_at_the_ports_of_the_web(tmp_path: Path) -> None:
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
    assert [(note.line, note.field) for note in topology.notes] == [
        (4, "services"),
        (10, "services"),
    ]


FULL = """\
app = "voice"
primary_region = "fra"

[build]
image = "voice:7"

[processes]
app = "node server.js --port '80 80'"
worker = "node worker.js"

[deploy]
strategy = "bluegreen"
max_unavailable = 0.5
wait_timeout = "10m"
release_command = "npm run migrate"

[[services]]
internal_port = 9000
processes = ["app"]
auto_stop_machines = true
auto_start_machines = false
min_machines_running = 2
[services.concurrency]
type = "requests"
soft_limit = 10
hard_limit = 25
[[services.ports]]
port = 443
handlers = ["tls", "http"]
[[services.http_checks]]
path = "/up"
protocol = "http"
method = "get"
tls_skip_verify = false

[[vm]]
memory = "1gb"
cpu_kind = "performance"
cpus = 2
processes = ["app"]
[[vm]]
size = "shared-cpu-8x"
processes = ["worker"]

[[restart]]
policy = "always"
"""


def test_all_of_it_that_is_simulated_is_read(tmp_path: Path) -> None:
    text = TOPOLOGY.replace("  command: [./gateway]\n", "")
    topology = load_topology(write(tmp_path, FULL, text))
    gateway = topology.gateway
    assert gateway.command == ("node", "server.js", "--port", "80 80")
    assert gateway.concurrency == Concurrency("requests", 10, 25)
    assert (gateway.auto_stop, gateway.auto_start) == ("stop", False)
    assert gateway.min_machines_running == 2
    assert (gateway.size, gateway.cpus) == ("performance-2x", 2.0)
    assert gateway.memory_bytes == 1024**3
    assert gateway.restart == "always"
    assert topology.deploy == Deploy("bluegreen", 0.5, 600.0, ("npm", "run", "migrate"))
    assert [note.field for note in topology.notes] == [
        "processes",  # a container runs its image's own command
        "processes",  # and `worker` is not simulated
        "gateway.auto_stop",  # which does nothing with this topology's geodns
    ]


def test_what_a_fly_toml_says_has_the_line_that_names_it(tmp_path: Path) -> None:
    fly = FLY.replace('"off"', '"suspend"').replace("9000", "70000")
    with pytest.raises(InputError) as caught:
        load_topology(write(tmp_path, fly))
    assert [(p.line, p.field) for p in caught.value.problems] == [(2, "gateway.port")]
    (tmp_path / "deploy" / "fly.toml").write_text(fly.replace("70000", "9000"))
    (note,) = load_topology(tmp_path / "t.yaml").notes
    assert (note.line, note.field) == (2, "gateway.auto_stop")


def test_what_the_topology_says_of_deploys_wins(tmp_path: Path) -> None:
    text = TOPOLOGY + "deploy: {strategy: canary, max_unavailable: 2}\n"
    topology = load_topology(write(tmp_path, FULL, text))
    assert topology.deploy == Deploy("canary", 2.0, 600.0, ("npm", "run", "migrate"))


@pytest.mark.parametrize(
    ("restart", "policy"),
    [
        ("", "on-failure"),  # Fly's default
        ('[[restart]]\npolicy = "never"\n', "never"),
        ('[[restart]]\npolicy = "never"\nprocesses = ["worker"]\n', "on-failure"),
    ],
)
def test_machines_are_restarted_as_fly_restarts_them(
    tmp_path: Path, restart: str, policy: str
) -> None:
    fly = 'app = "x"\nprimary_region = "iad"\n' + restart
    assert load_topology(write(tmp_path, fly)).gateway.restart == policy


NOT_SIMULATED = """\
app = "voice"
primary_region = "iad"
swap_size_mb = 512
[build]
dockerfile = "Dockerfile"
[deploy]
release_command_timeout = "9m"
[http_service]
h2_backend = true
[http_service.concurrency]
hard_limit = 25
[[http_service.checks]]
path = "/up"
protocol = "https"
[http_service.checks.headers]
X-Forwarded-Proto = "https"
[[http_service.machine_checks]]
command = ["x"]
[checks.alive]
type = "tcp"
[[mounts]]
source = "data"
[[vm]]
size = "a100-40gb"
host_dedication_id = "x"
[[restart]]
policy = "on-failure"
retries = 3
[metrics]
port = 9091
"""


def test_whatever_is_left_out_is_noted_with_its_line(tmp_path: Path) -> None:
    notes = load_topology(write(tmp_path, NOT_SIMULATED)).notes
    assert [(note.line, note.field) for note in notes] == [
        (3, "swap_size_mb"),
        (5, "build.dockerfile"),
        (7, "deploy.release_command_timeout"),
        (9, "http_service.h2_backend"),
        (14, "http_service.checks.protocol"),
        (17, "http_service.machine_checks"),
        (19, "checks"),
        (21, "mounts"),
        (24, "vm.size"),
        (25, "vm.host_dedication_id"),
        (29, "metrics"),
    ]
    assert {note.file for note in notes} == {str(tmp_path / "deploy" / "fly.toml")}


@pytest.mark.parametrize(
    ("fly", "line", "field", "says"),
    [
        ('app = "x\n', 1, None, "is not TOML"),
        ("app = 5\n", 1, "app", "must be text"),
        (
            'app = "x"\n[http_service]\ninternal_port = "a"\n',
            3,
            "http_service.internal_port",
            "whole number",
        ),
        ('app = "x"\n[[vm]]\nmemory = "lots"\n', 3, "vm.memory", "such as `512mb`"),
        (
            'app = "x"\n[deploy]\nmax_unavailable = "all"\n',
            3,
            "deploy.max_unavailable",
            "a number such as 1 or 0.33",
        ),
        ('app = "x"\n[processes]\napp = "a \'b"\n', 3, "processes.app", "is no command line"),
        ('app = "x"\nhttp_service = 1\n', 2, "http_service", "must be a table"),
        ('app = "x"\nmounts = 1\n', 2, "mounts", "must be an array of tables"),
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
    path = write(tmp_path, FLY.replace('"voice-v2"', '"Voice"'))
    with pytest.raises(InputError) as caught:
        load_topology(path)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.field) == (str(path), 2, "app")


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


def as_toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {as_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(as_toml, value))}]"
    return json.dumps(value)


def places(data: Any) -> list[tuple[Any, Any]]:
    """Every value in a document, as its owner and its key."""
    items = list(data.items() if isinstance(data, dict) else enumerate(data))
    inner = [place for _, v in items if isinstance(v, dict | list) for place in places(v)]
    return [(data, key) for key, _ in items] + inner


VALUES = st.sampled_from([0, 5, -1, 1.5, True, "", "x", "'", "1s", [], [5], [{}], ["a"], {}])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_good_file_with_two_values_replaced_is_read_or_an_input_error(
    tmp_path: Path, data: st.DataObject
) -> None:
    document = tomllib.loads(data.draw(st.sampled_from([FULL, NOT_SIMULATED])))
    for _ in range(2):
        owner, key = data.draw(st.sampled_from(places(document)))
        owner[key] = copy.deepcopy(data.draw(VALUES))
    path = tmp_path / "fly.toml"
    path.write_text("".join(f"{key} = {as_toml(value)}\n" for key, value in document.items()))
    found: tuple[Problem, ...] = ()
    try:
        read_fly_toml(path)
    except InputError as error:
        found = error.problems
    assert all(problem.message and problem.line for problem in found)
