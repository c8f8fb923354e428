"""What a machine is told: its identity, its port, and its environment as Fly sets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sim.machines.app_secrets import AppSecrets
from sim.machines.config import MachineConfig
from sim.machines.names import fly_name
from sim.machines.ports import Ports
from sim.machines.runtime import MachineSpec
from sim.rng import Rng
from sim.topology.addresses import AddressPlan, Endpoint, private_address
from sim.topology.model import Topology

_FLYS_SMALLEST = 256 * 1024**2  # bytes of memory


@dataclass(frozen=True)
class MachineContext:
    """What every machine of a world is given besides the topology.

    `folder` takes the machines' logs. `services` (what they are told of
    services) and `nameservers` are by region.
    `authorities` is the file (PEM) of those that they are to trust, where they need one. Neither
    `services` nor the values of `secrets` are shown.
    """

    world: str
    folder: Path
    secrets: AppSecrets = field(default_factory=AppSecrets, repr=False)
    services: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    nameservers: Mapping[str, str] = field(default_factory=dict)
    authorities: Path | None = None


class SpecBuilder:
    """Builds the specs of a world's machines; a seed always names them the same."""

    def __init__(
        self, topology: Topology, plan: AddressPlan, rng: Rng, machine_context: MachineContext
    ) -> None:
        self._topology = topology
        self._plan = plan
        self._rng = rng
        self._context = machine_context
        self.ports = Ports(plan.slot)
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
            endpoint=Endpoint(host, self.ports.take(host)),
            folder=self._topology.folder / self._topology.gateway.folder,
            log_path=self._context.folder / f"{region}-{number}.log",
            instance_id=version,
            authorities=self._context.authorities,
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
        return {**env, **self._context.services.get(spec.region, {})}

    def release(self, spec: MachineSpec) -> None:
        """The machine of that spec is gone for good: its port may be used again."""
        self.ports.release(spec.endpoint.port)
