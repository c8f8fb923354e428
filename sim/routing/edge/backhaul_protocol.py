"""What an edge and the far end of a backhaul link say to each other before HTTP begins. Pure.

The edge names a machine in one line and goes on with the request at once, as over a connection
that stands; the worker answers with one line before the machine's own bytes. A refusal means that
the machine has seen nothing, so that the edge may try elsewhere.
"""

from __future__ import annotations

PING = b"PING\n"  # links measure their round trip by it
YES = b"+\n"
_MACHINE = b"MACHINE "
LONGEST = 256


def to_machine(machine: str) -> bytes:
    """The line that asks for a machine."""
    return _MACHINE + machine.encode("ascii") + b"\n"


def machine_in(line: bytes) -> str | None:
    """The machine that a line (with its end) asks for; None where it asks for none."""
    if not line.startswith(_MACHINE):
        return None
    return line.removeprefix(_MACHINE).rstrip(b"\n").decode("ascii", "replace")


def no(reason: str) -> bytes:
    """The line that refuses, with Fly's code for the reason, as in `PR02: …`."""
    return b"-" + reason.encode("ascii", "replace") + b"\n"


def refusal_in(line: bytes) -> str | None:
    """Why a worker refused; None where it did not."""
    return None if line == YES else line[1:].rstrip(b"\n").decode("ascii", "replace")
