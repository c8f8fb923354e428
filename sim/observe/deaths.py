"""The machines that died by themselves in a run. Pure.

Fly lets a gateway put its machine to sleep by exiting with code 0 while nobody is connected, where
a request wakes it again: that is no death.
"""

from __future__ import annotations

import signal as signals
from collections.abc import Iterator
from dataclasses import dataclass

from sim.observe.events import MachineDied
from sim.observe.history import History, Timed
from sim.topology.model import Topology

# An end may reach a client before the simulator notices it. Real seconds: sockets are.
_NOTICED_REAL_S = 1.0


@dataclass(frozen=True)
class Death:
    """One death. `by_hand`: killed by a SIGKILL that neither it nor the simulator sends.

    That is this host's out-of-memory killer, or a person, and says nothing of the gateway.
    """

    at_s: float
    machine: str
    region: str
    end: str
    last_lines: tuple[str, ...]
    error_line: str
    by_hand: bool

    def __str__(self) -> str:
        words = f"machine {self.machine} of {self.region} {self.end} at {self.at_s:.1f} s"
        return f"{words}: {self.error_line}" if self.error_line else words


def find_deaths(history: History, topology: Topology) -> list[Death]:
    """Every death until the run's end, in order."""
    wakes = topology.routing.mode == "anycast" and topology.gateway.auto_start
    return [
        Death(
            t,
            died.machine,
            died.region,
            died.end,
            died.last_lines,
            died.error_line,
            by_hand=died.signal == signals.SIGKILL and not died.oom,
        )
        for t, died in _until_the_end(history)
        if not (wakes and died.code == 0 and not _in_use(history, died.machine, t))
    ]


def _until_the_end(history: History) -> Iterator[Timed[MachineDied]]:
    return ((t, died) for t, died in history.of(MachineDied) if t <= history.end)


def _in_use(history: History, machine: str, t: float) -> bool:
    """Whether a client was connected to a machine at an instant, or a moment before it."""
    since = t - _NOTICED_REAL_S * history.speed
    return any(
        began <= t
        and up.machine == machine
        and not any(began <= ended < since for ended, _ in history.disconnected.get(client, ()))
        for client, ups in history.connected.items()
        for began, up in ups
    )
