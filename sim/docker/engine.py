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
import urllib3
from docker.errors import APIError, DockerException, InvalidVersion, NotFound

from sim.docker import remote
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

BROKEN = (requests.RequestException, urllib3.exceptions.HTTPError)
"""How a call, or the reading of a stream, ends where the engine or the way to it does."""

__all__ = ["BROKEN", "WORLD_LABEL", "APIError", "Engine", "NotFound"]


def where(host: str | None = None) -> str:
    """Where an engine is looked for: there, else at $DOCKER_HOST, else at Docker's own socket."""
    return host or os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"


def connect(timeout_s: float | None = _CALL_REAL_S, host: str | None = None) -> docker.APIClient:
    """A client of the engine, which answered. Raises EnvironmentLacksError, with the remedy."""
    url, connections = where(host), 2 * _THREADS
    try:
        if url.startswith(("ssh://", "tcp://")):
            return remote.client(url, timeout_s, connections)
        return docker.APIClient(
            base_url=url, version="auto", timeout=timeout_s, max_pool_size=connections
        )
    except InvalidVersion as error:
        raise EnvironmentLacksError(
            f"the Docker engine at {url} is too old: {error}", "upgrade it, or name another one"
        ) from error
    except (DockerException, requests.RequestException, OSError) as error:
        raise _unreachable_host(host, error) if host else _unreachable(error) from error


def _unreachable_host(host: str, error: Exception) -> EnvironmentLacksError:
    how = f"`docker -H {host} version` must answer here"
    return EnvironmentLacksError(
        f"no Docker engine answers at {host}: {_last_of(error)}",
        f"{how}: start it, correct `hosts` in the topology, or leave the region out of it",
    )


def _last_of(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__


def _unreachable(error: Exception) -> EnvironmentLacksError:
    if where().startswith("ssh://"):
        return EnvironmentLacksError(
            f"no Docker engine answers at {where()}: {_last_of(error)}",
            f"`docker -H {where()} version` must answer here: start it, correct DOCKER_HOST, or use"
            " --runtime process",
        )
    if "Permission denied" in str(error):
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
        self.settling = False
        self._gone: asyncio.Future[None]  # from `open` on, what ends every wait

    def __repr__(self) -> str:
        return f"<Engine {self.where}>"

    @property
    def where(self) -> str:
        """Its address."""
        return where(self._host)

    async def open(self) -> None:
        """Connect. Raises EnvironmentLacksError where no engine answers."""
        loop = asyncio.get_running_loop()
        self._gone = loop.create_future()
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
        call.add_done_callback(self._ended)
        await asyncio.wait((call, self._gone), return_when=asyncio.FIRST_COMPLETED)
        if not call.done():
            raise StartError(f"the Docker engine at {self.where} is gone")
        try:
            return call.result()
        except APIError:
            raise
        except BROKEN as error:
            raise StartError(
                f"the Docker engine at {self.where} does not answer: {error}"
            ) from error

    def _ended(self, call: asyncio.Future[Any]) -> None:
        self._under_way.discard(call)
        if not call.cancelled():
            call.exception()  # nobody may wait for it any more

    def give_up(self) -> None:
        """Tell whoever waits for an answer now that the engine is gone; it may be asked again."""
        self._gone.set_result(None)
        self._gone = asyncio.get_running_loop().create_future()

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
        """Wait for calls that were cancelled: their threads go on, and may still make something.

        What takes long looks whether it is `settling`, and ends then.
        """
        self.settling = True
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
