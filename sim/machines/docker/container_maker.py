"""What a machine's container is made of, as the engine is asked for it."""

from __future__ import annotations

from pathlib import Path

from docker.types import LogConfig

from sim import trust
from sim.docker.engine import WORLD_LABEL, Engine
from sim.docker.labels import labels
from sim.lens.lens import Lens
from sim.machines.docker import container_lens
from sim.machines.docker.archive import packed
from sim.machines.docker.container_nameservers import nameservers
from sim.machines.docker.reach import Reach
from sim.machines.docker.region_networks import Networks
from sim.machines.own_names import OWN_NAME
from sim.machines.runtime import MachineSpec
from sim.topology.addresses import container_host, private_address

_AUTHORITIES = Path("/sim-authorities.pem")


class ContainerMaker:
    """Makes the containers of a world, that of each machine in its region's network."""

    def __init__(
        self, engine: Engine, networks: Networks, reach: Reach, world: str, lens: Lens | None
    ) -> None:
        self._engine = engine
        self._networks = networks
        self._reach = reach
        self._world = world
        self._lens = lens
        self._archive = container_lens.archive(lens.program) if lens else b""

    def make(self, name: str, spec: MachineSpec) -> str:
        """A machine's container, not yet started; its id. Blocks. Raises APIError."""
        api = self._engine.api
        address = container_host(spec.endpoint.host)
        host = api.create_host_config(
            network_mode=self._networks.name(spec.region),
            port_bindings={f"{spec.port}/tcp": at} if (at := self._reach.published(spec)) else None,
            # As on Fly, the first process is an init: it passes signals on, and reaps.
            init=True,
            mem_limit=spec.memory_bytes,
            memswap_limit=spec.memory_bytes,
            nano_cpus=int(spec.cpus * 1e9) if spec.cpus else None,
            dns=nameservers(spec.env.get("SIM_NAMESERVER")),
            extra_hosts={OWN_NAME: private_address(address)},
            log_config=LogConfig(type="json-file", config={"max-size": "20m"}),
        )
        network = api.create_endpoint_config(ipv4_address=address)
        command, entrypoint = spec.command, spec.entrypoint
        if self._lens:
            command, entrypoint = None, tuple(container_lens.entrypoint(api, self._lens, spec))
        own = {WORLD_LABEL: self._world, "sim.region": spec.region, "sim.machine": spec.id}
        made = api.create_container(
            spec.image,
            command=list(command) if command else None,
            entrypoint=list(entrypoint) if entrypoint else None,
            name=name,
            hostname=spec.id,
            environment=_environment(spec),
            labels=labels(api, spec.image, own),
            ports=[(spec.port, "tcp")],
            host_config=host,
            networking_config=api.create_networking_config(
                {self._networks.name(spec.region): network}
            ),
        )
        container = str(made["Id"])
        if self._lens:
            api.put_archive(container, "/", self._archive)
        if spec.authorities:
            api.put_archive(
                container, "/", packed({_AUTHORITIES: (spec.authorities.read_bytes(), 0o644)})
            )
        return container


def _environment(spec: MachineSpec) -> dict[str, str]:
    """What Fly sets: the port inside, and an address of its own. HOST is the process runtime's."""
    env = {name: value for name, value in spec.env.items() if name != "HOST"}
    if spec.authorities:
        env = {**trust.trusting(_AUTHORITIES), **env}
    own = private_address(container_host(spec.endpoint.host))
    return {**env, "PORT": str(spec.port), "FLY_PRIVATE_IP": own}
