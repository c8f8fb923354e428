"""How an alert gets to who is told: a webhook by POST, a command on its standard input."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import aiohttp

from sim.clock import Clock
from sim.errors import StartError
from sim.machines.process import inherited, program_of
from sim.processes.child import Child, tail
from sim.secrets import Redactor

# Real seconds: receivers do not run at the simulation's speed.
_WEBHOOK_REAL_S = 5.0
_COMMAND_REAL_S = 10.0
_LINES = 3


class UndeliveredError(Exception):
    """A receiver did not take an alert; the message says why, and nothing secret."""


class Channel(Protocol):
    """A way to a receiver."""

    async def send(self, body: bytes) -> None:
        """Hand an alert over. Raises UndeliveredError."""

    async def close(self) -> None:
        """End whatever is under way."""


@dataclass(frozen=True)
class CommandContext:
    """What a command runs in: the world's id, the topology's folder, and where its output goes."""

    world: str
    folder: Path
    log: Path
    redact: Redactor


class Webhook:
    """POSTs to a URL. No error repeats it: whoever knows it may post there."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._http: aiohttp.ClientSession | None = None

    async def send(self, body: bytes) -> None:
        """Hand an alert over: any 2xx is fine, and no redirect is followed."""
        if self._http is None:
            self._http = aiohttp.ClientSession(headers={"Content-Type": "application/json"})
        try:
            async with (
                self._clock.timeout(_WEBHOOK_REAL_S * self._clock.speed),
                self._http.post(self._url, data=body, allow_redirects=False) as answer,
            ):
                status = answer.status
        except TimeoutError:
            raise UndeliveredError(f"no answer within {_WEBHOOK_REAL_S:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise UndeliveredError(f"it cannot be reached: {_why(error)}") from None
        if not 200 <= status < 300:
            raise UndeliveredError(f"it answered with status {status}")

    async def close(self) -> None:
        """Close its connections."""
        if self._http is not None:
            await self._http.close()


def _why(error: Exception) -> str:
    """Why nobody was reached, in words that name no URL."""
    cause = getattr(error, "os_error", error)
    number = getattr(cause, "errno", None) or 0
    # Name resolution has negative numbers of its own, and asyncio puts the address into its words.
    words = os.strerror(number) if number > 0 else getattr(cause, "strerror", None)
    return words or type(error).__name__


class Command:
    """Runs a command for each alert, in the topology's folder, with what machines inherit."""

    def __init__(self, command: tuple[str, ...], around: CommandContext, clock: Clock) -> None:
        self._command = command
        self._around = around
        self._clock = clock
        self._child: Child | None = None

    async def send(self, body: bytes) -> None:
        """Hand an alert over, and wait until the command has ended, or end it."""
        env = {**inherited(os.environ), "SIM_WORLD": self._around.world}
        folder = self._around.folder
        try:
            argv = program_of(self._command, folder, env.get("PATH", os.defpath), "alerts.command")
            child = Child(
                argv,
                env=env,
                output=self._around.log,
                folder=folder,
                stdin=body,
                redact=self._around.redact,
            )
        except StartError as error:
            raise UndeliveredError(str(error)) from error
        except OSError as error:
            raise UndeliveredError(f"it cannot be run: {error.strerror}") from error
        self._child = child
        try:
            async with self._clock.timeout(_COMMAND_REAL_S * self._clock.speed):
                end = await child.exited()
        except TimeoutError:
            await child.kill()
            raise UndeliveredError(f"it ran for {_COMMAND_REAL_S:g} s and was ended") from None
        if end.code != 0:
            said = " / ".join(tail(self._around.log, _LINES)) or "nothing"
            raise UndeliveredError(f"{end}; it printed {said}")

    async def close(self) -> None:
        """End the command that runs."""
        if self._child:
            await self._child.kill()
