"""Who is told of alerts. Each receiver has a queue and a task of its own.

So a slow one delays neither the world nor the others. What it does not take is not tried again
(an alert is news), and journaled once until it has taken one. At the world's end what waits has a
moment to go out.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

from sim.alerts.channels import Channel, Command, CommandContext, UndeliveredError, Webhook
from sim.clock import Clock
from sim.observe.events import Alert, AlertUndelivered
from sim.observe.journal import Journal
from sim.topology.model import AlertReceiver, Topology

_FAREWELL_REAL_S = 2.0
_MOST_WAITING = 1000
_MOST_CHARACTERS = 2000  # of a reason, which may quote what a gateway said


class Receiver:
    """One receiver of a topology. `name` is free of secrets."""

    def __init__(
        self, name: str, on: Iterable[str], channel: Channel, clock: Clock, journal: Journal
    ) -> None:
        self._name = name
        self._on = frozenset(on)
        self._channel = channel
        self._clock = clock
        self._journal = journal
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(_MOST_WAITING)
        self._failing = False
        self._task = asyncio.create_task(self._send_all())

    def __repr__(self) -> str:
        return f"<Receiver {self._name}, {self._waiting.qsize()} waiting>"

    def tell(self, alert: str, body: bytes) -> None:
        """Have it told of an alert, if it wants to know of such."""
        if alert not in self._on:
            return
        try:
            self._waiting.put_nowait(body)
        except asyncio.QueueFull:
            self._fail(f"{_MOST_WAITING} alerts wait already: this one was dropped")

    async def stop(self) -> None:
        """Give what waits a moment, and end."""
        try:
            async with self._clock.timeout(_FAREWELL_REAL_S * self._clock.speed):
                await self._waiting.join()
        except TimeoutError:
            pass
        finally:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            await self._channel.close()

    async def _send_all(self) -> None:
        while True:
            body = await self._waiting.get()
            try:
                await self._channel.send(body)
                self._failing = False
            except UndeliveredError as error:
                self._fail(str(error))
            finally:
                self._waiting.task_done()

    def _fail(self, reason: str) -> None:
        if not self._failing:
            self._failing = True
            self._journal.write(AlertUndelivered(self._name, reason))


class Receivers:
    """Everybody whom a topology wants told."""

    def __init__(
        self, topology: Topology, around: CommandContext, clock: Clock, journal: Journal
    ) -> None:
        self._app = topology.app
        self._world = around.world
        self._receivers = [
            Receiver(
                f"alerts[{i}] ({'webhook' if receiver.webhook else 'command'})",
                receiver.on,
                _channel(receiver, around, clock),
                clock,
                journal,
            )
            for i, receiver in enumerate(topology.alerts)
        ]

    def __repr__(self) -> str:
        return f"<Receivers {self._receivers}>"

    def tell(self, t: float, alert: Alert) -> None:
        """Tell everybody who wants to know; `t` is when it was found, in the journal's time."""
        body = json.dumps(self._message(t, alert), ensure_ascii=False).encode()
        for receiver in self._receivers:
            receiver.tell(alert.alert, body)

    async def stop(self) -> None:
        """End them all, at the same time."""
        await asyncio.gather(*(receiver.stop() for receiver in self._receivers))

    def _message(self, t: float, alert: Alert) -> dict[str, Any]:
        return {
            "alert": alert.alert,
            "state": alert.state,
            "subject": alert.subject,
            "region": alert.region,
            "text": f"{alert.alert} {alert.state}: {alert.reason[:_MOST_CHARACTERS]}",
            "at_s": round(t, 3),
            "since_s": None if alert.since is None else round(alert.since, 3),
            "app": self._app,
            "world": self._world,
        }


def _channel(receiver: AlertReceiver, around: CommandContext, clock: Clock) -> Channel:
    if receiver.webhook:
        return Webhook(receiver.webhook, clock)
    return Command(receiver.command or (), around, clock)
