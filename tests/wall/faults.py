"""The same gateway with one classic fault each: what a class overrides is the fault."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from typing import Any

import asyncpg
from aiohttp import web

from tests.wall.codec import Kept, Open, Resume, Say
from tests.wall.gateway import Gateway, Session, Talk
from tests.wall.store import ADD, HAS, LAST, LEASE, TROUBLE, Store


class AcknowledgesEarly(Gateway):
    """Says that a message is kept, and then keeps it."""

    async def take(self, talk: Talk, session: Session, said: Say) -> None:
        await talk.say(Kept(said.n))
        await self.keep(session, said)


class SwallowsErrors(Gateway):
    """Logs that a message could not be kept, and says that it is."""

    async def until_it_works(self, attempt: Callable[[], Any]) -> Any:
        try:
            return await attempt()
        except TROUBLE:
            return True


class LosesTheTail(Gateway):
    """Gathers messages for a moment and keeps all of such a batch but its last one."""

    batch: tuple[list[tuple[Session, Say]], asyncio.Event] | None = None

    async def keep(self, session: Session, said: Say) -> None:
        if self.batch is None:
            self.batch = ([], asyncio.Event())
            asyncio.get_running_loop().call_later(0.5, self.flush)
        items, done = self.batch
        items.append((session, said))
        await done.wait()

    def flush(self) -> None:
        (items, done), self.batch = self.batch or ([], asyncio.Event()), None
        keeping = [Gateway.keep(self, *item) for item in items[:-1] or items]
        asyncio.gather(*keeping, return_exceptions=True).add_done_callback(lambda _: done.set())


class RemembersLocally(Gateway):
    """Knows only those sessions that were begun on this machine since it started."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.known: set[str] = set()

    async def take_up(self, opening: Open | Resume) -> Session | None:
        if isinstance(opening, Resume) and opening.session not in self.known:
            return None
        self.known.add(opening.session)
        return await super().take_up(opening)


class ForgetsToFence(Gateway):
    """Looks up what a session has when a connection takes it up, and then trusts its own count."""

    async def take_up(self, opening: Open | Resume) -> Session | None:
        session = await super().take_up(opening)
        if session is not None:
            session.last = await self.ask(LAST, session.id)
        return session

    async def keep(self, session: Session, said: Say) -> None:
        if said.n > session.last:
            await self.ask(ADD, session.id, said.n, said.body)
            session.last = said.n


class RetriesBlindly(Gateway):
    """Knows what a session has, and repeats an insertion whose answer did not come."""

    async def take_up(self, opening: Open | Resume) -> Session | None:
        session = await super().take_up(opening)
        if session is not None:
            session.last = await self.ask(LAST, session.id)
        return session

    async def keep(self, session: Session, said: Say) -> None:
        if said.n > session.last:
            await self.insert(session, said)
            session.last = said.n


class DedupesInMemory(Gateway):
    """Knows what was kept before only of the messages that this machine has kept."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.seen: set[tuple[str, int]] = set()

    async def keep(self, session: Session, said: Say) -> None:
        if (session.id, said.n) not in self.seen:
            await self.insert(session, said)
            self.seen.add((session.id, said.n))


class HandlesAtOnce(Gateway):
    """Begins with each message when it comes, whether or not those before it are done."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.taking: set[asyncio.Task[None]] = set()

    async def take(self, talk: Talk, session: Session, said: Say) -> None:
        task = asyncio.create_task(super().take(talk, session, said))
        self.taking.add(task)
        task.add_done_callback(self.taking.discard)

    async def keep(self, session: Session, said: Say) -> None:
        if not await self.ask(HAS, session.id, said.n):
            await self.ask(ADD, session.id, said.n, said.body)


class _DeadPool(Store):
    def broken(self, connection: asyncpg.Connection[Any] | None) -> asyncpg.Connection[Any] | None:
        return connection


class KeepsADeadPool(Gateway):
    """Goes on with the database connections that it made first, though they are broken."""

    def make_store(self, url: str) -> Store:
        return _DeadPool(url)


class BlocksAndSaysHealthy(Gateway):
    """Its only worker waits for ever from the sixtieth message on; its health check does not."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.worker = asyncio.Lock()
        self.done = 0

    async def keep(self, session: Session, said: Say) -> None:
        async with self.worker:
            self.done += 1
            if self.done == 60:
                await asyncio.Event().wait()
        await super().keep(session, said)


class NeverLetsBackIn(Gateway):
    """Takes a lease on its region when it starts, and leaves it behind when it ends."""

    leased = False

    async def begin(self) -> None:
        await super().begin()
        self.leased = await self.ask(LEASE, self.region) is not None

    async def take_up(self, opening: Open | Resume) -> Session | None:
        if not self.leased:
            await asyncio.Event().wait()
        return await super().take_up(opening)


class DropsAtStop(Gateway):
    """Ends as soon as it is asked to, whoever is connected."""

    def on_signal(self, stop: Callable[[], None]) -> None:  # noqa: ARG002 - that is the fault
        super().on_signal(lambda: os._exit(0))


class IgnoresStop(Gateway):
    """Takes no notice of being asked to stop."""

    def on_signal(self, stop: Callable[[], None]) -> None:  # noqa: ARG002 - that is the fault
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


class CutsPolitely(Gateway):
    """Ends each connection in all politeness after eight messages."""

    async def take(self, talk: Talk, session: Session, said: Say) -> None:
        await super().take(talk, session, said)
        session.last += 1
        if session.last == 8:
            await talk.close(1000, "that is enough")


class Leaks(Gateway):
    """Has eaten all of its memory by its hundred and fiftieth message, and aborts, as V8 does."""

    eaten = 0

    async def keep(self, session: Session, said: Say) -> None:
        await super().keep(session, said)
        self.eaten += 1
        if self.eaten == 150:
            os.abort()


class PinsToPrimary(Gateway):
    """Sends whoever comes on to the primary region."""

    async def admit(self, request: web.Request) -> web.StreamResponse:
        if self.region != os.environ["PRIMARY_REGION"]:
            return web.Response(headers={"fly-replay": f"region={os.environ['PRIMARY_REGION']}"})
        return await super().admit(request)


FAULTS: Mapping[str, type[Gateway]] = {
    "acknowledges early": AcknowledgesEarly,
    "swallows errors": SwallowsErrors,
    "loses the tail of a batch": LosesTheTail,
    "remembers locally": RemembersLocally,
    "forgets to fence": ForgetsToFence,
    "retries blindly": RetriesBlindly,
    "dedupes in memory": DedupesInMemory,
    "handles messages at once": HandlesAtOnce,
    "keeps a dead pool": KeepsADeadPool,
    "blocked, and says healthy": BlocksAndSaysHealthy,
    "never lets anybody back in": NeverLetsBackIn,
    "drops at stop": DropsAtStop,
    "ignores its stop signal": IgnoresStop,
    "cuts politely": CutsPolitely,
    "leaks": Leaks,
    "pins to the primary region": PinsToPrimary,
}
