"""What the live page costs under 1,000 sessions at 2 messages a second: the server, and a browser.

    python -m bench.dashboard

The server's part is the processor time spent in the model, in making frames and in sending them,
added up call by call; the page's frames are measured in a headless Chromium that draws in software.
"""

from __future__ import annotations

import asyncio
import time  # noqa: TID251 - processor time is what is measured
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.browser import opened
from bench.common import ATLAS, machine, table, world_of
from sim.cli.running import prepare_process
from sim.clock import Clock
from sim.control.verbs import Control
from sim.dashboard import feed
from sim.dashboard.live_model import LiveModel
from sim.observe.sample import Sample
from sim.scenario.load_scenario import scenario_from_mapping

SESSIONS = 1000
WARM_UP_S, MEASURED_S = 15.0, 20.0

# The gaps between frames that the page drew, and the long tasks that held one up.
_WATCH_FRAMES = """
(() => {
  globalThis.gaps = [], globalThis.tasks = [];
  let last = performance.now();
  const step = (now) => { gaps.push(now - last); last = now; requestAnimationFrame(step); };
  requestAnimationFrame(step);
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map((one) => one.duration)))
    .observe({ entryTypes: ["longtask"] });
})()
"""


@dataclass
class Spent:
    """Processor seconds and calls of one function."""

    seconds: float = 0.0
    calls: int = 0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with its time counted."""

        def call(*arguments: Any, **named: Any) -> Any:
            began = time.thread_time()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds += time.thread_time() - began
                self.calls += 1

        return call


async def main() -> None:
    """Bring the world up, look at it, and print the figures."""
    events, frames, news, texts = Spent(), Spent(), Spent(), Spent()
    LiveModel.__call__ = events.timed(LiveModel.__call__)  # type: ignore[method-assign]
    feed.frame = frames.timed(feed.frame)  # type: ignore[attr-defined]
    feed.news = news.timed(feed.news)  # type: ignore[attr-defined]
    feed._dumps = texts.timed(feed._dumps)  # noqa: SLF001 - as above
    every = (events, frames, news, texts)
    load = {"driver": "session", "clients": SESSIONS, "every": "500ms"}
    clock = Clock()
    async with world_of(ATLAS) as world, Control(world) as control:
        scenario = {"name": "bench", "load": load, "duration": "10m"}
        play = scenario_from_mapping(scenario, world.topology)
        control.dashboard.player.play(play, load_only=True)
        async with opened(control.dashboard.url()) as tab:
            await clock.sleep(WARM_UP_S)
            before = [(one.seconds, one.calls) for one in every]
            await tab.js(_WATCH_FRAMES)
            await clock.sleep(MEASURED_S)
            after = [(one.seconds, one.calls) for one in every]
            gaps = sorted(await tab.js("gaps"))
            tasks = await tab.js("tasks")
        served = len(world.journal.records)
    spent = [(s1 - s0, c1 - c0) for (s0, c0), (s1, c1) in zip(before, after, strict=True)]
    names = ("model, each event", "frame", "news", "JSON")
    rows = [
        [name, calls, f"{1e6 * s / max(1, calls):.1f}", f"{100 * s / MEASURED_S:.2f} %"]
        for name, (s, calls) in zip(names, spent, strict=True)
    ]
    total = sum(seconds for seconds, _ in spent) / MEASURED_S
    rows.append(["all", "", "", f"{100 * total:.2f} %"])
    title = f"{SESSIONS} sessions, 2 messages a second each, one page ({machine()})"
    table(title, ["of the server", "calls", "µs each", "of one core"], rows)
    figures = [f"{Sample(gaps).percentile(p):.0f}" for p in (50, 95, 99)]
    row = [len(gaps), *figures, len(tasks), f"{max(tasks, default=0):.0f}"]
    head = ["frames drawn", "p50 ms", "p95 ms", "p99 ms", "tasks over 50 ms", "longest ms"]
    table("The page", head, [row])
    print(f"\n{served} events in the journal")


if __name__ == "__main__":
    prepare_process()
    asyncio.run(main())
