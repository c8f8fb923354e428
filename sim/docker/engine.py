"""The Docker engine: the SDK's blocking calls in threads, and its errors in the user's words."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, NotFound

from sim.errors import EnvironmentLacksError, StartError

WORLD_LABEL = "sim.world"
CLIENT_LABEL = "sim.client"  # on what is a client's, beside the world's
_THREADS = 16
_IN_A_CONTAINER = Path("/.dockerenv").exists()
_CALL_REAL_S = 60.0
_NOT_ROOTLESS = (
    "its containers' addresses are out of this host's reach: use an engine that runs as root, or"
    " --runtime process"
)

__all__ = ["WORLD_LABEL", "APIError", "Engine", "NotFound"]


def where(host: str | None = None) -> str:
    """Where an engine is looked for: there, else at $DOCKER_HOST, else at Docker's own socket."""
    return host or os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"


def connect(timeout_s: float | None = _CALL_REAL_S, host: str | None = None) -> docker.APIClient:
    """A client of the engine, which answered. Raises EnvironmentLacksError, with the remedy."""
    try:
        environment = {**os.environ, **({"DOCKER_HOST": host} if host else {})}
        settings = docker.utils.kwargs_from_env(environment=environment)
        return docker.APIClient(
            **settings,
            version="auto",
            timeout=timeout_s,
            max_pool_size=2 * _THREADS,
            # The program `ssh`, with whatever its user has set up for that host.
            use_ssh_client=where(host).startswith("ssh://"),
        )
    except (DockerException, requests.RequestException, OSError) as error:
        raise _unreachable_host(host, error) if host else _unreachable(error) from error


def _unreachable_host(host: str, error: Exception) -> EnvironmentLacksError:
    last = str(error).strip().splitlines()[-1:] or [type(error).__name__]
    how = f"`docker -H {host} version` must answer here"
    return EnvironmentLacksError(
        f"no Docker engine answers at {host}: {last[0]}",
        f"{how}: start it, correct `hosts` in the topology, or leave the region out of it",
    )


def _unreachable(error: Exception) -> EnvironmentLacksError:
    text = str(error)
    if "Permission denied" in text:
        return EnvironmentLacksError(
            f"no permission to use the Docker engine at {where()}",
            "become a member of the group docker (`sudo usermod -aG docker $USER`, then log in"
            " again), run as root, or use --runtime process",
        )
    if (rootless := _rootless_socket()) and not os.environ.get("DOCKER_HOST"):
        return EnvironmentLacksError(
            f"no Docker engine answers at {where()}; there is a rootless one at {rootless}",
            _NOT_ROOTLESS,
        )
    return EnvironmentLacksError(
        f"no Docker engine answers at {where()}",
        "start it (`sudo systemctl start docker`, or Docker Desktop), set DOCKER_HOST to where it"
        " is, or use --runtime process",
    )


def _rootless_socket() -> Path | None:
    """Where a rootless engine of this user listens, if there is one."""
    folder = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    path = Path(folder) / "docker.sock"
    return path if path.exists() else None


def demand_root(client: docker.APIClient) -> None:
    """Raises EnvironmentLacksError where the engine is rootless."""
    options = client.info().get("SecurityOptions") or []
    if any("rootless" in option for option in options):
        raise EnvironmentLacksError(f"the Docker engine at {where()} is rootless", _NOT_ROOTLESS)


class Engine:
    """One connection to an engine, of `host` or this one's own.

    Each call runs in a thread; the loop never waits for Docker.
    """

    def __init__(self, host: str | None = None) -> None:
        self._host = host
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="docker")
        self._under_way: set[asyncio.Future[Any]] = set()
        self._api: docker.APIClient | None = None
        self._streams: docker.APIClient | None = None

    def __repr__(self) -> str:
        return f"<Engine {self.where}>"

    @property
    def where(self) -> str:
        """Its address."""
        return where(self._host)

    async def open(self) -> None:
        """Connect. Raises EnvironmentLacksError where no engine answers."""
        loop = asyncio.get_running_loop()
        self._api, self._streams = await asyncio.gather(
            loop.run_in_executor(self._pool, connect, _CALL_REAL_S, self._host),
            loop.run_in_executor(self._pool, connect, None, self._host),
        )

    @property
    def api(self) -> Any:
        """The SDK's low-level client, for `call`."""
        return self._api

    @property
    def streams(self) -> Any:
        """A client whose reads wait for ever, for threads that follow something."""
        return self._streams

    async def call(self, method: str, *args: Any, **options: Any) -> Any:
        """A method of the SDK's client. Raises APIError; StartError where the engine is gone."""
        return await self.run(getattr(self._api, method), *args, **options)

    async def run(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """A blocking function, in a thread. The errors are `call`'s."""
        loop = asyncio.get_running_loop()
        call = loop.run_in_executor(self._pool, partial(function, *args, **options))
        self._under_way.add(call)
        call.add_done_callback(self._under_way.discard)
        try:
            return await asyncio.shield(call)
        except APIError:
            raise
        except requests.RequestException as error:
            raise StartError(
                f"the Docker engine at {self.where} does not answer: {error}"
            ) from error

    async def own_container(self) -> str | None:
        """The container of this very engine that this program is in, or None."""
        if not _IN_A_CONTAINER:
            return None
        try:
            await self.call("inspect_container", socket.gethostname())
        except APIError:
            return None
        return socket.gethostname()

    async def settle(self) -> None:
        """Wait for calls that were cancelled: their threads go on, and may still make something."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def close(self) -> None:
        """Drop the connections; threads that still wait for the engine are not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for client in (self._api, self._streams):
            if client:
                client.close()


def said(error: APIError) -> str:
    """What the engine said, without the HTTP around it."""
    return str(error.explanation or error).strip()
