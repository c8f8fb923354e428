"""The upkeep of a world's own parts: each is asked again and again whether it works.

One that does not is journaled as failed, which keeps the run from being green, and restarted. What
ends in an exception nobody handles is journaled too. So a part never fails in silence, whether it
is a process that was killed or a callback of ours with a defect.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sim.clock import Clock
from sim.errors import SimError
from sim.observe.events import PartFailed, PartRestarted
from sim.observe.journal import Journal

# Real seconds: how fast real servers answer does not depend on the simulation's speed.
_EVERY_REAL_S = 0.5
_ANSWER_REAL_S = 5.0
_RESTART_REAL_S = 40.0
_PAUSE_REAL_S = 0.5
_TRIES = 10
_PROVEN_REAL_MS = 500.0  # a failure that comes sooner than this was no waiting


@dataclass(frozen=True)
class Part:
    """One part. `ping` and `revive` raise whatever is wrong; `revive` works on what still runs."""

    name: str
    ping: Callable[[], Awaitable[object]]
    revive: Callable[[], Awaitable[object]]


class Upkeep:
    """Watches parts from `watch` to `stop`.

    `kept_ms` says for how many real milliseconds the host has kept this world waiting so far.
    """

    def __init__(
        self, clock: Clock, journal: Journal, kept_ms: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._kept_ms = kept_ms
        self._keeping: dict[str, asyncio.Task[None]] = {}
        self._heard: set[str] = set()

    def __repr__(self) -> str:
        return f"<Upkeep of {', '.join(self._keeping) or 'nothing'}>"

    def watch(self, part: Part) -> None:
        """Keep a part working from now on."""
        self._keeping[part.name] = asyncio.create_task(self._keep(part))

    async def unwatch(self, name: str) -> None:
        """Let a part be; it is about to be ended."""
        keeping = self._keeping.pop(name, None)
        if keeping:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    async def stop(self) -> None:
        """Let every part be."""
        for name in list(self._keeping):
            await self.unwatch(name)

    def overhear(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Journal an exception that nobody handles, once; an event loop's exception handler.

        It is also told as the loop would tell it: it is a defect, and its traceback says where.
        """
        error = context.get("exception")
        what = f"{context.get('message', '')}: {type(error).__name__}: {error}"
        if what in self._heard:
            return  # a callback that fails may do so thousands of times a second
        self._heard.add(what)
        if error is not None:
            self._journal.write(PartFailed("simulator", what))
        loop.default_exception_handler(context)

    async def _keep(self, part: Part) -> None:
        while True:
            await self._pause(_EVERY_REAL_S)
            why = await self._problem(part)
            if why is None:
                continue
            self._journal.write(PartFailed(part.name, why))
            why = await self._why_not_revived(part)
            if why is not None:
                self._journal.write(PartFailed(part.name, f"it could not be restarted: {why}"))
                return
            self._journal.write(PartRestarted(part.name))

    async def _problem(self, part: Part) -> str | None:
        """What is wrong, if two questions in a row say so: a busy machine may be late once."""
        why = await self._asked(part)
        return why and await self._asked(part)

    async def _asked(self, part: Part) -> str | None:
        """What is wrong; asked again where the host kept us waiting for most of that time."""
        why: str | None = None
        for _ in range(_TRIES):
            began_ms, kept_ms = self._clock.real_ms(), self._kept_ms()
            why = await self._outcome(part.ping, _ANSWER_REAL_S)
            took_ms = self._clock.real_ms() - began_ms
            if why is None or 2 * (self._kept_ms() - kept_ms) < max(took_ms, _PROVEN_REAL_MS):
                break
        return why

    async def _why_not_revived(self, part: Part) -> str | None:
        why: str | None = None
        for _ in range(_TRIES):
            why = await self._outcome(part.revive, _RESTART_REAL_S)
            why = why or await self._outcome(part.ping, _ANSWER_REAL_S)
            if why is None:
                return None
            await self._pause(_PAUSE_REAL_S)
        return why

    async def _outcome(self, doing: Callable[[], Awaitable[object]], within_s: float) -> str | None:
        """Do it; why it failed, or None."""
        failure: BaseException
        try:
            async with self._clock.timeout(within_s * self._clock.speed):
                await doing()
            return None
        except TimeoutError:
            return f"no answer within {within_s:g} s"
        except (SimError, OSError) as error:
            why, failure = str(error), error
        except Exception as error:  # noqa: BLE001 - a broken part may raise anything
            why, failure = f"{type(error).__name__}: {error}", error
        if _out_of_descriptors(failure):
            # The part may be as well as ever: restarting it would break what it carries.
            self._fail_once("no file descriptor is left to ask with: raise the limit (ulimit -n)")
            return None
        return why

    def _fail_once(self, why: str) -> None:
        if why not in self._heard:
            self._heard.add(why)
            self._journal.write(PartFailed("simulator", why))

    async def _pause(self, real_s: float) -> None:
        await self._clock.sleep(real_s * self._clock.speed)


def _out_of_descriptors(error: BaseException | None) -> bool:
    """Whether this, or what it came from, is that no file can be opened."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            return True
        error = error.__cause__
    return False
