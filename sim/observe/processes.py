"""Which process a connection led to, and how long that lived. Pure.

A machine's process lives from one `started` of its machine to the next other state. A connection
to it cannot outlive it, however late its end is noticed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from sim.observe.events import Disconnected
from sim.observe.history import History


@dataclass(frozen=True)
class Connection:
    """A connection that has ended: when it stood, and how it ended."""

    since_s: float
    until_s: float
    down: Disconnected


def connections(history: History) -> Iterator[Connection]:
    """Every connection that has ended, in the order of the ends."""
    begun = {client: [t for t, up in ups] for client, ups in history.connected.items()}
    for t, down in history.of(Disconnected):
        until_s = t - down.told_after_s
        before = begun.get(down.client, [])
        index = bisect_right(before, until_s)
        yield Connection(before[index - 1] if index else float("-inf"), until_s, down)


def process_end(history: History, machine: str, since_s: float) -> float | None:
    """When the process that a machine ran at an instant began to end, or None: it did not."""
    return _first(history, machine, since_s, started=False)


def asked_to_end(history: History, machine: str, instant: float) -> float | None:
    """When the process that a machine ran at an instant began to end: before it, if it drained."""
    changes = history.machine_changes.get(machine, ())
    before = next((change for change in reversed(changes) if change[0] <= instant), None)
    if before and before[1].state != "started":
        return before[0]
    return process_end(history, machine, instant)


def next_process(history: History, machine: str, since_s: float) -> float | None:
    """When a machine next ran another process after an instant, or None: it did not."""
    return _first(history, machine, since_s, started=True)


def _first(history: History, machine: str, since_s: float, *, started: bool) -> float | None:
    return next(
        (
            t
            for t, change in history.machine_changes.get(machine, ())
            if t > since_s and (change.state == "started") is started
        ),
        None,
    )
