"""Which of the worlds that are up a command means."""

from __future__ import annotations

from sim import registry
from sim.errors import InputError
from sim.registry import WorldRecord
from sim.suggestions import suggest


def elsewhere() -> str:
    """What is added where a user has no world and the machine has some, or nothing."""
    from sim import slots  # noqa: PLC0415 - only a message needs it, and commands start at once

    count = slots.taken()
    if not count:
        return ""
    some = "one world" if count == 1 else f"{count} worlds"
    return (
        f" ({some} of this machine cannot be acted on from here: another user's, one with another"
        " $SIM_HOME, a run's, or not up yet)"
    )


def the_world(name: str | None) -> WorldRecord:
    """The world of that id, or the only one there is. Raises InputError."""
    worlds = registry.running()
    if not worlds:
        raise InputError(f"no world is up; bring one up with `sim up TOPOLOGY`{elsewhere()}")
    names = ", ".join(record.id for record in worlds)
    found = [record for record in worlds if name in (None, record.id)]
    if not found:
        raise InputError(f"no world `{name}`{suggest(str(name), [record.id for record in worlds])}")
    if len(found) > 1:
        raise InputError(f"several worlds are up, so name one with --world: {names}")
    return found[0]
