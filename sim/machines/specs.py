"""What a machine is told: its identity, its port, and its environment as Fly sets it."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sim.errors import EnvironmentLacksError
from sim.machines.app_secrets import AppSecrets
from sim.machines.config import MachineConfig
from sim.machines.names import fly_name
from sim.machines.runtime import MachineSpec
from sim.rng import Rng
from sim.topology.addresses import SLOTS, AddressPlan, Endpoint, private_address
from sim.topology.model import Topology

# Below the ephemeral range (32768 on), so that no outgoing connection holds one of these.
_PORTS = range(18000, 32000)
_FLYS_SMALLEST = 256 * 1024**2  # bytes of memory
_PORTS_PER_SLOT = len(_PORTS) // len(SLOTS)


@dataclass(frozen=True)
class MachineContext:
    """What every machine of a world is given besides the topology.

    `folder` takes the machines' logs. `database_urls` and `nameservers` are by region.
    Neither they nor the values of `secrets` are shown.
    """

    world: str
    folder: Path
    secrets: AppSecrets = field(default_factory=AppSecrets, repr=False)
    database_urls: Mapping[str, str] = field(default_factory=dict, repr=False)
    nameservers: Mapping[str, str] = field(default_factory=dict)


class SpecBuilder:
    """Builds the specs of a world's machines; a seed always names them the same."""

    def __init__(
        self, topology: Topology, plan: AddressPlan, rng: Rng, machine_context: MachineContext
    ) -> None:
        self._topology = topology
        self._plan = plan
        self._rng = rng
        self._context = machine_context
        self._ports: set[int] = set()
        self._made: dict[str, int] = {}  # machines so far, by the place they have

    @property
    def secrets(self) -> AppSecrets:
        """The app's secrets, which machines get when they boot."""
        return self._context.secrets

    def build(self, region: str, number: int, config: MachineConfig) -> MachineSpec:
        """The spec of the region's n-th machine, counted from 1.

        A machine that takes the place of a destroyed one has an id of its own.
        """
        draws = self._draws(region, number)
        machine_id = draws.hex_id()
        version = self._version(draws)
        host = self._plan.machine(region, number - 1)
        spec = MachineSpec(
            id=machine_id,
            region=region,
            command=None,
            image=None,
            env={},
            endpoint=Endpoint(host, self._port(host)),
            folder=self._topology.folder / self._topology.gateway.folder,
            log_path=self._context.folder / f"{region}-{number}.log",
            instance_id=version,
        )
        return self.renewed(spec, config)

    def renewed(self, spec: MachineSpec, config: MachineConfig) -> MachineSpec:
        """The same version of a machine, as it is told at a start: with the secrets of now."""
        return replace(
            spec,
            entrypoint=config.entrypoint,
            command=config.command,
            image=config.image,
            env=self._environment(spec, config),
            port=config.port,
            memory_bytes=config.memory_bytes,
            cpus=config.cpus,
        )

    def next_version(self, spec: MachineSpec, config: MachineConfig) -> MachineSpec:
        """The next version of a machine: the same place, another instance id."""
        draws = self._rng.fork(f"version/{spec.instance_id}")
        return self.renewed(replace(spec, instance_id=self._version(draws)), config)

    def name_for(self, spec: MachineSpec) -> str:
        """The machine's name, in Fly's manner."""
        return fly_name(self._rng.fork(f"name/{spec.id}"))

    def _draws(self, region: str, number: int) -> Rng:
        """The chance of the machine that is made next at that place."""
        name = f"machine/{region}/{number}"
        made = self._made[name] = self._made.get(name, 0) + 1
        return self._rng.fork(name if made == 1 else f"{name}/{made}")

    def _version(self, draws: Rng) -> str:
        """A ULID, Fly's kind of instance id; its time is drawn as well."""
        return f"01{draws.hex_id(24).upper()}"

    def _environment(self, spec: MachineSpec, config: MachineConfig) -> dict[str, str]:
        env = {
            **config.env,
            **self.secrets,
            "PORT": str(spec.endpoint.port),
            "HOST": spec.endpoint.host,
            "FLY_APP_NAME": self._topology.app,
            "FLY_MACHINE_ID": spec.id,
            "FLY_ALLOC_ID": spec.id,
            "FLY_REGION": spec.region,
            "FLY_MACHINE_VERSION": spec.instance_id,
            "FLY_PRIVATE_IP": private_address(spec.endpoint.host),
            "FLY_PROCESS_GROUP": config.process_group,
            "FLY_IMAGE_REF": config.image or self._topology.image,
            "FLY_VM_MEMORY_MB": str((config.memory_bytes or _FLYS_SMALLEST) >> 20),
            "PRIMARY_REGION": self._topology.primary.code,
            "SIM_WORLD": self._context.world,
        }
        if spec.region in self._context.nameservers:
            env["SIM_NAMESERVER"] = self._context.nameservers[spec.region]
        if spec.region in self._context.database_urls:
            env["DATABASE_URL"] = self._context.database_urls[spec.region]
        return env

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
