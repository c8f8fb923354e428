"""Which server carries a world's links, and what every one of them can be asked.

`SIM_TOXIPROXY` names a stock Toxiproxy: the URL of one that runs, `docker:IMAGE` for a container of
that image, or else the path of a binary. Unset, it is `toxiproxy-server` on PATH; else, where the
machines are containers, an image called `shopify/toxiproxy` that the engine has. Without any of
these the embedded server carries the links. A binary called `server`, as `go install` makes it, is
never guessed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sim import registry
from sim.clock import Clock
from sim.errors import EnvironmentLacksError
from sim.network.embedded.embedded_server import EmbeddedLinkServer
from sim.network.links import Links
from sim.network.toxiproxy_process import RealLinkServer
from sim.network.toxiproxy_remote import RemoteLinkServer
from sim.rng import Rng
from sim.topology.addresses import Endpoint

VARIABLE = "SIM_TOXIPROXY"
COMMAND = "toxiproxy-server"
IMAGE = "shopify/toxiproxy"
_OF_AN_IMAGE = "docker:"
_LOG = "link-server.log"  # in the folder of the world


class LinkServer(Protocol):
    """A server of Toxiproxy's API, ours or not."""

    @property
    def url(self) -> str:
        """The base URL of its API."""

    @property
    def pid(self) -> int | None:
        """Its process among this host's, where it has one of its own and that is known."""

    async def start(self) -> None:
        """Have it answer. Raises EnvironmentLacksError or StartError, with its last words."""

    async def ping(self) -> None:
        """Raises StartError, with its last words, where it is known to have ended."""

    async def stop(self) -> None:
        """End it, unless it is somebody else's. Safe to call again, or before `start`."""


@dataclass(frozen=True)
class Stock:
    """A stock Toxiproxy: a binary to start, the URL of one that runs, or an image to run."""

    binary: str | None = None
    url: str | None = None
    image: str | None = None

    def __str__(self) -> str:
        return f"a container of {self.image}" if self.image else str(self.binary or self.url)


def find(environment: Mapping[str, str] = os.environ, *, containers: bool = False) -> Stock | None:
    """The stock server that a world here uses, or None for the embedded one.

    `containers`: the world's machines are containers, so an image will do. Raises
    EnvironmentLacksError where the variable names nothing.
    """
    named = environment.get(VARIABLE, "")
    if named.startswith(("http://", "https://")):
        return Stock(url=named)
    if named.startswith(_OF_AN_IMAGE):
        return Stock(image=named.removeprefix(_OF_AN_IMAGE))
    if binary := shutil.which(named or COMMAND, path=environment.get("PATH")):
        return Stock(binary=binary)
    if named:
        raise EnvironmentLacksError(
            f"{VARIABLE} names {named!r}, which is neither a program nor an http URL",
            f"set {VARIABLE} to the path of toxiproxy-server, to its URL, or to docker:IMAGE, or"
            " unset it",
        )
    if not containers:
        return None
    from sim.docker.images import newest  # noqa: PLC0415 - the SDK takes 0.2 s

    image = newest(IMAGE)
    return Stock(image=image) if image else None


def make(
    stock: Stock | None, endpoint: Endpoint, clock: Clock, rng: Rng, world: Path
) -> LinkServer:
    """The server to start at `endpoint`; `world` is the folder of the world that it belongs to."""
    if stock is None:
        return EmbeddedLinkServer(endpoint, clock, rng)
    if stock.image:
        from sim.network.toxiproxy_container import ContainerLinkServer  # noqa: PLC0415 - as above

        registry.mark_containers(world)
        return ContainerLinkServer(stock.image, endpoint, clock, world.name)
    if stock.binary:
        mark = {registry.ENVIRONMENT_KEY: world.name}
        return RealLinkServer(stock.binary, endpoint, clock, world / _LOG, mark)
    return RemoteLinkServer(str(stock.url), clock, f"correct {VARIABLE}, or unset it")


async def ping(server: LinkServer, links: Links) -> None:
    """Raises what is wrong with it or with one of its links."""
    await server.ping()  # which may know more than that nobody answers
    await links.ping()


async def revive(server: LinkServer, links: Links) -> None:
    """Start it again (unless it is somebody else's), and put every link back on it."""
    await server.stop()
    await server.start()
    await links.renew()
