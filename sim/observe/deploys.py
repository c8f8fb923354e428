"""The deploys of a run, and whom they cut off. Pure.

A connection was dropped by a deploy if it ended, and the client had not ended it, on a machine that
the deploy had begun to update or to stop, before the deploy was over (or just after: that a
connection is gone takes its time to be noticed).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sim.observe.events import Disconnected
from sim.observe.history import History, Timed
from sim.observe.releases import DeployBegan, DeployEnded, DeployStep

_ENDING = frozenset({"update", "stop"})  # the steps that end what a machine runs
_NOTICED_S = 5.0


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
    until_s = end[0] + _NOTICED_S if end else history.last_t
    dropped = [
        (t, down)
        for t, down in history.of(Disconnected)
        if not down.expected and touched.get(down.machine, until_s) <= t < until_s
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
