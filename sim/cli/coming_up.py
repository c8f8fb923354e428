"""What a person is told who waits for a world: after two seconds, and then what is new."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sim.clock import Clock

if TYPE_CHECKING:
    from sim.world import World

T = TypeVar("T")

_FIRST_REAL_S = 2.0
_AGAIN_REAL_S = 1.0


async def told_while_coming_up(world: World, main: Coroutine[Any, Any, T]) -> T:
    """The result of `main`, which brings the world up; what keeps it waiting is told on stderr."""
    telling = asyncio.create_task(_tell(world))
    try:
        return await main
    finally:
        telling.cancel()


async def _tell(world: World) -> None:
    clock = Clock()
    await clock.sleep(_FIRST_REAL_S)
    told = ""
    while not world.startup.done:
        first, *others = world.awaited() or ["its parts"]
        more = f" (and {len(others)} more)" if others else ""
        line = f"waiting for {first}{more}"
        if line != told:
            click.echo(line, err=True)
        told = line
        await clock.sleep(_AGAIN_REAL_S)
