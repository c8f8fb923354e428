"""Every link of a world, on one link server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from sim.clock import Clock
from sim.network.client import LinkServerClient
from sim.network.conditions import LinkSpec
from sim.network.link import Ground, Link, LinkCheckError
from sim.network.stats import LinkStats, parse_metrics
from sim.observe.journal import Journal

__all__ = ["Link", "LinkCheckError", "LinkSpec", "LinkStats", "Links"]

_OPEN_AT_ONCE = 16


class Links:
    """Every link of a world, on one link server."""

    def __init__(self, client: LinkServerClient, clock: Clock, journal: Journal) -> None:
        self.client = client
        self.journal = journal
        self._ground = Ground(client, clock, journal)
        self._links: dict[str, Link] = {}
        self._known = False

    def __repr__(self) -> str:
        return f"<Links {len(self._links)} on {self.client.url}>"

    @property
    def embedded(self) -> bool:
        """Whether the server is ours, with toxics that a stock one lacks; known from `open` on."""
        return self._ground.embedded

    async def open(self, spec: LinkSpec) -> Link:
        """Create a link and measure it. Raises LinkCheckError, LinkServerError."""
        if not self._known:
            self._ground.embedded = (await self.client.version()).endswith("+embedded")
            self._known = True
        if spec.name in self._links:
            raise ValueError(f"link {spec.name} is open already")
        if not self.embedded:
            spec = replace(spec, handshake=False)  # no stock server has that toxic
        link = self._links[spec.name] = Link(self._ground, spec)
        await link.open()
        return link

    async def open_all(self, specs: Iterable[LinkSpec]) -> list[Link]:
        """Open many at once, a bounded number at a time; all of their problems in one error."""
        turns = asyncio.Semaphore(_OPEN_AT_ONCE)

        async def one(spec: LinkSpec) -> Link:
            async with turns:
                return await self.open(spec)

        outcomes = await asyncio.gather(*map(one, specs), return_exceptions=True)
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        checks = [failure for failure in failures if isinstance(failure, LinkCheckError)]
        for failure in failures:
            if failure not in checks:
                raise failure
        if checks:
            raise LinkCheckError("\n".join(map(str, checks)))
        return [outcome for outcome in outcomes if isinstance(outcome, Link)]

    def link(self, source: str, target: str) -> Link:
        """The link from one place to another. Raises KeyError."""
        return self._links[f"{source}:{target}"]

    def all(self) -> list[Link]:
        """Every link, in the order of opening."""
        return list(self._links.values())

    async def stats(self) -> dict[str, LinkStats]:
        """Live connections and bytes each way, of every link by name."""
        found = parse_metrics(await self.client.metrics())
        return {name: found.get(name, LinkStats()) for name in self._links}

    async def close(self) -> None:
        """Remove every link. Safe to call again."""
        links, self._links = self.all(), {}
        for link in links:
            await link.close()
