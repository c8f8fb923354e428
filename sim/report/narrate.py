"""What happens, told while it happens: a line for each thing that a person would want to know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from sim.observe.client_names import location_of
from sim.observe.events import (
    Alert,
    AlertUndelivered,
    Connected,
    Disconnected,
    DriverRaised,
    FaultBegan,
    FaultFailed,
    HealthChanged,
    HostLost,
    LoadEnded,
    LoadStarted,
    MachineChanged,
    MachineDied,
    MachineStopped,
    PartFailed,
    PartRestarted,
    RoutingChanged,
    RunStarted,
)
from sim.observe.events.releases import DeployBegan, DeployEnded
from sim.observe.journal import Record
from sim.observe.stops import WORLD_ENDED, in_words
from sim.scenario.trigger import tied_to


class Telling:
    """What there is to say of events, one after the other.

    Connections are told once a location's all are lost or back, not one by one.
    """

    def __init__(self) -> None:
        self._serving: dict[str, Counter[str]] = {}
        self._own_speed = 1.0
        self._mistakes: set[tuple[str, int | None, str]] = set()

    def lines(self, event: object) -> list[str]:
        """What an event says, in lines without their time."""
        match event:
            case Connected() | Disconnected():
                return self._moved(event)
            case DriverRaised():
                return self._raised(event)
            case RunStarted():
                self._own_speed = event.own_speed
            case LoadStarted():
                self._serving.clear()
            case MachineStopped() if event.why != WORLD_ENDED:
                took = in_words(event, self._own_speed)
                return [f"machine {event.machine} of {event.region}: {took}"]
        line = _of_the_run(event) or _of_the_world(event)
        return [line] if line else []

    def _raised(self, event: DriverRaised) -> list[str]:
        """A line for each of a driver's mistakes, the first time that it is made."""
        mistake = (event.file, event.line, event.error)
        if mistake in self._mistakes:
            return []
        self._mistakes.add(mistake)
        return [f"the driver raised ({event.where}): {event.error}"]

    def _moved(self, event: Connected | Disconnected) -> list[str]:
        """A line when a location's last client leaves a region, or the first comes to a new one."""
        location = location_of(event.client)
        counts = self._serving.setdefault(location, Counter())
        before = counts[event.region]
        counts[event.region] += 1 if isinstance(event, Connected) else -1
        if counts[event.region] == 0:
            return [f"{location}: nobody is connected to {event.region} any more"]
        if before == 0:
            return [f"{location}: the first client is connected to {event.region}"]
        return []


class Narrator:
    """Turns records of a run into lines. Subscribe it to a journal; `say` gets each line.

    Nothing is said before the load starts, nor after it has ended, and nothing of alerts, which
    follow from the rest. A session (`live`) is told whole, alerts too, from the world's start.
    """

    def __init__(self, say: Callable[[str], None], *, live: bool = False) -> None:
        self._say = say
        self._live = live
        self._start: float | None = 0.0 if live else None
        self._ended = False
        self._telling = Telling()

    def __call__(self, record: Record) -> None:
        """Take a record in."""
        t, event = record
        if isinstance(event, LoadStarted) and not self._live:
            self._start = t
        if isinstance(event, RunStarted):
            self._telling.lines(event)
        if self._start is None or self._ended or (isinstance(event, Alert) and not self._live):
            return
        self._ended = isinstance(event, LoadEnded) and not self._live
        for line in self._telling.lines(event):
            self._say(stamped(t - self._start, line))


def stamped(t: float, line: str) -> str:
    """A line with its time before it."""
    return f"{t:7.1f} s  {line}"


def _deployed(event: DeployBegan | DeployEnded) -> str:
    if isinstance(event, DeployBegan):
        return f"release {event.release} ({event.strategy}) for {len(event.machines)} machines"
    why = f": {event.error.splitlines()[0]}" if event.error else ""
    return f"release {event.release} is {event.outcome}{why}"


def _of_the_run(event: object) -> str | None:
    """What an event of the run says by itself, if it is one."""
    line = None
    match event:
        case LoadStarted():
            line = "1 client begins" if event.clients == 1 else f"{event.clients} clients begin"
        case LoadEnded():
            line = "the load ends"
        case FaultBegan():
            tied = tied_to(event.detail)
            line = f"{event.fault} {event.target}" + (f", at {tied}" if tied else "")
        case FaultFailed():
            line = f"{event.fault} {event.target} could not be done: {event.reason}"
        case HostLost():
            line = f"the host {event.host} is gone, with {len(event.machines)} machines"
        case PartFailed():
            line = f"{event.part} failed: {event.reason}"
        case PartRestarted():
            line = f"{event.part} was restarted"
        case Alert():
            line = f"alert: {event.alert} {event.state}: {event.reason}"
        case AlertUndelivered():
            line = f"{event.receiver} was not told of an alert: {event.reason}"
    return line


def _of_the_world(event: object) -> str | None:
    """What an event of machines and names says by itself, if it is one."""
    line = None
    match event:
        case MachineDied():
            said = f"; it said: {event.error_line}" if event.error_line else ""
            line = f"machine {event.machine} of {event.region} died: {event.end}{said}"
        case MachineChanged() if event.state in ("stopped", "started"):
            line = f"machine {event.machine} of {event.region} is {event.state}"
        case HealthChanged():
            line = f"check of {event.region}: {event.status} ({event.output})"
        case RoutingChanged():
            line = f"DNS leads {event.location} to {', then '.join(event.regions) or 'nothing'}"
        case DeployBegan() | DeployEnded():
            line = _deployed(event)
    return line
