"""The machines' image: found in the engine, or built there from the user's folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docker.errors import BuildError, DockerException

from sim.docker.engine import Engine, NotFound
from sim.errors import EnvironmentLacksError, InputError, Problem, StartError
from sim.topology.model import Build, Topology

_LAST_LINES = 20


async def provide(engine: Engine, topology: Topology) -> dict[str, Any]:
    """The image's description, after building it if the topology says how.

    It is built each time: the engine's cache makes that quick, and what is tested is never older
    than its source. Nothing is pulled: a run must not depend on a network.
    """
    gateway = topology.gateway
    if not gateway.image and not gateway.build:
        message = (
            "has no image: the docker runtime needs `image: NAME` or `build: FOLDER`"
            " (or use --runtime process)"
        )
        file = str(topology.path) if topology.path else None
        raise InputError(Problem(message, file, field="gateway"))
    if gateway.build:
        await engine.run(_build, engine, topology.folder, gateway.build, topology.image)
    try:
        found: dict[str, Any] = await engine.call("inspect_image", topology.image)
    except NotFound as error:
        raise EnvironmentLacksError(
            f"the Docker engine has no image {topology.image!r}",
            f"`docker pull {topology.image}`, `docker build -t {topology.image} FOLDER`, or name"
            " the folder in gateway.build",
        ) from error
    return found


async def bring(home: Engine, there: Engine, image: str) -> None:
    """Give another engine the image that this host's has: saved here, and loaded there.

    Nothing is done where they have the same, or this host's has none. Raises APIError, StartError.
    """
    ours, theirs = await _id(home, image), await _id(there, image)
    if ours not in (None, theirs):
        await there.run(_copy, home, there, image)


async def _id(engine: Engine, image: str) -> str | None:
    try:
        return str((await engine.call("inspect_image", image))["Id"])
    except NotFound:
        return None


def _copy(home: Engine, there: Engine, image: str) -> None:
    for told in there.streams.load_image(_saved(home, there, image)):
        if problem := told.get("error"):
            raise StartError(f"{image} cannot be copied to {there.where}: {problem}")


def _saved(home: Engine, there: Engine, image: str) -> Iterator[bytes]:
    for part in home.streams.get_image(image):
        if there.settling:
            raise StartError(f"{image} was not copied to {there.where}: the world ends")
        yield part


async def has(engine: Engine, image: str) -> bool:
    """Whether the engine has an image of that name."""
    try:
        await engine.call("inspect_image", image)
    except NotFound:
        return False
    return True


def _build(engine: Engine, folder: Path, build: Build, tag: str) -> None:
    context = folder / build.context
    if not (context / build.dockerfile).is_file():
        raise InputError(f"gateway.build: there is no file {context / build.dockerfile}")
    lines: list[str] = []
    try:
        for message in engine.streams.build(
            path=str(context),
            dockerfile=build.dockerfile,
            buildargs=dict(build.args),
            tag=tag,
            rm=True,
            decode=True,
        ):
            lines += str(message.get("stream", "")).rstrip().splitlines()
            if "error" in message:
                raise BuildError(message["error"], [])
    except (DockerException, OSError) as error:
        shown = "\n  ".join(lines[-_LAST_LINES:])
        raise StartError(f"building {tag} from {context} failed: {error}\n  {shown}") from error
