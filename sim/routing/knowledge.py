"""What one edge believes of the machines: what was so a while ago, region by region.

Fly's edges learn of machines by gossip from the workers they run on; each worker is the truth for
its own. So two edges may disagree for seconds, a request may be sent to a machine that is gone, and
an edge that is cut off from a region goes on believing what it heard last.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from sim.clock import Clock
from sim.routing.machine_choice import MachineView

Views = Sequence[MachineView]


class Belief:
    """What one edge believes of the machines. `is_up` says whether news of a region gets through.

    `news` is called when something that was so `delay_s` ago is believed from now on.
    """

    def __init__(
        self,
        truth: Callable[[], Views],
        is_up: Callable[[str], bool],
        delay_s: float,
        clock: Clock,
        news: Callable[[], None],
    ) -> None:
        self._truth = truth
        self._is_up = is_up
        self._delay_s = delay_s
        self._clock = clock
        self._news = news
        self._believed: dict[str, Views] = {}
        self._said: dict[str, Views] = {}
        self._on_its_way: defaultdict[str, deque[tuple[float, Views]]] = defaultdict(deque)

    def changed(self) -> None:
        """Something about the machines may be different: each region with news sends it out.

        What there is when it is first called, as the world comes up, is known at once.
        """
        first = not self._said
        due_s = self._clock.now() + (0.0 if first else self._delay_s)
        now: defaultdict[str, list[MachineView]] = defaultdict(list)
        for view in self._truth():
            now[view.region].append(view)
        for region in {*now, *self._said}:
            if now[region] != self._said.get(region):
                self._said[region] = now[region]
                self._on_its_way[region].append((due_s, now[region]))
                if not first:
                    self._clock.call_later(self._delay_s, self._news)

    def views(self) -> Views:
        """The machines as the edge believes them to be."""
        now_s = self._clock.now()
        for region, news in self._on_its_way.items():
            while news and news[0][0] <= now_s and self._is_up(region):
                self._believed[region] = news.popleft()[1]
        return [
            replace(view, outdated=self._takes(view) and not self._serves(view)) if late else view
            for region, views in self._believed.items()
            for late in (bool(self._on_its_way[region]),)
            for view in views
        ]

    def _takes(self, view: MachineView) -> bool:
        return view.healthy and not view.cordoned

    def _serves(self, view: MachineView) -> bool:
        """Whether a machine really takes requests, as its region said last."""
        return any(now.id == view.id and self._takes(now) for now in self._said[view.region])
