"""The deploys of a run, and whom they cut off. Pure.

A connection was dropped by a deploy if it led to a process that the deploy ended, by updating or
stopping its machine, and ended after that had begun, though its client had not ended it. So each
connection is dropped at most once; what becomes of those to the new process is another story.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sim.observe.events import Disconnected
from sim.observe.events.releases import DeployBegan, DeployEnded, DeployStep
from sim.observe.history import History, Timed
from sim.observe.processes import connections, next_process

_ENDING = frozenset({"update", "stop"})  # the steps that end what a machine runs


@dataclass(frozen=True)
class DeployRun:
    """One deploy. `ended_s` and `outcome` are None where the run was over before it.

    `touched` are the machines whose program it has ended, with the times of that.
    """

    release: int
    strategy: str
    began_s: float
    machines: tuple[str, ...]
    touched: Mapping[str, float]
    dropped: Sequence[Timed[Disconnected]]
    ended_s: float | None = None
    outcome: str | None = None
    error: str = ""

    @property
    def dropped_by_location(self) -> Counter[str]:
        """How many connections it dropped, by where their clients are."""
        return Counter(event.location for _, event in self.dropped)

    @property
    def goodbyes(self) -> Counter[str]:
        """How those clients were told goodbye, and how many were told so.

        By a close frame with this code, by a `message`, or not at all: `none`. `unknown` where the
        journal does not say it.
        """
        return Counter(_goodbye(event) for _, event in self.dropped)


def find_deploys(history: History) -> list[DeployRun]:
    """Every deploy of a run, in order."""
    ends = {end.release: (t, end) for t, end in history.of(DeployEnded)}
    begun = history.of(DeployBegan)
    return [_deploy(history, t, began, ends.get(began.release)) for t, began in begun]


def _deploy(
    history: History, began_s: float, began: DeployBegan, end: Timed[DeployEnded] | None
) -> DeployRun:
    touched: dict[str, float] = {}
    for t, step in history.of(DeployStep):
        if step.release == began.release and step.step in _ENDING:
            touched.setdefault(step.machine, t)
    # Until when a new connection still leads to the process that is being ended.
    replaced = {
        machine: next_process(history, machine, t) or math.inf for machine, t in touched.items()
    }
    dropped = [
        (c.until_s, c.down)
        for c in connections(history)
        if not c.down.expected
        and c.until_s >= touched.get(c.down.machine, math.inf)
        and c.since_s < replaced[c.down.machine]
    ]
    return DeployRun(
        release=began.release,
        strategy=began.strategy,
        began_s=began_s,
        machines=began.machines,
        touched=touched,
        dropped=dropped,
        ended_s=end[0] if end else None,
        outcome=end[1].outcome if end else None,
        error=end[1].error if end else "",
    )


def _goodbye(down: Disconnected) -> str:
    match down.how:
        case "closed":
            return str(down.code)
        case "goodbye":
            return "message"
        case "":
            return "unknown"
    return "none"
