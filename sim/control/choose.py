"""Which of the worlds that are up a command means."""

from __future__ import annotations

from sim import registry
from sim.errors import InputError
from sim.registry import WorldRecord


def the_world(name: str | None) -> WorldRecord:
    """The world of that id, or the only one there is. Raises InputError."""
    worlds = registry.running()
    if not worlds:
        raise InputError("no world is up; bring one up with `sim up TOPOLOGY`")
    names = ", ".join(record.id for record in worlds)
    found = [record for record in worlds if name in (None, record.id)]
    if not found:
        raise InputError(f"no world {name!r}; there are: {names}")
    if len(found) > 1:
        raise InputError(f"several worlds are up, so name one with --world: {names}")
    return found[0]
