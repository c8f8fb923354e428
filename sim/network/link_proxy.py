"""A link's proxy on the server: made, brought into a condition, and made anew where that hangs.

What is sent is the difference between the toxics that are there and those that should be.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from sim.clock import Clock
from sim.network.conditions import Conditions, LinkSpec
from sim.network.link_spec import ProxySpec, ToxicSpec
from sim.network.measure import turns_to_measure_again
from sim.network.toxiproxy_api import NO_ANSWER, LinkServerClient, LinkServerError, Silence
from sim.observe.journal import Journal

_STUCK = {NO_ANSWER, 503}  # a stock server that waits for a stalled reader


@dataclass
class LinkContext:
    """What all links of a world share. `embedded`, `silence`: known once the server was asked."""

    client: LinkServerClient
    clock: Clock
    journal: Journal
    embedded: bool = False
    silence: Silence = "data"
    measuring_again: asyncio.Semaphore = field(default_factory=turns_to_measure_again)


class LinkProxy:
    """One link's. Every call raises LinkServerError; one at a time, who calls sees to that."""

    def __init__(self, context: LinkContext, spec: LinkSpec) -> None:
        self._context = context
        self._client = context.client
        self._spec = spec
        self._present: dict[str, ToxicSpec] = {}
        self._enabled = False

    def __repr__(self) -> str:
        state = "enabled" if self._enabled else "disabled"
        return f"<LinkProxy {self._spec.name}, {state}, {len(self._present)} toxics>"

    @property
    def toxics(self) -> tuple[ToxicSpec, ...]:
        """What is on the proxy now."""
        return tuple(self._present.values())

    def opening(self, wanted: Conditions) -> tuple[ProxySpec, list[ToxicSpec]]:
        """What `establish` would make, for a server that makes many at once."""
        return self._spec.proxy(enabled=True), list(self._toxics(wanted).values())

    def opened(self, wanted: Conditions) -> None:
        """The server has made what `opening` says."""
        self._present = self._toxics(wanted)
        self._enabled = True

    async def establish(self, wanted: Conditions) -> None:
        """Make it. Disabled first, so that no connection gets in before its toxics are there."""
        found = await self._client.upsert(self._spec.proxy(enabled=False))
        self._enabled = False
        for toxic in found["toxics"]:
            await self._client.remove_toxic(self._spec.name, toxic["name"])
        self._present = {}
        await self._apply(wanted)

    async def become(self, wanted: Conditions) -> None:
        """Bring it into another condition, by making it anew where a stock server hangs."""
        try:
            await self._apply(wanted)
        except LinkServerError as error:
            if error.status not in _STUCK or self._context.embedded:
                raise
            await self._rebuild(wanted)

    async def reset(self) -> int | None:
        """Break all present connections off; how many, where the server says so."""
        if self._context.embedded:
            return await self._client.reset_connections(self._spec.name)
        await self._client.set_enabled(self._spec.name, on=False)
        await self._client.set_enabled(self._spec.name, on=self._enabled)
        return None

    async def delete(self) -> None:
        """Take it from the server. One that is gone has no proxies."""
        try:
            await self._client.delete(self._spec.name)
        except LinkServerError as error:
            if error.status != NO_ANSWER:
                raise

    async def _apply(self, wanted: Conditions) -> None:
        """Send the difference between what is and what should be."""
        toxics = self._toxics(wanted)
        enabled = wanted.cut != "refusing"
        if self._enabled and not enabled:
            await self._enable(on=False)
        # First what is added: between one way of being cut and another nothing gets through.
        for name, spec in toxics.items():
            if self._present.get(name) != spec:
                await self._client.put_toxic(self._spec.name, spec)
                self._present[name] = spec
        for name in [name for name in self._present if name not in toxics]:
            await self._client.remove_toxic(self._spec.name, name)
            del self._present[name]
        if enabled and not self._enabled:
            await self._enable(on=True)

    def _toxics(self, wanted: Conditions) -> dict[str, ToxicSpec]:
        context = self._context
        return wanted.toxics(
            handshake=self._spec.handshake, embedded=context.embedded, speed=context.clock.speed
        )

    async def _enable(self, *, on: bool) -> None:
        await self._client.set_enabled(self._spec.name, on)
        self._enabled = on

    async def _rebuild(self, wanted: Conditions) -> None:
        """A stock server's API hangs on a stalled connection: drop the proxy and start over."""
        try:
            await self._client.set_enabled(self._spec.name, on=False)
        except LinkServerError as error:
            if error.status not in _STUCK:
                raise
        await self._client.delete(self._spec.name)
        await self.establish(wanted)
