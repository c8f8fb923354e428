"""What a machine is told: its identity, its port, and its environment as Fly sets it."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sim.errors import EnvironmentLacksError
from sim.machines.runtime import MachineSpec
from sim.rng import Rng
from sim.topology.addresses import SLOTS, AddressPlan, Endpoint
from sim.topology.model import Topology

# Below the ephemeral range (32768 on), so that no outgoing connection holds one of these.
_PORTS = range(18000, 32000)
_FLYS_SMALLEST = 256 * 1024**2  # bytes of memory
_PORTS_PER_SLOT = len(_PORTS) // len(SLOTS)


@dataclass(frozen=True)
class Surroundings:
    """What every machine of a world is given besides the topology.

    `folder` takes the machines' logs. `database_urls` are by region: each has its own link.
    `secrets` have values here; neither is shown.
    """

    world: str
    folder: Path
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    database_urls: Mapping[str, str] = field(default_factory=dict, repr=False)


class SpecBuilder:
    """Builds the specs of a world's machines; a seed always names them the same."""

    def __init__(
        self, topology: Topology, plan: AddressPlan, rng: Rng, surroundings: Surroundings
    ) -> None:
        self._topology = topology
        self._plan = plan
        self._rng = rng
        self._surroundings = surroundings
        self._ports: set[int] = set()

    def build(self, region: str, number: int) -> MachineSpec:
        """The spec of the region's n-th machine, counted from 1."""
        draws = self._rng.fork(f"machine/{region}/{number}")
        machine_id = draws.hex_id()
        endpoint = Endpoint(host := self._plan.machine(region, number - 1), self._port(host))
        gateway = self._topology.gateway
        env = {
            **gateway.env,
            **self._surroundings.secrets,
            "PORT": str(endpoint.port),
            "HOST": endpoint.host,
            "FLY_APP_NAME": self._topology.app,
            "FLY_MACHINE_ID": machine_id,
            "FLY_ALLOC_ID": machine_id,
            "FLY_REGION": region,
            "FLY_MACHINE_VERSION": f"01{draws.hex_id(24).upper()}",
            "FLY_PRIVATE_IP": endpoint.host,
            "FLY_PROCESS_GROUP": "app",
            "FLY_IMAGE_REF": self._topology.image,
            "FLY_VM_MEMORY_MB": str((gateway.memory_bytes or _FLYS_SMALLEST) >> 20),
            "PRIMARY_REGION": self._topology.primary.code,
            "SIM_WORLD": self._surroundings.world,
        }
        if region in self._surroundings.database_urls:
            env["DATABASE_URL"] = self._surroundings.database_urls[region]
        return MachineSpec(
            id=machine_id,
            region=region,
            command=gateway.command,
            image=self._topology.image if gateway.image or gateway.build else None,
            env=env,
            endpoint=endpoint,
            folder=self._topology.folder,
            log_path=self._surroundings.folder / f"{region}-{number}.log",
            kill_signal=gateway.kill_signal,
            port=gateway.port,
            memory_bytes=gateway.memory_bytes,
            cpus=gateway.cpus,
        )

    def release(self, spec: MachineSpec) -> None:
        """The machine of that spec is gone for good: its port may be used again."""
        self._ports.discard(spec.endpoint.port)

    def _port(self, host: str) -> int:
        """A port that no other machine has and that is free on the wildcard and on the host.

        Unique, because a program that ignores HOST listens on 0.0.0.0 and so on every address.
        """
        first = (self._plan.slot - SLOTS.start) * _PORTS_PER_SLOT
        for offset in range(len(_PORTS)):
            port = _PORTS[(first + offset) % len(_PORTS)]
            if port not in self._ports and _free("0.0.0.0", port) and _free(host, port):
                self._ports.add(port)
                return port
        raise EnvironmentLacksError(
            f"no free TCP port for a machine in {_PORTS.start}-{_PORTS.stop - 1}",
            "stop other programs or worlds (sim down --all)",
        )


def _free(host: str, port: int) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
        except OSError:
            return False
        return True
