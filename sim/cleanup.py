"""Cleaning up after a world that was killed: its containers, its processes, its folder."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from sim import registry
from sim.errors import EnvironmentLacksError


def clean_up_abandoned() -> None:
    """Clean up after all dead worlds, as far as their engines answer."""
    for folder in registry.abandoned():
        with suppress(EnvironmentLacksError):  # its engine is down: later
            clean_up(folder)


def clean_up(folder: Path) -> str:
    """End all that a dead world has left, and say in words what that was.

    Raises EnvironmentLacksError where it had containers and one of their engines does not answer:
    all else is gone then, and what finds these stays in the folder for a later clean-up.
    """
    found, silent = [], {}
    if engine := registry.engine_of(folder):
        from sim.docker.engine import where  # noqa: PLC0415 - the SDK takes 0.2 s
        from sim.docker.leftovers import remove_all  # noqa: PLC0415 - as above

        count = 0
        for host in (engine["DOCKER_HOST"], *registry.other_engines_of(folder)):
            try:
                count += remove_all(folder.name, host=host)
            except EnvironmentLacksError as error:
                silent[where(host)] = error
        found.append(f"{count} containers and networks")
    found.append(f"{len(registry.reap(folder))} processes")
    registry.owe(folder, *silent)
    registry.remove(folder)
    for lacking in silent.values():
        raise EnvironmentLacksError(
            f"{lacking.lack}; what {folder.name} has there stays",
            f"`sim down` once it answers; if it never will, remove {folder}",
        ) from lacking
    return f"{' and '.join(found)} were left"
