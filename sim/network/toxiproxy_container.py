"""A stock Toxiproxy as a container: started, watched and stopped.

It has this program's own network, so its links listen at the addresses of the world's places and
reach what is there: the host's network, or that of the container in which the simulator is.
"""

from __future__ import annotations

import contextlib
from typing import Any

from docker.types import LogConfig

from sim.clock import Clock
from sim.docker.engine import WORLD_LABEL, APIError, Engine, NotFound, said
from sim.docker.labels import labels
from sim.errors import EnvironmentLacksError, StartError
from sim.network.toxiproxy_remote import POLL_REAL_S, READY_REAL_S, answers
from sim.topology.addresses import Endpoint

_LAST_LINES = 20


class ContainerLinkServer:
    """A container of `image` that serves Toxiproxy's API at `endpoint`, for one world."""

    def __init__(self, image: str, endpoint: Endpoint, clock: Clock, world: str) -> None:
        self.endpoint = endpoint
        self.name = f"sim-{world}-links"
        self._image = image
        self._clock = clock
        self._world = world
        self._engine: Engine | None = None

    def __repr__(self) -> str:
        state = "running" if self._engine else "stopped"
        return f"<ContainerLinkServer {self._image} at {self.url}, {state}>"

    pid: int | None = None

    @property
    def url(self) -> str:
        """The base URL of the API."""
        return f"http://{self.endpoint}"

    async def start(self) -> None:
        """Run the image and wait until its API answers.

        Raises EnvironmentLacksError without an engine or the image, StartError with what the
        engine said or the last that the server printed.
        """
        if await answers(self.url):
            raise StartError(f"a link server is already listening on {self.endpoint}")
        self._engine = engine = Engine()
        try:
            await engine.open()
            await self._run(engine)
            async with self._clock.timeout(READY_REAL_S * self._clock.speed):
                while not await answers(self.url):
                    await self.ping()
                    await self._clock.sleep(POLL_REAL_S * self._clock.speed)
        except TimeoutError:
            lines = await self._last_words(engine)
            await self.stop()
            raise StartError(f"no answer at {self.url}: {lines}") from None
        except BaseException:
            await self.stop()
            raise

    async def _run(self, engine: Engine) -> None:
        try:
            await engine.run(self._create, engine.api, await engine.own_container())
            await engine.call("start", self.name)
        except NotFound as error:
            raise EnvironmentLacksError(
                f"the Docker engine has no image {self._image!r} for the links",
                f"`docker pull {self._image}`, or name another link server in SIM_TOXIPROXY",
            ) from error
        except APIError as error:
            raise StartError(f"cannot run {self._image}: {said(error)}") from error

    def _create(self, api: Any, own_container: str | None) -> None:
        api.create_container(
            self._image,
            name=self.name,
            command=[
                f"-host={self.endpoint.host}",
                f"-port={self.endpoint.port}",
                "-proxy-metrics",
            ],
            labels=labels(api, self._image, {WORLD_LABEL: self._world}),
            host_config=api.create_host_config(
                network_mode=f"container:{own_container}" if own_container else "host",
                log_config=LogConfig(type="json-file", config={"max-size": "20m"}),
            ),
        )

    async def ping(self) -> None:
        """Raises StartError, with its last lines, where it has ended."""
        if self._engine is None:
            raise StartError(f"{self.name} is stopped")
        try:
            found = await self._engine.call("inspect_container", self.name)
        except NotFound as error:
            raise StartError(f"somebody removed the container {self.name}") from error
        state = found["State"]
        if state["Paused"]:
            raise StartError(f"somebody paused the container {self.name}")
        if not state["Running"]:
            raise StartError(await self._last_words(self._engine))

    async def stop(self) -> None:
        """Remove it. Safe to call again."""
        engine, self._engine = self._engine, None
        if engine is None:
            return
        await engine.settle()
        try:
            if engine.api:
                with contextlib.suppress(APIError, StartError):  # it or the engine is gone
                    await engine.call("remove_container", self.name, force=True, v=True)
        finally:
            await engine.close()

    async def _last_words(self, engine: Engine) -> str:
        said_last = b""
        with contextlib.suppress(APIError, StartError):
            said_last = await engine.call("logs", self.name, tail=_LAST_LINES)
        lines = said_last.decode("utf-8", "replace").split("\n") if said_last else ["(nothing)"]
        text = "\n  ".join(lines).rstrip()
        return f"the container {self.name} ended; the last it printed:\n  {text}"
