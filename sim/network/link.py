"""One link: opened, measured, broken and healed.

What a link is like is one value (`Conditions`); a fault replaces it, and its proxy on the server
becomes so. After each change the link is measured: while opening, a link that is not
as asked raises LinkCheckError; later, or where it is only late, it is journaled as a failed part of
the simulator, so that no verdict rests on it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Protocol

from sim.errors import InputError, StartError
from sim.network.conditions import End, LinkSpec, Mode, State
from sim.network.link_proxy import LinkContext, LinkProxy
from sim.network.link_spec import ProxySpec, ToxicSpec
from sim.network.measure import Measured, hold_against
from sim.network.stats import LinkStats, parse_metrics
from sim.network.toxiproxy_api import LinkServerError
from sim.observe.events import LinkChanged, PartFailed


class Door(Protocol):
    """Another way in to a link, for those who cannot reach its listener."""

    def be_silent(self, *, connecting: bool, sending: bool) -> None:
        """Answer nobody who connects, and acknowledge nothing that is sent, or do so again."""


class LinkCheckError(StartError):
    """A link is not what was asked."""


class Link:
    """The path from one place to another."""

    def __init__(self, context: LinkContext, spec: LinkSpec) -> None:
        self.spec = spec
        self.conditions = spec.conditions
        self._context = context
        self._proxy = LinkProxy(context, spec)
        self._doors: list[Door] = []
        self._changing = asyncio.Lock()
        self._flapping: asyncio.Task[None] | None = None
        self._checking: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Link {self.name} {self.state}, {self.rtt_ms:g} ms>"

    @property
    def name(self) -> str:
        """`source:target`."""
        return self.spec.name

    @property
    def state(self) -> State:
        """Whether anything gets through: up, silent or refusing."""
        return self.conditions.state

    @property
    def rtt_ms(self) -> float:
        """The round trip now, in simulated milliseconds."""
        return self.conditions.rtt_ms

    @property
    def toxics(self) -> tuple[ToxicSpec, ...]:
        """What is on the proxy now."""
        return self._proxy.toxics

    # --- faults ------------------------------------------------------------------------------

    async def slow(
        self,
        latency_ms: float = 0.0,
        jitter_ms: float = 0.0,
        bandwidth_kbps: float | None = None,
        *,
        shared: bool = False,
    ) -> None:
        """Add to the round trip and its jitter, and bound the rate of each connection.

        `shared`: of all of them together. Embedded server only.
        """
        if shared and bandwidth_kbps is None:
            raise InputError("`shared` says whose the `bandwidth` is: give one too")
        if shared:
            self._demand_embedded("`shared`")
        await self._become(
            rtt_ms=self.spec.rtt_ms + latency_ms,
            jitter_ms=self.spec.jitter_ms + jitter_ms,
            bandwidth_kbps=self.spec.bandwidth_kbps if bandwidth_kbps is None else bandwidth_kbps,
            shared=self.spec.shared if bandwidth_kbps is None else shared,
        )

    async def loss(self, percent: float) -> None:
        """Lose so many packets in a hundred, which TCP turns into delay. Embedded server only."""
        self._demand_embedded("loss")
        await self._become(loss_percent=percent)

    async def half_open(self, connections: int = 1) -> None:
        """Let so many of the standing connections fall silent. Embedded server only."""
        self._demand_embedded("half_open")
        if self.conditions.half_open:
            await self._become(half_open=0)  # those that were drawn are not drawn again
        await self._become(half_open=connections)

    async def limit_age(self, age_s: float) -> None:
        """Reset each connection that has stood so many simulated seconds. Embedded server only."""
        self._demand_embedded("age_limit")
        await self._become(age_limit_s=age_s)

    def _demand_embedded(self, what: str) -> None:
        if not self._context.embedded:
            raise InputError(
                f"{what} needs the embedded link server: a stock one has no such toxic"
            )

    async def partition(self, mode: Mode = "silent", towards: End | None = None) -> None:
        """Let nothing through: in silence (towards one end, or both), or by refusing.

        `unanswered` concerns new connections alone. Embedded server only.
        """
        if mode != "silent" and towards:
            raise InputError("only a silent partition has a direction: drop `towards`")
        if mode == "unanswered":
            self._demand_embedded("an unanswered partition")
        await self._stop_flapping()
        await self._become(cut=mode, towards=towards)

    async def reset(self) -> int | None:
        """Break all present connections off. Returns how many, where the server says so.

        Their ends see ECONNRESET. A stock server cannot do that to a connection that is already
        open: there they see it end.
        """
        async with self._changing:
            return await self._proxy.reset()

    async def flap(self, period_s: float, mode: Mode = "silent") -> None:
        """Be down for half of each period and up for the other half, until healed.

        The period is in simulated seconds.
        """
        await self._stop_flapping()
        self._flapping = asyncio.create_task(self._flap(period_s, mode))

    async def heal(self) -> None:
        """Be as specified again. On a stock server that drops connections that were silent."""
        await self._stop_flapping()
        await self._become(**vars(self.spec.conditions))

    async def stats(self) -> LinkStats:
        """Live connections and bytes each way."""
        return parse_metrics(await self._context.client.metrics()).get(self.name, LinkStats())

    # --- how ---------------------------------------------------------------------------------

    async def establish(self) -> None:
        """Create the proxy with its toxics: connections get through from now on."""
        async with self._changing:
            await self._proxy.establish(self.conditions)
        self._tell()

    def opening(self) -> tuple[ProxySpec, list[ToxicSpec]]:
        """What `establish` would make, for a server that makes many at once."""
        return self._proxy.opening(self.conditions)

    def opened(self) -> None:
        """The server has made what `opening` says."""
        self._proxy.opened(self.conditions)
        self._tell()

    async def renew(self) -> None:
        """Be on the server again as it should be now: a server that was restarted has lost it."""
        async with self._changing:
            await _cancelled(self._checking)
            await self._proxy.establish(self.conditions)
            self._checking = asyncio.create_task(self._check())

    def attach(self, door: Door) -> None:
        """Let a door be as silent as the link, from now on."""
        self._doors.append(door)
        self._silence(door)

    def _silence(self, door: Door) -> None:
        now = self.conditions
        door.be_silent(
            connecting=now.cut in ("silent", "unanswered"),
            sending=now.cut == "silent" and now.towards in (None, "target"),
        )

    async def audit(self) -> None:
        """Measure it; one that is not as asked is journaled."""
        if not self._checking or self._checking.done():
            self._checking = asyncio.create_task(self._check())
        await asyncio.wait([self._checking])

    async def check(self) -> float | None:
        """Measure it; what it adds to its round trip by itself, in simulated ms, if that is known.

        One that is only late is measured again beside everything else: this machine may be busy.
        Raises LinkCheckError where it is not as asked.
        """
        async with self._changing:
            found = await self._measure()
            if found.slow:
                self._checking = asyncio.create_task(self._check())
            elif found.problem:
                raise LinkCheckError(f"link {self.name} ({self.spec.listen}): {found.problem}")
            return found.added_ms

    async def rest(self) -> None:
        """Change and measure no more: what is at its ends goes now."""
        await self._stop_flapping()
        await _cancelled(self._checking)

    async def close(self) -> None:
        """End what runs here, and remove the proxy."""
        await self.rest()
        await self._proxy.delete()

    async def _become(self, **changes: object) -> None:
        """Replace some of the conditions, tell, and have it measured."""
        async with self._changing:
            wanted = replace(self.conditions, **changes)  # type: ignore[arg-type] # its fields
            await _cancelled(self._checking)
            await self._proxy.become(wanted)
            self.conditions = wanted
            for door in self._doors:
                self._silence(door)
            self._tell()
            self._checking = asyncio.create_task(self._check())

    async def _check(self) -> None:
        """Journal a link that is not as asked, unless that has changed in the meantime."""
        conditions = self.conditions
        found = await self._measure()
        if found.problem and self.conditions is conditions:
            self._context.journal.write(PartFailed(f"link {self.name}", found.problem))

    async def _measure(self) -> Measured:
        return await hold_against(
            self.spec, self.conditions, self._context.clock, self._context.measuring_again
        )

    async def _flap(self, period_s: float, mode: Mode) -> None:
        clock = self._context.clock
        instant = clock.now()
        cut: Mode | None = mode
        try:
            while True:
                await self._become(cut=cut, towards=None)
                cut = None if cut else mode
                instant += period_s / 2
                await clock.sleep_until(instant)
        except LinkServerError as error:
            self._context.journal.write(PartFailed(f"link {self.name}", f"flap: {error}"))

    async def _stop_flapping(self) -> None:
        flapping, self._flapping = self._flapping, None
        await _cancelled(flapping)

    def _tell(self) -> None:
        now = self.conditions
        detail = now.detail() | ({"flapping": True} if self._flapping else {})
        if now.cut == "silent":
            detail["silence"] = self._context.silence
        self._context.journal.write(
            LinkChanged(self.name, now.state, now.rtt_ms, now.jitter_ms, detail)
        )


async def _cancelled(task: asyncio.Task[None] | None) -> None:
    if task and task is not asyncio.current_task():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
