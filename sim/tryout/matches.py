"""Which patterns of a declared driver a message of the gateway matches, and what they take."""

from __future__ import annotations

from collections.abc import Iterator

from sim.clients.declaration import Declaration, Opening, Wait
from sim.clients.reply import Heard, Reply


def patterns(declaration: Declaration) -> Iterator[tuple[str, Reply]]:
    """Everything that a driver listens for, by the key that says it."""
    yield from _of_opening(declaration.opening, "")
    if declaration.resume:
        yield from _of_opening(declaration.resume, "resume.")
    if declaration.forgotten:
        yield "resume.forgotten", declaration.forgotten
    yield "ack", declaration.ack
    if declaration.refused:
        yield "refused", declaration.refused
    if declaration.goodbye:
        yield "goodbye", declaration.goodbye
    for number, (reply, _) in enumerate(declaration.answers):
        yield f"answer[{number}]", reply


def _of_opening(opening: Opening, of: str) -> Iterator[tuple[str, Reply]]:
    for number, step in enumerate(opening.hello):
        if isinstance(step, Wait):
            yield f"{of}hello[{number}].wait", step.reply
    if opening.ready:
        yield f"{of}ready", opening.ready


def matches(declaration: Declaration, said: str | bytes) -> str:
    """What a message is to the driver, in words: `ack (sequence 3)`."""
    found: dict[str, str] = {}
    for key, reply in patterns(declaration):
        values = reply.read(Heard(said))
        if values is not None:
            taken = ", ".join(f"{name} {value}" for name, value in values.items())
            words = f" ({taken})" if taken else ""
            # `resume` repeats what it does not say otherwise: one name for it is enough.
            found.setdefault(f"{key.removeprefix('resume.')}{words}", key)
    return ", ".join(found) or "no pattern of the driver"
