"""The feed of frames: made while somebody watches, and once for all who do.

Frames pass in real time, whatever the world's speed. A slow watcher is sent the newest frame there
is once it can take one, so it falls behind by frames and not by bytes.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

from sim.clock import Clock
from sim.dashboard.frame import frame, news
from sim.dashboard.live_model import LiveModel
from sim.dashboard.player import Player
from sim.world import World

EVERY_REAL_S = 0.5


class Feed:
    """Frames for any number of watchers."""

    def __init__(self, world: World, model: LiveModel, player: Player) -> None:
        self._world = world
        self._model = model
        self._player = player
        self._clock = Clock(1.0)
        self._epoch = 0
        self._made = (-EVERY_REAL_S, "")
        self.watchers = 0

    def __repr__(self) -> str:
        return f"<Feed to {self.watchers} watchers>"

    async def watch(self) -> AsyncGenerator[str, None]:
        """Frames as JSON: the first at once and with all that is kept, until `hang_up`."""
        epoch, line, since = self._epoch, 0, 0
        self.watchers += 1
        try:
            while epoch == self._epoch:
                fresh = news(self._model, line, since)
                # The bin that is not over yet is news once more in the next frame.
                since = self._model.bin_of(self._world.clock.now())
                yield f'{self._frame()[:-1]},"news":{_dumps(fresh)}}}'
                line = fresh["lines"][-1][0] if fresh["lines"] else line
                await self._clock.sleep(EVERY_REAL_S)
        finally:
            self.watchers -= 1

    def hang_up(self) -> None:
        """End the streams of those who watch now; who comes afterwards is served."""
        self._epoch += 1

    def _frame(self) -> str:
        """The newest frame, not older than another watcher's last one."""
        made_s, text = self._made
        now_s = self._clock.now()
        if now_s - made_s >= EVERY_REAL_S * 0.9:
            text = _dumps({**frame(self._world, self._model), "play": self._player.state()})
            self._made = (now_s, text)
        return text


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
