"""Timers of TCP that a cut would have set off in life, and here could not. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.observe.events import LinkChanged, TransportTimerSeen
from sim.observe.history import History


@dataclass(frozen=True)
class StilledTimer:
    """A connection that would have ended at `due_s`."""

    due_s: float
    seen: TransportTimerSeen

    @property
    def words(self) -> str:
        """What it is, for a person."""
        return (
            f"{self.seen.timer} of {self.seen.machine} would have ended its connection through"
            f" {self.seen.link} at {self.due_s:.1f} s, but TCP noticed nothing of that silence"
        )


def stilled_timers(history: History) -> Iterator[StilledTimer]:
    """Those whose link was silent for long enough, in the order of being seen."""
    changes = list(history.of(LinkChanged))
    for t, seen in history.of(TransportTimerSeen):
        due_s = t + seen.after_s
        later = (at for at, c in changes if at > t and c.link == seen.link and c.state != "silent")
        if due_s < min(next(later, history.end), history.end):
            yield StilledTimer(due_s, seen)
