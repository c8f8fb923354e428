"""The runtime that a world's machines have, by its name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from sim import registry
from sim.clock import Clock
from sim.lens.lens import Lens
from sim.lens.lens_trial import tried_program
from sim.machines.docker.site_context import SiteContext
from sim.machines.ports import Ports
from sim.machines.process import ProcessRuntime
from sim.machines.runtime import RuntimeName, WorldRuntime
from sim.secrets import Redactor
from sim.topology.addresses import AddressPlan
from sim.topology.model import Topology


def tried_lens(name: RuntimeName, hosts: Mapping[str, str]) -> Path:
    """The lens's program, known to work in such machines, and so for what is beside them.

    `hosts` are the topology's. Raises EnvironmentLacksError where it does not.
    """
    program = tried_program()
    if in_containers(name):
        from sim.machines.docker.container_lens import tried_in_containers  # noqa: PLC0415 - as below

        for host in (None, *sorted({*hosts.values()})):
            tried_in_containers(host)
    return program


def in_containers(name: RuntimeName) -> bool:
    """Whether it runs machines as containers, so that there is an engine."""
    return name == "docker"


def make_runtime(
    name: RuntimeName,
    topology: Topology,
    plan: AddressPlan,
    clock: Clock,
    folder: Path,
    redact: Redactor,
    *,
    ports: Ports,
    lens: Lens | None,
) -> WorldRuntime:
    """The runtime, not yet open. Containers are named after `folder`, the world's."""
    if not in_containers(name):
        return ProcessRuntime(clock, plan, redact=redact, lens=lens)
    from sim.machines.docker.docker_runtime import DockerRuntime  # noqa: PLC0415 - the SDK takes 0.2 s

    registry.mark_containers(folder, topology.hosts.values())
    context = SiteContext(plan, ports, clock, folder.name, redact, lens)
    return DockerRuntime(topology, context, partial(registry.owe, folder))
