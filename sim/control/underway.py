"""What a command is told while the world does what it asked for: what happens, and what is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sim.observe.events.releases import DeployBegan, DeployStep
from sim.observe.journal import Journal, Record
from sim.remaining import Remaining
from sim.report.narrate import Narrator, stamped


@contextmanager
def telling(journal: Journal, say: Callable[[str], None]) -> Iterator[None]:
    """Say a line for each thing that the journal has a person know, while this context lasts."""
    underway = _Underway(say)
    journal.subscribe(underway)
    try:
        yield
    finally:
        journal.unsubscribe(underway)


class _Underway:
    """Tells what happens, and at each machine that a deploy comes to, how many are left."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._narrate = Narrator(say, live=True)
        self._of = 0
        self._begun = 0
        self._remaining = Remaining(0)

    def __call__(self, record: Record) -> None:
        self._narrate(record)
        match record.event:
            case DeployBegan(machines=machines):
                self._of, self._begun = len(machines), 0
                self._remaining = Remaining(self._of)
            case DeployStep(step="update", machine=machine, region=region):
                left = self._remaining.after() if self._begun else ""
                self._begun += 1
                where = f"machine {machine} of {region} is updated"
                self._say(stamped(record.t, f"{where}: {self._begun} of {self._of}{left}"))
