"""Whether a machine of a new release has come up: flyctl's smoke check, then its health checks."""

from __future__ import annotations

import asyncio

from sim.clock import Clock
from sim.errors import StartError
from sim.machines.checker import HealthChecker
from sim.machines.fleet import Fleet
from sim.machines.lifecycle import State
from sim.machines.machine import Machine
from sim.machines.runs import post_mortem, running

SMOKE_S = 10.0  # simulated seconds in which flyctl watches for a crash
_LOG_LINES = 20


class Proof:
    """Watches machines of a new release come up, one by one."""

    def __init__(self, fleet: Fleet, health: HealthChecker, clock: Clock) -> None:
        self._fleet = fleet
        self._health = health
        self._clock = clock

    async def smoke(self, machine: Machine) -> None:
        """Watch it for ten seconds. Raises StartError, with its last words, if it ends."""
        try:
            async with self._clock.timeout(SMOKE_S):
                while machine.state is State.STARTED:
                    await self._fleet.news()
        except TimeoutError:
            return
        raise await self._died(machine)

    async def healthy(self, machine: Machine, within_s: float) -> None:
        """Wait until its checks pass. Raises StartError if they do not in time, or if it ends.

        It is left as it is: a machine that runs and does not pass stays, out of the rotation.
        """
        passed = asyncio.ensure_future(self._health.passed(machine.id))
        try:
            async with self._clock.timeout(within_s):
                while machine.state is State.STARTED and not passed.done():
                    await self._news_or(passed)
        except TimeoutError:
            finding = self._health.output(machine.id)
            problem = (
                f"did not pass its health check within {within_s:g} s (last result: {finding});"
                " it is left running, without traffic"
            )
            tail = await running(machine).tail(_LOG_LINES)
            raise StartError(post_mortem(machine, problem, tail)) from None
        finally:
            passed.cancel()
        if machine.state is not State.STARTED:
            raise await self._died(machine)

    async def _news_or(self, passed: asyncio.Future[None]) -> None:
        news = asyncio.ensure_future(self._fleet.news())
        try:
            await asyncio.wait({passed, news}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()

    async def _died(self, machine: Machine) -> StartError:
        instance = running(machine)
        end = f"ended ({await instance.exited()})" if self._fleet.ended(machine) else "is not up"
        problem = f"{end}: it is {machine.state}"
        return StartError(post_mortem(machine, problem, await instance.tail(_LOG_LINES)))
