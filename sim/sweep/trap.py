"""Watches one session in the journal: kills its machine at the moment, and sees it come back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sim.observe.events import Acked, Connected, Event
from sim.observe.journal import Record
from sim.sweep.boundaries import IDLE, Boundary, Moment

# So many acknowledgements after the last blow, and the session is well again.
WELL_AFTER = 5


@dataclass
class Life:
    """One connection of the session: what has happened on it, and which machine serves it."""

    seen: Counter[type[Event]] = field(default_factory=Counter)
    machine: str | None = None


def blows_of(boundary: Boundary | None) -> list[Moment]:
    """When machines are killed to reach a boundary; never for an undisturbed run (None)."""
    if boundary is None:
        return []
    return [IDLE, boundary.moment] if boundary.resuming else [boundary.moment]


class Trap:
    """A subscriber of the journal. Each of its `blows` falls in another life.

    `way_s` is the undisturbed time to an acknowledgement and `pause_s` what is left until the next
    message, by the clock of `later`. `strike(machine, earlier)` kills a machine, and brings back
    the one killed before it; `well()` is called once the session has been served again after the
    last blow.
    """

    def __init__(
        self,
        client: str,
        blows: Sequence[Moment],
        way_s: float,
        pause_s: float,
        *,
        later: Callable[[float, Callable[[], None]], object],
        strike: Callable[[str, str | None], None],
        well: Callable[[], None],
    ) -> None:
        self._client = client
        self._blows = list(blows)
        self._way_s = way_s
        self._pause_s = pause_s
        self._later = later
        self._strike = strike
        self._well = well
        self._life = Life()
        self._armed = True
        self.struck: list[str] = []

    @property
    def sprung(self) -> bool:
        """Whether every kill has been done."""
        return len(self.struck) == len(self._blows)

    def __call__(self, record: Record) -> None:
        """Take in a record. One that is not of the session's client changes nothing."""
        event = record.event
        if getattr(event, "client", None) != self._client or not self._armed:
            return
        if isinstance(event, Connected):
            self._life = Life(machine=event.machine)  # what an old connection still says is past
        life = self._life
        life.seen[type(event)] += 1
        if self.sprung:
            if isinstance(event, Acked) and life.seen[Acked] == WELL_AFTER:
                self._well()
            return
        moment = self._blows[len(self.struck)]
        if type(event) is moment.event and life.seen[moment.event] == moment.count:
            self._armed = False
            delay_s = moment.ways * self._way_s + moment.pauses * self._pause_s
            if delay_s:
                self._later(delay_s, self._fall)
            else:
                self._fall()

    def _fall(self) -> None:
        machine = self._life.machine
        if machine is not None:  # every moment is of a session that was connected
            earlier = self.struck[-1] if self.struck else None
            self.struck.append(machine)
            self._strike(machine, earlier)
        self._life, self._armed = Life(), True
