from __future__ import annotations

import re
import socket
from pathlib import Path

from sim.machines.app_secrets import AppSecrets
from sim.machines.config import config_of
from sim.machines.specs import MachineContext, SpecBuilder
from sim.rng import Rng
from sim.topology.addresses import AddressPlan
from sim.topology.model import Coordinates, Gateway, Region, Topology

TOPOLOGY = Topology(
    app="atlas",
    domain="fly.dev",
    gateway=Gateway(
        command=("python", "-m", "gateway"),
        env={"LOG_LEVEL": "info", "PORT": "1", "API_KEY": "old"},
    ),
    regions={
        "fra": Region("fra", "Frankfurt", Coordinates(50.1, 8.7)),
        "iad": Region("iad", "Ashburn", Coordinates(39.0, -77.5), primary=True),
    },
    locations={},
    path=Path("/srv/atlas/atlas.yaml"),
)
CONFIG = config_of(TOPOLOGY)
SURROUNDINGS = MachineContext(
    "w1",
    Path("/srv/logs"),
    secrets=AppSecrets({"API_KEY": "hunter2"}),
    services={
        "fra": {"DATABASE_URL": "postgresql://fra"},
        "iad": {"DATABASE_URL": "postgresql://iad"},
    },
)


def builder(seed: int = 7, slot: int = 92) -> SpecBuilder:
    return SpecBuilder(TOPOLOGY, AddressPlan(TOPOLOGY, slot), Rng(seed), SURROUNDINGS)


def test_a_machine_is_told_what_fly_tells_it() -> None:
    spec = builder().build("fra", 2, CONFIG)
    assert re.fullmatch(r"[0-9a-f]{14}", spec.id)
    assert re.fullmatch(r"01[0-9A-F]{24}", spec.env["FLY_MACHINE_VERSION"])
    assert spec.env == {
        "LOG_LEVEL": "info",
        "API_KEY": "hunter2",
        "PORT": str(spec.endpoint.port),
        "HOST": "127.92.150.11",
        "FLY_APP_NAME": "atlas",
        "FLY_MACHINE_ID": spec.id,
        "FLY_ALLOC_ID": spec.id,
        "FLY_REGION": "fra",
        "FLY_MACHINE_VERSION": spec.instance_id,
        "FLY_PRIVATE_IP": "::ffff:127.92.150.11",
        "FLY_PROCESS_GROUP": "app",
        "FLY_IMAGE_REF": "atlas:local",
        "FLY_VM_MEMORY_MB": "256",
        "PRIMARY_REGION": "iad",
        "DATABASE_URL": "postgresql://fra",
        "SIM_WORLD": "w1",
    }
    assert (spec.folder, spec.log_path) == (Path("/srv/atlas"), Path("/srv/logs/fra-2.log"))


def test_the_seed_names_the_machines() -> None:
    assert builder().build("fra", 1, CONFIG).id == builder().build("fra", 1, CONFIG).id
    assert builder().build("fra", 1, CONFIG).id != builder().build("fra", 2, CONFIG).id
    assert builder().build("fra", 1, CONFIG).id != builder(seed=8).build("fra", 1, CONFIG).id


def test_secrets_are_not_shown() -> None:
    spec = builder().build("fra", 1, CONFIG)
    assert "hunter2" not in repr(spec)
    assert "hunter2" not in repr(SURROUNDINGS)
    assert "postgresql" not in repr(SURROUNDINGS)


def test_machines_have_ports_of_their_own_below_the_ephemeral_range() -> None:
    """Programs that ignore HOST listen on the wildcard: an address of one's own is not enough."""
    specs = builder()
    ports = [
        specs.build(region, n, CONFIG).endpoint.port
        for region in TOPOLOGY.regions
        for n in (1, 2, 3)
    ]
    assert len(set(ports)) == 6
    assert all(18000 <= port < 32000 for port in ports)
    elsewhere = builder(slot=93).build("fra", 1, CONFIG).endpoint.port
    assert elsewhere not in ports


def test_a_port_that_anyone_listens_on_is_passed_over() -> None:
    first = builder().build("fra", 1, CONFIG).endpoint.port
    for host in ("127.92.200.1", "0.0.0.0"):
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind((host, first))
            taken.listen()
            assert builder().build("fra", 1, CONFIG).endpoint.port == first + 1
    assert builder().build("fra", 1, CONFIG).endpoint.port == first


def test_a_destroyed_machines_port_is_used_again() -> None:
    specs = builder()
    spec = specs.build("fra", 1, CONFIG)
    specs.release(spec)
    assert specs.build("fra", 2, CONFIG).endpoint.port == spec.endpoint.port
