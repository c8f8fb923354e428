"""Faults on links. What the sockets at both ends see is said in docs/links.md."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sim.scenario.faults.breakable import Breakable, links_at
from sim.scenario.faults.fault_spec import LINKS, Params, fault
from sim.scenario.model import Target
from sim.scenario.params import (
    Known,
    Param,
    choice,
    read_flag,
    read_milliseconds,
    read_number,
    read_positive_seconds,
    read_rate,
    read_share,
    with_unit,
    write_percent,
)
from sim.scenario.targets import places

if TYPE_CHECKING:
    from sim.network.conditions import End, Mode
    from sim.network.links import Link


@fault(
    "slow",
    on=LINKS,
    params=(
        Param("latency", "latency_ms", read_milliseconds, write=with_unit("ms")),
        Param("jitter", "jitter_ms", read_milliseconds, write=with_unit("ms")),
        Param("bandwidth", "bandwidth_kbps", read_rate, write=with_unit("kbps")),
        Param("shared", "shared", read_flag),
    ),
    one_of=("latency", "jitter", "bandwidth"),
    ended_by={"heal"},
    summary="`latency:` and `jitter:` are added, `bandwidth:` limits each connection, "
    "or with `shared: true` all of a link together, as an uplink does",
)
async def slow(world: Breakable, target: Target | None, params: Params) -> None:
    """Add latency and jitter, or limit bandwidth."""
    await asyncio.gather(
        *(
            link.slow(
                latency_ms=params.get("latency_ms") or 0.0,
                jitter_ms=params.get("jitter_ms") or 0.0,
                bandwidth_kbps=params.get("bandwidth_kbps"),
                shared=params.get("shared") or False,
            )
            for link in links_at(world, target)
        )
    )


@fault(
    "partition",
    on=LINKS,
    params=(
        Param("mode", "mode", choice("silent", "refusing", "unanswered"), default="silent"),
        Param("towards", "towards", Known("region or location", places)),
    ),
    ended_by={"heal"},
    newcomers=lambda detail: detail.get("mode") == "unanswered",
    summary="nothing crosses: `mode: silent` (default; bytes vanish, `towards:` one end makes it "
    "one-way), `refusing` (what stands is cut) or `unanswered` (`connect` times out, what stands "
    "goes on). With anycast also between two regions",
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


@fault(
    "reset",
    on=LINKS,
    effect="passes",
    standing=True,
    summary="RST on every standing connection; new ones work",
)
async def reset(world: Breakable, target: Target | None, params: Params) -> None:
    """Cut every standing connection with RST."""
    del params
    await asyncio.gather(*(link.reset() for link in links_at(world, target)))


@fault(
    "flap",
    on=LINKS,
    params=(
        Param("period", "period_s", read_positive_seconds, required=True, write=with_unit("s")),
    ),
    ended_by={"heal"},
    summary="down for half of each `period:`, up for the other half",
)
async def flap(world: Breakable, target: Target | None, params: Params) -> None:
    """Go down and up with a period, beginning with down."""
    mode: Mode = params.get("mode") or "silent"
    for link in links_at(world, target):
        await link.flap(params["period_s"], mode)


@fault(
    "loss",
    on=LINKS,
    params=(Param("percent", "share", read_share, required=True, write=write_percent),),
    ended_by={"heal"},
    summary="`percent:` of packets lost, which TCP turns into delay",
)
async def loss(world: Breakable, target: Target | None, params: Params) -> None:
    """Lose packets."""
    percent = params["share"] * 100
    await asyncio.gather(*(link.loss(percent) for link in links_at(world, target)))


@fault(
    "half_open",
    on=LINKS,
    params=(Param("connections", "connections", read_number, default=1),),
    ended_by={"heal"},
    standing=True,
    summary="`connections:` (1) of those that stand fall silent, as when a NAT has forgotten them; "
    "all others, and new ones, go on",
)
async def half_open(world: Breakable, target: Target | None, params: Params) -> None:
    """Let some of the standing connections fall silent."""
    count = params.get("connections") or 1
    await asyncio.gather(*(link.half_open(count) for link in links_at(world, target)))


@fault(
    "age_limit",
    on=LINKS,
    params=(Param("age", "age_s", read_positive_seconds, required=True, write=with_unit("s")),),
    ended_by={"heal"},
    summary="a connection is cut with RST once it has stood for `age:`, as by a load balancer's "
    "longest duration",
)
async def age_limit(world: Breakable, target: Target | None, params: Params) -> None:
    """Reset connections that have stood so long."""
    await asyncio.gather(*(link.limit_age(params["age_s"]) for link in links_at(world, target)))
