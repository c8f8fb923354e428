"""Cleaning up after a world that was killed: its containers first, then processes and folder."""

from __future__ import annotations

from pathlib import Path

from sim import registry


def clean_up(folder: Path) -> str:
    """End all that a dead world has left, and say in words what that was.

    Raises EnvironmentLacksError where it had containers and one of their engines does not answer;
    the folder stays then, so that a later clean-up finds them.
    """
    found = []
    if engine := registry.engine_of(folder):
        from sim.docker.leftovers import remove_all  # noqa: PLC0415 - the SDK takes 0.2 s

        hosts = [engine["DOCKER_HOST"], *registry.other_engines_of(folder)]
        count = sum(remove_all(folder.name, host=host) for host in hosts)
        found.append(f"{count} containers and networks")
    ended = registry.reap(folder)
    found.append(f"{len(ended)} processes")
    return f"{' and '.join(found)} were left"
