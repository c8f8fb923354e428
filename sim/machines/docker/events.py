"""What the engine tells of containers and networks, followed in a thread and told to the loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from docker.errors import DockerException

from sim.docker.engine import BROKEN, Engine


@dataclass(frozen=True)
class EngineEvent:
    """One event: `what` is such as `container die`; `container` whom it concerns, if one."""

    what: str
    container: str
    network: str
    attributes: Mapping[str, str]


class Follower:
    """Follows the engine's events. `tell` and `lost` are called in the loop's thread.

    `lost` is called once when the stream ends otherwise than by `stop`.
    """

    def __init__(
        self, engine: Engine, tell: Callable[[EngineEvent], None], lost: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._tell = tell
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._stream: Any = None
        self._stopped = False

    async def start(self) -> None:
        """Subscribe: whatever happens from now on is told."""
        filters = {"type": ["container", "network"]}
        self._stream = await self._engine.run(
            self._engine.streams.events, decode=True, filters=filters
        )
        threading.Thread(target=self._follow, name="docker events", daemon=True).start()

    def stop(self) -> None:
        """End the subscription. Safe to call again."""
        self._stopped = True
        if self._stream:
            with contextlib.suppress(OSError, DockerException, AttributeError):
                self._stream.close()

    def _follow(self) -> None:
        with contextlib.suppress(*BROKEN, DockerException, OSError, ValueError, AttributeError):
            for event in self._stream:
                if self._stopped:
                    return
                self._in_loop(self._tell, _read(event))
        self._in_loop(self._ended)

    def _ended(self) -> None:
        if not self._stopped:
            self._lost()

    def _in_loop(self, function: Callable[..., None], *args: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants to know
            self._loop.call_soon_threadsafe(function, *args)


def _read(event: Mapping[str, Any]) -> EngineEvent:
    actor = event.get("Actor") or {}
    attributes = actor.get("Attributes") or {}
    kind, action = event.get("Type", ""), event.get("Action", "")
    of_network = kind == "network"
    return EngineEvent(
        what=f"{kind} {action}",
        container=attributes.get("container", "") if of_network else actor.get("ID", ""),
        network=actor.get("ID", "") if of_network else "",
        attributes=attributes,
    )
