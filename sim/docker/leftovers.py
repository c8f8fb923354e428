"""Removing what a world had in the engine, known by its label. Blocking; for ends and clean-ups."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from docker.errors import APIError

from sim.docker.engine import WORLD_LABEL, connect

_AT_ONCE = 8


def remove_all(
    world: str, api: Any = None, host: str | None = None, *, label: str | None = None
) -> int:
    """Remove the containers, networks and volumes with that world's label; says how many.

    With `label`, only what has that too. `api` is a client of the engine; without one, the engine
    at `host` is connected to. Raises EnvironmentLacksError where no engine answers.
    """
    client = api or connect(host=host)
    try:
        chosen = {"label": [f"{WORLD_LABEL}={world}", *([label] if label else [])]}
        containers = client.containers(all=True, filters=chosen)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda found: drop_container(client, found["Id"]), containers))
            networks = client.networks(filters=chosen)
            list(pool.map(lambda found: drop_network(client, found["Id"]), networks))
        return len(containers) + len(networks)
    finally:
        if client is not api:
            client.close()


def drop_container(client: Any, container: str) -> None:
    """Remove a container, running or not."""
    with contextlib.suppress(APIError):  # somebody was quicker
        client.remove_container(container, force=True, v=True)


def drop_network(client: Any, network: str) -> None:
    """Remove a network, whoever is in it."""
    with contextlib.suppress(APIError):
        # The simulator's own container, or whoever was connected by hand, keeps a network in use.
        for member in client.inspect_network(network).get("Containers") or {}:
            client.disconnect_container_from_network(member, network, force=True)
        client.remove_network(network)
