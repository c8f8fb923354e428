"""How machines took the signal that stops them: who drained, who did not, who was killed. Pure.

A connection was open if it was there when its machine was asked to end, and broke instead of being
closed: no close frame came, nor a goodbye. A machine that left none drained. Requests without a
WebSocket are not looked at: an idle connection of theirs may be dropped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sim.observe.deploys import DeployRun
from sim.observe.events import Disconnected, MachineStopped
from sim.observe.history import History
from sim.observe.processes import connections

Outcome = Literal["drained", "undrained", "killed"]

# What a simulator's own end does to its machines is nobody's question.
WORLD_ENDED = "the world ended"
_NO_CLOSE_FRAME = 1006  # RFC 6455, 7.4.1
_BROKEN = ("the connection ended without a close frame", "the connection broke")


@dataclass(frozen=True)
class Stop:
    """One machine that was stopped, at `at_s`, with so many connections `open` when it ended.

    `release` is the deploy's that stopped it, None where none did.
    """

    at_s: float
    event: MachineStopped
    open: int
    release: int | None = None

    @property
    def outcome(self) -> Outcome:
        """What became of its drain."""
        if self.event.killed:
            return "killed"
        return "undrained" if self.open or _default_action(self.event) else "drained"


def find_stops(history: History, deploys: Sequence[DeployRun]) -> list[Stop]:
    """Every stop of a run that ended within it, in order."""
    return [
        Stop(
            at_s=ended_s - event.took_s,
            event=event,
            open=_open(history, event, ended_s),
            release=_release(deploys, event, ended_s - event.took_s),
        )
        for ended_s, event in history.of(MachineStopped)
        if event.why != WORLD_ENDED
    ]


def in_words(event: MachineStopped, own_speed: float, still_open: int | None = None) -> str:
    """How a machine took its signal. `still_open`: connections then, where that is known.

    Where its own seconds last longer than simulated ones (`own_speed`), they are told as well.
    """
    left = "" if still_open is None else f"with {_connections(still_open)}"
    if event.killed:
        given = f"{_span(event.given_s)} after {event.signal}{_real(event.given_s, own_speed)}"
        return f"killed {given}{left and f' {left}'}{_deaf(event)}"
    left = left and f", {left}"
    if event.end_signal == event.signal and (still_open or _default_action(event)):
        return f"ended by {event.signal} without draining{left}{_handlers(event)}"
    real = _real(event.took_s, own_speed)
    if still_open:
        return f"ended within {_span(event.took_s)} of {event.signal}{real}{left} ({event.end})"
    return f"ended {_span(event.took_s)} after {event.signal}{real}{left} ({event.end})"


def _open(history: History, event: MachineStopped, ended_s: float) -> int:
    """How many connections were open: the machine had them when it was asked, and they broke."""
    asked_s = ended_s - event.took_s
    return sum(
        found.down.machine == event.machine
        and found.since_s <= ended_s
        and found.until_s >= asked_s
        and _broke(found.down)
        for found in connections(history)
    )


def _broke(down: Disconnected) -> bool:
    """Whether a WebSocket ended without a close frame. Older journals say it in words only."""
    return down.code == _NO_CLOSE_FRAME or (not down.how and down.reason.startswith(_BROKEN))


def _release(deploys: Sequence[DeployRun], event: MachineStopped, asked_s: float) -> int | None:
    for deploy in deploys:
        over_s = math.inf if deploy.ended_s is None else deploy.ended_s
        if deploy.touched.get(event.machine, math.inf) <= asked_s <= over_s:
            return deploy.release
    return None


def cut_short(event: MachineStopped, own_speed: float) -> bool:
    """Whether it was killed sooner than at Fly, whose seconds are its own.

    One that ignores the signal, or could not hear it, would have been killed there as well.
    """
    return event.killed and own_speed > 1 and event.why != WORLD_ENDED and not _deaf(event)


def _deaf(event: MachineStopped) -> str:
    """Why no time would have been enough, where that is so."""
    if event.frozen:
        return "; it was frozen"
    return f"; it ignores {event.signal}" if event.signal in (event.ignored or ()) else ""


def _default_action(event: MachineStopped) -> bool:
    """Whether its signal ended it because it had no handler, which is certain then."""
    unhandled = event.caught is not None and event.signal not in event.caught
    return unhandled and event.end_signal == event.signal


def _handlers(event: MachineStopped) -> str:
    """What it has handlers for, as far as that was seen.

    Languages bring handlers of their own (Python for SIGINT; Node.js, Go and bash for both), so one
    that is there need not be the program's.
    """
    if event.signal == "SIGTERM":
        return ""
    if event.caught is None:
        return "; if it drains on SIGTERM, set `kill_signal: SIGTERM`"
    here, there = event.signal in event.caught, "SIGTERM" in event.caught
    if there and not here:
        return "; it has a handler for SIGTERM only: set `kill_signal: SIGTERM`, or handle both"
    if there:
        return (
            f"; its handler for {event.signal} may be its language's own, and it has one for"
            " SIGTERM: if that one drains, set `kill_signal: SIGTERM`"
        )
    return f"; it has no handler for {'SIGTERM' if here else f'{event.signal} or SIGTERM'}"


def _connections(number: int) -> str:
    return f"{number} connection{'' if number == 1 else 's'} open"


def _real(seconds: float, speed: float) -> str:
    return "" if speed == 1 else f" ({_span(seconds / speed)} of real time at speed {speed:g})"


def _span(seconds: float) -> str:
    return f"{round(seconds, 2):g} s" if seconds >= 0.1 else f"{math.ceil(seconds * 1000)} ms"
