"""Making a network of a world in the engine."""

from __future__ import annotations

from ipaddress import IPv4Network

from docker.types import IPAMConfig, IPAMPool

from sim.docker.engine import WORLD_LABEL, APIError, Engine, said
from sim.errors import EnvironmentLacksError, StartError


async def make(
    engine: Engine, world: str, name: str, subnet: IPv4Network, label: str | None = None
) -> str:
    """Make a bridge of these addresses, in which this host has the first one; its id.

    `label` is one beside the world's. Raises EnvironmentLacksError where the addresses are taken,
    StartError with what the engine said.
    """
    pool = IPAMPool(subnet=str(subnet), gateway=str(subnet[1]))
    try:
        made = await engine.call(
            "create_network",
            f"sim-{world}-{name}",
            driver="bridge",
            ipam=IPAMConfig(pool_configs=[pool]),
            labels={WORLD_LABEL: world, **({label: ""} if label else {})},
        )
    except APIError as error:
        if "overlap" in said(error):
            raise EnvironmentLacksError(
                f"another Docker network has addresses of {subnet}, which {name} needs,"
                f" at {engine.where}",
                "end other worlds (`sim down --all`), whoever has them there, or remove it"
                f" (`docker -H {engine.where} network ls`)",
            ) from error
        raise StartError(f"no network for {name}: {said(error)}") from error
    return str(made["Id"])
