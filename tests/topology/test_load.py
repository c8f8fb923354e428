import json
from ipaddress import ip_network
from pathlib import Path

import pytest

from sim.topology.distance import round_trip
from sim.topology.load_topology import load_topology, topology_from_mapping
from sim.topology.model import (
    Check,
    Concurrency,
    Coordinates,
    Costs,
    Database,
    LinkOverride,
    Program,
    ResidencyPolicy,
)

FILES = Path(__file__).parents[2] / "topologies"

FORMATS = """\
app: atlas-voice-v2
domain: fly.dev                        # clients use atlas-voice-v2.fly.dev
gateway:
  image: atlas-voice-v2:latest
  command: [python, -m, sim.gateway]
  port: 8080
  env: {LOG_LEVEL: info}
  secrets: [VOICE_API_KEY]
  checks:
    - {type: http, path: /healthz, interval: 30s, timeout: 5s, grace_period: 5s}
  kill_timeout: 5s
regions:
  iad: {machines: 1, primary: true}
  fra: {machines: 1}
locations:
  new-york: {share: 60}
  london: {at: [51.51, -0.13], subnets: [81.2.69.0/24], share: 40}
routing:
  mode: geodns
  ttl: 30s
  when_none_local: nearest
links:
  - {between: [london, fra], rtt: 15ms, jitter: 2ms}
services:
  database: {kind: postgres, region: iad}
policies:
  residency:
    eu: {locations: [london], regions: [fra]}
costs: {machine_month_usd: 5.20}
"""

AT = {"at": [0, 0]}

SMALLEST = """\
app: voice
gateway: {command: [./gateway]}
regions: {gru:}
locations: {sao-paulo:}
"""


def test_what_one_machine_takes_has_flys_defaults_and_can_be_set() -> None:
    gateway: dict[str, object] = {"command": ["./gateway"]}
    plain = {"app": "voice", "gateway": gateway, "regions": {"gru": None}, "locations": {"x": AT}}
    found = topology_from_mapping(plain)
    assert found.gateway.concurrency == Concurrency("connections", 20, None)
    assert (found.gateway.auto_stop, found.gateway.auto_start) == ("off", True)
    assert found.routing.spill == "hard"
    limits = {"type": "requests", "soft_limit": 3, "hard_limit": 5}
    own = {"concurrency": limits, "auto_stop": "suspend", "auto_start": False}
    gateway |= own | {"min_machines_running": 1}
    found = topology_from_mapping(plain | {"routing": {"spill": "soft"}})
    assert found.gateway.concurrency == Concurrency("requests", 3, 5)
    assert (found.gateway.auto_stop, found.gateway.auto_start) == ("suspend", False)
    assert found.gateway.min_machines_running == 1
    assert found.routing.spill == "soft"


def test_what_has_no_effect_with_geodns_is_noted() -> None:
    gateway = {"command": ["./gateway"], "auto_stop": "stop"}
    said = {"app": "voice", "gateway": gateway, "regions": {"gru": None}, "locations": {"x": AT}}
    (note,) = topology_from_mapping(said).notes
    assert note.field == "gateway.auto_stop"
    assert "only with `routing: {mode: anycast}`" in note.message
    assert topology_from_mapping(said | {"routing": {"mode": "anycast"}}).notes == ()


def test_the_format_as_documented_loads(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(FORMATS)
    topology = load_topology(path)
    assert topology.hostname == "atlas-voice-v2.fly.dev"
    assert topology.gateway.image == "atlas-voice-v2:latest"
    assert topology.gateway.command == ("python", "-m", "sim.gateway")
    assert topology.gateway.env == {"LOG_LEVEL": "info"}
    assert topology.gateway.secrets == ("VOICE_API_KEY",)
    assert topology.gateway.checks == (Check("http", "/healthz", 30.0, 5.0, 5.0),)
    assert topology.gateway.kill_timeout_s == 5.0
    assert list(topology.regions) == ["iad", "fra"]
    assert topology.primary.code == "iad"
    assert topology.regions["fra"].city == "Frankfurt"
    assert topology.locations["new-york"].at == Coordinates(40.71, -74.01)
    assert topology.locations["london"].subnets == (ip_network("81.2.69.0/24"),)
    assert [location.share for location in topology.locations.values()] == [60.0, 40.0]
    assert topology.routing.ttl_s == 30.0
    assert topology.links == (LinkOverride(("london", "fra"), 15.0, 2.0),)
    assert topology.database == Database("database", "iad")
    assert topology.residency == (ResidencyPolicy("eu", ("london",), ("fra",)),)
    assert topology.costs == Costs(5.2)
    assert topology.folder == tmp_path.resolve()


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(SMALLEST)
    topology = load_topology(path)
    assert topology.domain == "fly.dev"
    assert topology.gateway.checks == (Check(),)
    assert topology.gateway.kill_signal == "SIGINT"
    assert topology.regions["gru"].primary
    assert topology.regions["gru"].machines == 1
    assert topology.database is None
    assert topology.costs is None


@pytest.mark.parametrize("text", [FORMATS, SMALLEST])
def test_a_topology_comes_back_from_its_document_through_json(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(text)
    stored = json.loads(json.dumps(dict(load_topology(path).document)))
    assert topology_from_mapping(stored, path) == load_topology(path)


def test_the_document_does_not_tell_who_is_told_of_alerts() -> None:
    """A webhook's URL may be a secret, and whoever replays a journal is to page nobody."""
    told = [{"webhook": "https://hooks.example/hunter2"}, {"command": ["./page-me", "hunter2"]}]
    data = {
        "app": "voice",
        "gateway": {"command": ["x"]},
        "regions": {"iad": {}},
        "locations": {"london": {}},
        "alerts": [*told, {"webhook": "http://[::1]:9000/", "on": ["outage"]}],
    }
    topology = topology_from_mapping(data)
    assert [receiver.webhook for receiver in topology.alerts] == [
        "https://hooks.example/hunter2",
        None,
        "http://[::1]:9000/",
    ]
    assert [len(receiver.on) for receiver in topology.alerts] == [6, 6, 1]
    assert "alerts" not in topology.document
    assert "hooks.example" not in repr(topology)


def test_the_document_has_no_password_and_still_loads() -> None:
    data = {
        "app": "voice",
        "gateway": {"command": ["x"]},
        "regions": {"iad": {}},
        "locations": {"london": {}},
        "services": {"database": {"url": "postgresql://app:hunter2@db.example:5432/voice"}},
    }
    topology = topology_from_mapping(data)
    assert topology.database is not None
    assert topology.database.url == "postgresql://app:hunter2@db.example:5432/voice"
    assert "hunter2" not in json.dumps(topology.document)
    assert "hunter2" not in repr(topology)
    assert topology_from_mapping(topology.document).database is not None


def test_numbers_that_yaml_cannot_have_changed_may_be_environment_and_arguments() -> None:
    data = {
        "app": "voice",
        "gateway": {"command": ["./gateway", "--port", 8080], "env": {"DEBUG": True, "N": 3}},
        "regions": {"iad": {}},
        "locations": {"london": {}},
    }
    gateway = topology_from_mapping(data).gateway
    assert gateway.command == ("./gateway", "--port", "8080")
    assert gateway.env == {"DEBUG": "true", "N": "3"}


def test_a_region_that_is_not_flys_has_coordinates_and_the_first_is_primary() -> None:
    data = {
        "app": "voice",
        "gateway": {"command": ["x"]},
        "regions": {"sea": {"at": [47.61, -122.33]}, "our-hall": {"at": [48, 11], "machines": 0}},
        "locations": {"seattle": {}},
        "services": {"database": {"region": "our-hall"}},
    }
    topology = topology_from_mapping(data)
    assert topology.primary.code == "sea"
    assert topology.regions["our-hall"].at == Coordinates(48.0, 11.0)
    assert topology.database == Database("database", "our-hall")


def test_a_database_without_a_region_is_in_the_primary_one() -> None:
    data = {
        "app": "voice",
        "gateway": {"command": ["x"]},
        "regions": {"fra": {}, "iad": {"primary": True}},
        "locations": {"london": {}},
        "services": {"database": None},  # `database:` with nothing after it
    }
    assert topology_from_mapping(data).database == Database("database", "iad")
    assert topology_from_mapping({**data, "services": {}}).database is None


def test_any_other_service_is_a_program_in_the_primary_region_unless_it_says_another() -> None:
    data = {
        "app": "voice",
        "gateway": {"command": ["x"]},
        "regions": {"fra": {}, "iad": {"primary": True}},
        "locations": {"london": {}},
        "services": {
            "cache": {"command": ["redis-server"], "env": "REDIS_URL=redis://$HOST:$PORT/?a=b"},
            "queue": {
                "image": "nats",
                "port": 4222,
                "region": "fra",
                "env": {"A": "$HOST", "B": 1},
            },
            "database": {},
        },
    }
    url = {"REDIS_URL": "redis://$HOST:$PORT/?a=b"}
    topology = topology_from_mapping(data)
    assert list(topology.services.values()) == [
        Database("database", "iad"),
        Program("cache", "iad", ("redis-server",), env=url),
        Program("queue", "fra", image="nats", port=4222, env={"A": "$HOST", "B": "1"}),
    ]
    assert topology_from_mapping(json.loads(json.dumps(topology.document))) == topology
    assert round_trip(topology, "fra", "cache") == round_trip(topology, "fra", "iad")


@pytest.mark.parametrize("name", ["atlas-voice.yaml", "three-regions.yaml"])
def test_the_topologies_that_come_along_load(name: str) -> None:
    topology = load_topology(FILES / name)
    assert topology.primary.code == "iad"
    assert topology.database == Database("database", "iad")
    assert topology.costs == Costs(5.2)
