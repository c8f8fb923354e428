"""Every link of a world, on one link server."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from statistics import median
from typing import Any, TypeVar

from sim.clock import Clock
from sim.errors import InputError
from sim.network.conditions import LinkSpec
from sim.network.link import Link, LinkCheckError
from sim.network.link_proxy import LinkContext
from sim.network.stats import LinkStats, parse_metrics
from sim.network.toxiproxy_api import LinkServerClient, LinkServerError
from sim.observe.events import LinksMeasured
from sim.observe.journal import Journal

__all__ = ["Link", "LinkCheckError", "LinkSpec", "LinkStats", "Links"]

T = TypeVar("T")

_OPEN_AT_ONCE = 16
_OPEN_IN_ONE = 50  # in one request: some milliseconds, in which the server does nothing else
_MEASURED_FIRST = 64
_AUDITED_AT_ONCE = 4
_IS_THERE = 409


class Links:
    """Every link of a world, on one link server."""

    def __init__(self, client: LinkServerClient, clock: Clock, journal: Journal) -> None:
        self.client = client
        self.journal = journal
        self._context = LinkContext(client, clock, journal)
        self._links: dict[str, Link] = {}
        self._known = False
        self._asked = 0
        self._auditing: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Links {len(self._links)} on {self.client.url}>"

    @property
    def embedded(self) -> bool:
        """Whether the server is ours, with toxics that a stock one lacks; known from `open` on."""
        return self._context.embedded

    async def open(self, spec: LinkSpec) -> Link:
        """Create a link and measure it. Raises LinkCheckError, LinkServerError."""
        link = await self._establish(spec)
        await link.check()
        return link

    async def open_all(self, specs: Iterable[LinkSpec]) -> list[Link]:
        """Open many at once; all of their problems in one error."""
        links = await self.establish_all(specs)
        # Measuring takes a round trip or two each: of very many, the nearest are worth waiting for.
        nearest = sorted(links, key=lambda link: link.rtt_ms)
        await self.check_all(nearest[:_MEASURED_FIRST])
        if rest := nearest[_MEASURED_FIRST:]:
            self._auditing = asyncio.create_task(self._audit(rest))
        return links

    async def establish_all(self, specs: Iterable[LinkSpec]) -> list[Link]:
        """Create many links at once: they carry connections, but nobody has measured them yet."""
        links = [await self._new(spec) for spec in specs]
        if self.embedded:
            for few in (links[k : k + _OPEN_IN_ONE] for k in range(0, len(links), _OPEN_IN_ONE)):
                await self._open_in_one(few)
        else:
            await self._bounded(link.establish() for link in links)
        return links

    async def _open_in_one(self, links: list[Link]) -> None:
        try:
            await self.client.open_links([link.opening() for link in links])
        except LinkServerError as error:
            if error.status != _IS_THERE:
                raise
            await self._bounded(link.establish() for link in links)
        else:
            for link in links:
                link.opened()

    async def _audit(self, links: Iterable[Link]) -> None:
        """Measure these a few at a time, beside everything else."""
        waiting = iter(links)

        async def some() -> None:
            for link in waiting:
                await link.audit()

        async with asyncio.TaskGroup() as few:
            for _ in range(_AUDITED_AT_ONCE):
                few.create_task(some())

    async def check_all(self, links: Iterable[Link]) -> None:
        """Measure links, and journal what they add; all not as asked in one LinkCheckError."""
        found = await self._bounded(link.check() for link in links)
        if added := [ms for ms in found if ms is not None]:
            real_ms = max(0.0, median(added)) / self._context.clock.speed
            self.journal.write(LinksMeasured(round(real_ms, 3), len(added)))

    async def ping(self) -> None:
        """Ask the server for one link, each in its turn. Raises LinkServerError.

        By a connection of its own: one that stands may be all that is left of a server. A link
        that fails has its turn again.
        """
        links = self.all()
        asked = self._asked % len(links) if links else 0
        client = LinkServerClient(self.client.url)
        try:
            await client.about()
            if links and await client.proxy(links[asked].name) is None:
                raise LinkServerError(404, f"it has lost link {links[asked].name}")
        finally:
            await client.close()
        self._asked = asked + 1

    async def renew(self) -> None:
        """Put every link, in its present condition, on a server that has lost them."""
        await self._bounded(link.renew() for link in self.all())

    async def _establish(self, spec: LinkSpec) -> Link:
        link = await self._new(spec)
        await link.establish()
        return link

    async def _new(self, spec: LinkSpec) -> Link:
        if not self._known:
            about = await self.client.about()
            self._context.embedded, self._context.silence = about.embedded, about.silence
            self._known = True
        if spec.name in self._links:
            raise ValueError(f"link {spec.name} is open already")
        if not self.embedded:
            if spec.shared:
                raise InputError(
                    f"link {spec.name}: `shared` needs the embedded link server; unset"
                    " SIM_TOXIPROXY, or remove `shared`"
                )
            spec = replace(spec, handshake=False)  # no stock server has that toxic
        link = self._links[spec.name] = Link(self._context, spec)
        return link

    async def _bounded(self, doings: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
        """Do all of these, a bounded number at a time; then raise what went wrong, if anything."""
        turns = asyncio.Semaphore(_OPEN_AT_ONCE)

        async def one(doing: Coroutine[Any, Any, T]) -> T:
            async with turns:
                return await doing

        outcomes = await asyncio.gather(*map(one, doings), return_exceptions=True)
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        for failure in failures:
            if not isinstance(failure, LinkCheckError):
                raise failure
        if failures:
            raise LinkCheckError("\n".join(map(str, failures)))
        return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]

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

    async def rest(self) -> None:
        """Measure no more: a world ends, and what is behind a link may go before it."""
        if self._auditing:
            self._auditing.cancel()
            await asyncio.gather(self._auditing, return_exceptions=True)
        for link in self.all():
            await link.rest()

    async def close(self) -> None:
        """Remove every link. Safe to call again."""
        await self.rest()
        links, self._links = self.all(), {}
        for link in links:
            await link.close()
