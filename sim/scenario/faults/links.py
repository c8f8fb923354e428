"""Faults on links. What the sockets at both ends see is said in docs/links.md.

slow       more latency, jitter, or less bandwidth, in real milliseconds.
partition  nothing crosses: `silent` (bytes vanish, connections hang) or `refusing` (connections
           are cut, new ones refused); `towards` one end makes a silent one one-way.
reset      every connection that stands is cut with RST; new ones work.
flap       down and up again with a period.
loss       packets lost at a rate, which TCP turns into delay.
heal       the link is again as the topology has it.
"""

from __future__ import annotations

import asyncio

from sim.network.conditions import End, Mode
from sim.network.links import Link
from sim.scenario.faults.base import Breakable, Params, links_at
from sim.scenario.model import Target


async def slow(world: Breakable, target: Target | None, params: Params) -> None:
    """Add latency and jitter, or limit bandwidth."""
    await asyncio.gather(
        *(
            link.slow(
                latency_ms=params.get("latency_ms") or 0.0,
                jitter_ms=params.get("jitter_ms") or 0.0,
                bandwidth_kbps=params.get("bandwidth_kbps"),
            )
            for link in links_at(world, target)
        )
    )


async def partition(world: Breakable, target: Target | None, params: Params) -> None:
    """Let nothing cross."""
    mode: Mode = params.get("mode") or "silent"
    await asyncio.gather(
        *(
            link.partition(mode=mode, towards=_end(link, params.get("towards")))
            for link in links_at(world, target)
        )
    )


def _end(link: Link, place: str | None) -> End | None:
    """Which end of a link a place is, or None for both."""
    if place is None:
        return None
    return "source" if place == link.spec.source else "target"


async def reset(world: Breakable, target: Target | None, params: Params) -> None:
    """Cut every standing connection with RST."""
    del params
    await asyncio.gather(*(link.reset() for link in links_at(world, target)))


async def flap(world: Breakable, target: Target | None, params: Params) -> None:
    """Go down and up with a period, beginning with down."""
    mode: Mode = params.get("mode") or "silent"
    for link in links_at(world, target):
        await link.flap(params["period_s"], mode)


async def loss(world: Breakable, target: Target | None, params: Params) -> None:
    """Lose packets."""
    percent = params["share"] * 100
    await asyncio.gather(*(link.loss(percent) for link in links_at(world, target)))
